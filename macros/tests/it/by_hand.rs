//! The account of the `Entity` trait's page, by hand; and the two side by side.

use crate::derived;
use sarsen::{
    Asked, AuditPort, Behaviour, Entity, EntityContext, EntityType, Operations, Port, Ran, Reference,
    Returns, RunLimits, StatePort, Typed,
};
use sarsen_protocol::{Address, OperationName, Payload, Timestamp, json};
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Account {
    balance: i64,
}

impl Account {
    fn deposit(&mut self, amount: i64) -> i64 {
        self.balance += amount;
        self.balance
    }

    fn withdraw(&mut self, amount: i64) -> Result<i64, Insufficient> {
        self.balance = self.balance.checked_sub(amount).filter(|rest| *rest >= 0).ok_or(Insufficient)?;
        Ok(self.balance)
    }

    fn sweep(&mut self, cx: &mut EntityContext<'_>, into: String, keep: i64) {
        let rest = self.balance.min(keep);
        cx.entity::<Self>(into).deposit(self.balance - rest).signal();
        self.balance = rest;
    }

    fn balance(&self) -> i64 {
        self.balance
    }
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Insufficient;

impl fmt::Display for Insufficient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the balance does not suffice")
    }
}

impl EntityType for Account {
    const NAME: &'static str = "account";
    type Ref<P: Port> = AccountRef<P>;

    fn refer<P: Port>(port: P) -> AccountRef<P> {
        AccountRef { port }
    }
}

impl Entity for Account {
    fn initial(_key: &str) -> Self {
        Self::default()
    }

    fn operations() -> Operations<Self> {
        Operations::new()
            .update("deposit", Returns::value(), |account: &mut Self, _cx, amount| account.deposit(amount))
            .update("withdraw", Returns::fallible(), |account: &mut Self, _cx, amount| {
                account.withdraw(amount)
            })
            .update("sweep", Returns::value(), |account: &mut Self, cx, (into, keep)| {
                account.sweep(cx, into, keep);
            })
            .read("balance", Returns::value(), |account: &Self, _cx, ()| account.balance())
    }
}

/// What may be asked of an account.
#[derive(Clone, Debug)]
struct AccountRef<P> {
    port: P,
}

impl<P: Port> AccountRef<P> {
    fn deposit(&self, amount: i64) -> P::Request<i64> {
        self.port.request("deposit", &amount, Returns::value())
    }

    fn withdraw(&self, amount: i64) -> P::Request<Result<i64, Insufficient>> {
        self.port.request("withdraw", &amount, Returns::fallible())
    }

    fn sweep(&self, into: String, keep: i64) -> P::Request<()> {
        self.port.request("sweep", &(into, keep), Returns::value())
    }

    fn balance(&self) -> P::Request<i64> {
        self.port.request("balance", &(), Returns::value())
    }

    fn delete(&self) -> P::Request<()> {
        self.port.request("delete", &(), Returns::value())
    }
}

impl<P: Port> Reference for AccountRef<P> {
    type Port = P;
    type Over<Q: Port> = AccountRef<Q>;

    fn port(&self) -> &P {
        &self.port
    }

    fn over<Q: Port>(port: Q) -> AccountRef<Q> {
        AccountRef { port }
    }
}

impl<P: StatePort> AccountRef<P> {
    fn state(&self) -> P::State<Account> {
        self.port.state()
    }
}

/// A port that only says what it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Said;

impl Port for Said {
    type Request<R> = (&'static str, String, Returns<R>);

    fn request<I: Serialize + ?Sized, R>(
        &self,
        operation: impl Into<OperationName>,
        input: &I,
        returns: Returns<R>,
    ) -> Self::Request<R> {
        (operation.into().to_string().leak(), text(&json::encode(input).expect("it has JSON")), returns)
    }
}

impl StatePort for Said {
    type State<E: Entity> = &'static str;

    fn state<E: Entity>(&self) -> &'static str {
        E::NAME
    }
}

impl AuditPort for Said {
    type Audit = &'static str;

    fn audit(&self) -> &'static str {
        "what was done"
    }
}

pub(crate) fn text(payload: &Payload) -> String {
    String::from_utf8(payload.as_bytes().to_vec()).expect("JSON is UTF-8")
}

const LIMITS: RunLimits =
    RunLimits { payload_bytes_max: 1_000, state_bytes_max: 1_000, messages_max: 10, verify: true };

/// A run of `script`, of (operation, input) each, on an entity that does not exist.
pub(crate) fn run<E: Entity>(script: &[(&str, &str)]) -> Ran {
    let typed = Typed::<E>::new().expect("it can be registered");
    let ops: Vec<(OperationName, Payload)> = script
        .iter()
        .map(|(name, input)| {
            (OperationName::from((*name).to_owned()), Payload::from_encoded((*input).to_owned().into()))
        })
        .collect();
    let asked: Vec<Asked<'_>> = ops.iter().map(|(operation, input)| Asked { operation, input }).collect();
    let address = Address::entity(typed.name(), "alice").expect("valid");
    typed.run(&address, &mut None, &asked, Timestamp::from_micros(7), &LIMITS)
}

#[test]
fn the_derived_account_runs_as_the_hand_written_one_does() {
    let scripts: [&[(&str, &str)]; 4] = [
        &[
            ("deposit", "5"),
            ("withdraw", "3"),
            ("balance", "null"),
            ("sweep", "[\"bob\",1]"),
            ("balance", "null"),
        ],
        &[("deposit", "5"), ("withdraw", "6"), ("balance", "null"), ("delete", "null"), ("balance", "null")],
        &[("withdraw", "1")],
        &[
            ("balance", "null"),
            ("deposit", "\"five\""),
            ("sweep", "[\"bob\"]"),
            ("sweep", "[\"\\u0001\",0]"),
            ("no", "1"),
        ],
    ];
    for script in scripts {
        assert_eq!(run::<derived::Account>(script), run::<Account>(script));
    }
}

#[test]
fn the_derived_reference_asks_as_the_hand_written_one_does() {
    let (hand, derived) = (Account::refer(Said), derived::Account::refer(Said).clone());
    assert_eq!(format!("{hand:?}"), format!("{derived:?}"));
    macro_rules! same {
        ($($asked:ident($($input:expr),*)),* $(,)?) => {
            $({
                let (hand, derived) = (hand.$asked($($input),*), derived.$asked($($input),*));
                assert_eq!((hand.0, &hand.1), (derived.0, &derived.1));
                assert_eq!(format!("{:?}", hand.2), format!("{:?}", derived.2));
            })*
        };
    }
    same!(deposit(5), withdraw(5), sweep("bob".to_owned(), 1), balance(), delete());
    assert_eq!(derived.sweep("bob".to_owned(), 1).1, "[\"bob\",1]");
    assert_eq!((hand.state(), derived.state()), ("account", "account"));
    let failed = run::<derived::Account>(&[("withdraw", "1")]).outcomes.remove(0).answer;
    assert_eq!(derived.withdraw(1).2.decode(failed), Ok(Err(Insufficient)));
}

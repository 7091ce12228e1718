//! The entity of the simulation of runs: an account that knows what was done to it, by whom, in which section and when.

use super::{
    act::{Deed, Node, Program},
    code::perform,
    stage,
};
use crate::ledger::{PANIC, Pause};
use sarsen_entities::{
    Entity, EntityContext, EntityType, OperationOptions, Operations, Port, Reference, Returns, StatePort,
};
use sarsen_runtime::OperationContext;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// What every account begins with.
pub(crate) const BALANCE: i64 = 1_000;

/// The time that some of what runs off the shard is given.
const TIME: Duration = Duration::from_millis(30);

/// Names what is done to an account: the place in the program, its execution (0 of a client or an entity) and which
/// part of the act it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Op {
    pub(crate) node: Node,
    pub(crate) execution: u64,
    pub(crate) part: u8,
}

/// The input of each deed: what it is, and the section in which it is called.
pub(crate) type Order = (Op, Option<u32>, Deed);

/// Something that was done to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) op: Op,
    /// The section, by its command; of the operation's execution.
    pub(crate) section: Option<u32>,
    /// What it added to the balance.
    pub(crate) change: i64,
    /// When it was done.
    pub(crate) tick: u64,
}

/// The error of a deed that is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) balance: i64,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused at a balance of {}", self.balance)
    }
}

/// The balance behind a deed.
pub(crate) type Answer = Result<i64, Refused>;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) balance: i64,
    pub(crate) log: Vec<Entry>,
}

impl Account {
    fn perform(&mut self, cx: &EntityContext<'_>, (op, section, deed): Order) -> Answer {
        let change = self.note(op, section, &deed);
        if let Some((poked, account)) = deed.pokes(op) {
            let account = cx.entity::<Self>(key(account));
            account.perform(&(poked, None, Deed::Note)).after(Duration::ZERO).signal();
        }
        if let Deed::Start(id, acts) = &deed {
            let start = cx.start(perform, Program::new(acts.clone()));
            match id {
                Some(id) => start.id(id).detach(),
                None => start.detach(),
            }
        }
        self.judge(&deed, change)
    }

    /// The same off the shard, after a while: the state is given, and given back.
    async fn perform_slowly(mut self, cx: OperationContext, (op, section, deed): Order) -> (Self, Answer) {
        Pause::default().await;
        let change = self.note(op, section, &deed);
        if let Some((poked, account)) = deed.pokes(op) {
            let account = cx.entity::<Self>(key(account));
            account.perform(&(poked, None, Deed::Note)).after(Duration::ZERO).signal();
        }
        if let Deed::Start(id, acts) = &deed {
            let start = cx.start(perform, Program::new(acts.clone()));
            match id {
                Some(id) => start.id(id).detach(),
                None => start.detach(),
            }
        }
        let answer = self.judge(&deed, change);
        if answer.is_ok() {
            Pause::default().await;
        }
        (self, answer)
    }

    /// Writes down a deed; returns what it adds to the balance.
    fn note(&mut self, op: Op, section: Option<u32>, deed: &Deed) -> i64 {
        let change = if let Deed::Move(change) = deed { *change } else { 0 };
        self.log.push(Entry { op, section, change, tick: stage::tick() });
        self.balance += change;
        change
    }

    /// What a deed comes to behind what it has sent.
    fn judge(&self, deed: &Deed, change: i64) -> Answer {
        match deed {
            Deed::Fail | Deed::PokeAndFail(_, _, false) => Err(Refused { balance: self.balance }),
            Deed::Panic | Deed::PokeAndFail(_, _, true) => panic!("{PANIC}"),
            Deed::Move(_) if self.balance < 0 => Err(Refused { balance: self.balance - change }),
            Deed::Note | Deed::Move(_) | Deed::Poke(..) | Deed::Start(..) => Ok(self.balance),
        }
    }
}

impl Deed {
    /// What it asks another account for, when it is itself asked for as `op`, and which.
    pub(crate) fn pokes(&self, op: Op) -> Option<(Op, usize)> {
        match self {
            Self::Poke(node, account) | Self::PokeAndFail(node, account, _) => {
                Some((Op { node: *node, ..op }, *account))
            }
            Self::Note | Self::Fail | Self::Panic | Self::Move(_) | Self::Start(..) => None,
        }
    }

    /// Whether it succeeds, if nothing is in its way.
    pub(crate) fn succeeds(&self) -> bool {
        match self {
            Self::Note | Self::Move(_) | Self::Poke(..) | Self::Start(..) => true,
            Self::Fail | Self::Panic | Self::PokeAndFail(..) => false,
        }
    }
}

/// The key of an account. In another order than the numbers, so that locks are sorted.
pub(crate) fn key(account: usize) -> String {
    format!("{}{account}", char::from(b'a' + u8::try_from(account * 7 % 10).expect("it is a digit")))
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
        Self { balance: BALANCE, log: Vec::new() }
    }

    fn operations() -> Operations<Self> {
        Operations::new()
            .update("perform", Returns::fallible(), |account: &mut Self, cx, order| {
                account.perform(cx, order)
            })
            .update_async(
                "perform_slowly",
                OperationOptions::new(),
                Returns::fallible(),
                |account: Self, cx: OperationContext, order| account.perform_slowly(cx, order),
            )
            .update_async(
                "perform_in_time",
                OperationOptions::new().timeout(TIME),
                Returns::fallible(),
                |account: Self, cx: OperationContext, order| account.perform_slowly(cx, order),
            )
            .read("balance", Returns::value(), |account: &Self, _cx, ()| account.balance)
    }
}

/// What may be asked of an account.
#[derive(Clone, Debug)]
pub(crate) struct AccountRef<P> {
    port: P,
}

impl<P: Port> AccountRef<P> {
    /// Some of what is asked for runs off the shard, and some of that has a time.
    pub(crate) fn perform(&self, order: &Order) -> P::Request<Answer> {
        let (op, _, deed) = order;
        let operation = match op.node.0 % 8 {
            // What one side of a transfer has given the other must get.
            7 if !matches!(deed, Deed::Move(_)) => "perform_in_time",
            3 | 7 => "perform_slowly",
            _ => "perform",
        };
        self.port.request(operation, order, Returns::fallible())
    }

    pub(crate) fn balance(&self) -> P::Request<i64> {
        self.port.request("balance", &(), Returns::value())
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
    pub(crate) fn state(&self) -> P::State<Account> {
        self.port.state()
    }
}

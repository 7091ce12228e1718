//! Entities in orchestrations and orchestrations in entities, by the macros alone.

use sarsen_macros::{Entity, operations, orchestration};
use sarsen_orchestration::{
    Command, Context, End, Event, Execution, ExecutionLimits, Input, Labels, OrchestrationType, Orchestrator,
    Start, Typed,
};
use sarsen_protocol::{CallError, ExecutionId, OrchestrationName, Payload, RunId, Timestamp, Uuid, json};
use serde::{Deserialize, Serialize};
use std::fmt;

mod facade {
    //! What generated code names, in one place, as the facade has it.

    pub(crate) mod __private {
        pub(crate) use sarsen::__private::{
            Entity, EntityContext, EntityType, Kind, Operations, OperationsBlock, Port, Reference, Returns,
            StatePort, ViaError, ViaResult, ViaValue,
        };
        pub(crate) use sarsen_orchestration::__private::{Orchestration, OrchestrationType};
    }
}
use facade::__private::EntityContext;

/// More private than its reference.
#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
#[entity(crate = "crate::references::facade")]
struct Account {
    balance: i64,
}

#[operations(crate = "crate::references::facade")]
impl Account {
    fn deposit(&mut self, amount: i64) -> i64 {
        self.balance += amount;
        self.balance
    }

    fn withdraw(&mut self, amount: i64) -> Result<i64, Insufficient> {
        self.balance = self.balance.checked_sub(amount).filter(|rest| *rest >= 0).ok_or(Insufficient)?;
        Ok(self.balance)
    }

    fn order(&self, cx: &mut EntityContext<'_>, to: String) {
        let order = Transfer { from: cx.key().to_owned(), to, amount: self.balance };
        cx.start(transfer, &order).id("t-1").detach();
        cx.start(transfer, order).detach();
    }

    /// Named as what a lock asks of a reference.
    fn port(&self) -> u16 {
        7
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Transfer {
    from: String,
    to: String,
    amount: i64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Insufficient;

impl fmt::Display for Insufficient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the balance does not suffice")
    }
}

/// The error of a transfer.
#[derive(Debug, Serialize, Deserialize)]
struct NotDone(String);

impl fmt::Display for NotDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<CallError> for NotDone {
    fn from(error: CallError) -> Self {
        Self(error.to_string())
    }
}

impl From<Insufficient> for NotDone {
    fn from(error: Insufficient) -> Self {
        Self(error.to_string())
    }
}

#[orchestration(crate = "crate::references::facade")]
async fn transfer(cx: Context, order: Transfer) -> Result<i64, NotDone> {
    let held = cx.lock((cx.entity::<Account>(&order.from), cx.entity::<Account>(&order.to))).await?;
    let (from, to) = held.refs();
    from.withdraw(order.amount).await??;
    let balance = to.deposit(order.amount).await?;
    held.release();
    cx.entity::<Account>("bank").deposit(1).signal()?;
    Ok(balance)
}

fn begin(input: &Transfer) -> Execution {
    Typed::<transfer>::new().expect("it can be registered").begin(Start {
        run: RunId::new("t-1").expect("valid"),
        execution: ExecutionId(Uuid::nil()),
        name: OrchestrationName::of(transfer::NAME),
        input: json::encode(input).expect("it has JSON"),
        seed: 1,
        parent: None,
        scheduled: None,
        labels: Labels::default(),
        limits: ExecutionLimits::default(),
    })
}

/// What a transfer of 5 from bob to alice does as it is answered.
fn transferred(answers: &[Result<&str, &str>]) -> (Vec<String>, Option<End>) {
    let order = Transfer { from: "bob".to_owned(), to: "alice".to_owned(), amount: 5 };
    let mut execution = begin(&order);
    let mut turn = execution.turn(Timestamp::default(), []).expect("it goes on");
    let mut history: Vec<Event> = turn.events.clone();
    for answer in answers {
        let (id, command) = turn.commands().last().expect("it waits for something");
        let input = match (command, answer) {
            (Command::Lock { .. }, _) => Input::LockGranted { id },
            (_, Ok(answer)) => {
                Input::CallEnded { id, result: Ok(Payload::from_encoded((*answer).to_owned().into())) }
            }
            (_, Err(_)) => Input::CallEnded {
                id,
                result: sarsen::Returns::<Result<i64, Insufficient>>::fallible().encode(Err(Insufficient)),
            },
        };
        turn = execution.turn(Timestamp::default(), [input]).expect("it goes on");
        history.extend(turn.events.clone());
    }
    begin(&order).replay(&history).expect("it does what it did");
    let commands = history.iter().filter_map(|event| match event {
        Event::Issued(_, command) => Some(command.to_string()),
        Event::TurnStarted { .. } | Event::Started(_) | Event::Arrived(_) | Event::Ended(_) => None,
    });
    (commands.collect(), turn.end().cloned())
}

#[test]
fn a_transfer_locks_calls_and_signals_by_types() {
    let (commands, end) = transferred(&[Ok(""), Ok("3"), Ok("12")]);
    assert_eq!(
        commands,
        [
            "a section over @account@alice, @account@bob",
            "call `withdraw` of @account@bob with 5 in section 0",
            "call `deposit` of @account@alice with 5 in section 0",
            "the end of section 0",
            "signal `deposit` to @account@bank with 1",
        ]
    );
    assert_eq!(end, Some(End::Returned(json::encode(&12).expect("it has JSON"))));
}

#[test]
fn an_error_of_a_locked_entity_is_of_its_own_type_and_ends_the_section() {
    let (commands, end) = transferred(&[Ok(""), Err("insufficient")]);
    assert_eq!(commands.last().map(String::as_str), Some("the end of section 0"));
    let told = end.expect("it has ended").to_string();
    assert_eq!(told, "the failure `returned an error: the balance does not suffice`");
}

#[test]
fn an_operation_starts_an_orchestration_by_its_type() {
    let ran = crate::by_hand::run::<Account>(&[("deposit", "5"), ("order", "\"bob\""), ("port", "null")]);
    let sent: Vec<String> = ran.outcomes[1]
        .messages
        .iter()
        .map(|message| match message {
            sarsen::Outgoing::Start { run, name, input } => {
                format!("{run:?} {name} {}", crate::by_hand::text(input))
            }
            other @ (sarsen::Outgoing::Signal { .. }
            | sarsen::Outgoing::Schedule { .. }
            | sarsen::Outgoing::Unschedule { .. }) => other.to_string(),
        })
        .collect();
    let input = r#"{"from":"alice","to":"bob","amount":5}"#;
    assert_eq!(sent, [format!("Some(\"t-1\") transfer {input}"), format!("None transfer {input}")]);
    assert_eq!(ran.outcomes[2].answer.as_ref().map(crate::by_hand::text), Ok("7".to_owned()));
}

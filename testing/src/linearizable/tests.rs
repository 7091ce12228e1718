//! Histories that must be rejected, each by the operation that gives it away, and histories that must be accepted.

mod accepted;
mod brute_force;
mod recording;
mod rejected;

use super::*;

/// An account of one number.
#[derive(Clone, Debug, PartialEq)]
enum Ask {
    Set(i64),
    Get,
    Add(i64),
    /// Takes so much if there is so much, and answers what is left, or -1.
    Take(i64),
}

use Ask::{Add, Get, Set, Take};

type Account = FromClosures<&'static str, i64, Ask, i64, fn(&&'static str) -> i64, fn(&mut i64, &Ask) -> i64>;

fn account() -> Account {
    let apply: fn(&mut i64, &Ask) -> i64 = |balance, ask| {
        match ask {
            Set(value) => *balance = *value,
            Get => {}
            Add(value) => *balance += value,
            Take(value) if *value > *balance => return -1,
            Take(value) => *balance -= value,
        }
        *balance
    };
    let initial: fn(&&'static str) -> i64 = |_| 0;
    model(initial, apply).reads(|ask| *ask == Get)
}

type Operation = Recorded<&'static str, Ask, i64>;

/// An operation of entity `a` whose outcome is unknown.
fn client(client: u32, at: u64, operation: Ask) -> Operation {
    Recorded {
        client: ClientNumber(client),
        entity: "a",
        operation,
        way: Way::Queued,
        invoked: Moment(at),
        outcome: Outcome::Unknown,
    }
}

impl Operation {
    fn told(self, answer: i64, at: u64) -> Self {
        Self { outcome: Outcome::Answered { answer, at: Moment(at) }, ..self }
    }

    fn acknowledged(self, at: u64) -> Self {
        Self { outcome: Outcome::Acknowledged { at: Moment(at) }, ..self }
    }

    fn failed(self) -> Self {
        Self { outcome: Outcome::Failed, ..self }
    }

    fn beside(self) -> Self {
        Self { way: Way::Beside, ..self }
    }

    fn of(self, entity: &'static str) -> Self {
        Self { entity, ..self }
    }
}

/// The verdict on these operations, which does not depend on the order in which they were recorded.
fn judge(operations: &[Operation]) -> Verdict<Account> {
    let verdict = check(&account(), &operations.iter().cloned().collect());
    let backwards = check(&account(), &operations.iter().rev().cloned().collect());
    assert_eq!(verdict.is_linearizable(), backwards.is_linearizable(), "{verdict}\nbackwards: {backwards}");
    verdict
}

//! The entity, the orchestration that locks it, and what both do when one asks after the other.

use sarsen::{
    CallError, Context, Entity, SectionError, operations, orchestration, testing::linearizable::Model,
};
use serde::{Deserialize, Serialize};
use std::thread;
use tokio::task::yield_now;

/// A number that is there or not.
#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Register {
    pub(crate) value: i64,
}

#[operations]
impl Register {
    /// Returns what was there before.
    fn set(&mut self, value: i64) -> i64 {
        std::mem::replace(&mut self.value, value)
    }

    fn add(&mut self, by: i64) -> i64 {
        self.value += by;
        self.value
    }

    fn take(&mut self, by: i64) -> Result<i64, TooLittle> {
        // It is undone, so that it may be done before it is refused.
        self.value -= by;
        if self.value < 0 { Err(TooLittle) } else { Ok(self.value) }
    }

    fn value(&self) -> i64 {
        self.value
    }

    /// As [`add`](Self::add), off the shard.
    async fn add_elsewhere(&mut self, by: i64) -> i64 {
        let before = self.value;
        yield_now().await;
        self.value = before + by;
        yield_now().await;
        self.value
    }

    /// As [`take`](Self::take), off the shard.
    #[operation(blocking)]
    fn take_elsewhere(&mut self, by: i64) -> Result<i64, TooLittle> {
        self.value -= by;
        thread::yield_now();
        if self.value < 0 { Err(TooLittle) } else { Ok(self.value) }
    }

    /// As [`value`](Self::value), off the shard.
    async fn value_elsewhere(&self) -> i64 {
        yield_now().await;
        self.value
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("there is too little")]
pub(crate) struct TooLittle;

/// Which registers to raise, and by how much.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) keys: Vec<String>,
    pub(crate) by: i64,
    /// Whether to lock them first.
    pub(crate) locked: bool,
    /// Whether to read them off their shards.
    pub(crate) elsewhere: bool,
}

/// Reads each register and then writes it, in the section of its locks; returns what it read.
#[orchestration]
pub(crate) async fn raise(cx: Context, order: Order) -> Result<Vec<i64>, Fault> {
    let registers: Vec<_> = order.keys.iter().map(|key| cx.entity::<Register>(key)).collect();
    let mut read = Vec::new();
    if !order.locked {
        for register in &registers {
            read.push(register.value().await?);
        }
        cx.set_status("has read")?;
        cx.event::<()>("go on").await.map_err(|error| Fault::Event(error.to_string()))?;
        for (register, value) in registers.iter().zip(&read) {
            register.set(value + order.by).await?;
        }
        return Ok(read);
    }
    let held = cx.lock(registers).await?;
    for register in held.refs() {
        let value =
            if order.elsewhere { register.value_elsewhere().await? } else { register.value().await? };
        register.set(value + order.by).await?;
        read.push(value);
    }
    held.release();
    Ok(read)
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Section(#[from] SectionError),
    #[error("{0}")]
    Event(String),
}

/// What is asked of a register.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ask {
    Set(i64),
    Add(i64),
    Take(i64),
    Value,
    Delete,
    /// The state, beside the mailbox.
    State,
    /// [`raise`].
    Raise(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answer {
    Value(i64),
    TooLittle,
    Deleted,
    State(Option<i64>),
}

/// The yardstick.
#[derive(Debug)]
pub(crate) struct Registers;

impl Model for Registers {
    type Entity = String;
    type Operation = Ask;
    type Answer = Answer;
    type State = Option<i64>;

    fn initial(&self, _key: &String) -> Option<i64> {
        None
    }

    fn apply(&self, state: &mut Option<i64>, ask: &Ask) -> Answer {
        let value = state.unwrap_or(0);
        let (after, answer) = match *ask {
            Ask::Set(to) => (Some(to), Answer::Value(value)),
            Ask::Add(by) => (Some(value + by), Answer::Value(value + by)),
            Ask::Take(by) if by > value => (*state, Answer::TooLittle),
            Ask::Take(by) => (Some(value - by), Answer::Value(value - by)),
            Ask::Value => (*state, Answer::Value(value)),
            Ask::Delete => (None, Answer::Deleted),
            Ask::State => (*state, Answer::State(*state)),
            Ask::Raise(by) => (Some(value + by), Answer::Value(value)),
        };
        *state = after;
        answer
    }

    fn is_read(&self, ask: &Ask) -> bool {
        matches!(ask, Ask::Value | Ask::State)
    }
}

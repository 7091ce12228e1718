//! One operation of each workload.

use crate::{
    Error,
    accounts::{Order, bank},
    closed_loop::{Turn, Work},
    counter::{Counter, CounterRef},
    random::Random,
    steps::{chain5, expected, fan20, hello},
};
use sarsen::{CallError, Client, ClientPort};
use std::{sync::Arc, time::SystemTime};
use tokio::{task::JoinSet, time::sleep};

/// The most that one transfer moves.
const AMOUNT_MAX: u64 = 10;

/// What each task does again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Signal,
    Call,
    Keyed,
    Hello,
    Chain5,
    Fan20,
    Bank,
}

impl Operation {
    pub(crate) const ALL: [Self; 7] =
        [Self::Signal, Self::Call, Self::Keyed, Self::Hello, Self::Chain5, Self::Fan20, Self::Bank];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Call => "call",
            Self::Keyed => "keyed",
            Self::Hello => "hello",
            Self::Chain5 => "chain5",
            Self::Fan20 => "fan20",
            Self::Bank => "bank",
        }
    }
}

/// What all tasks need to do their operations.
pub(crate) struct Sarsen {
    client: Client,
    operation: Operation,
    counters: Vec<CounterRef<ClientPort>>,
    entities: u64,
    /// What makes the idempotency keys of this loop its own.
    begun: u128,
}

impl Work for Sarsen {
    type Error = Error;

    /// Does one operation, again for as long as sarsen is busy.
    async fn one(&self, turn: Turn, random: &mut Random) -> Result<(), Error> {
        loop {
            match self.attempt(turn, random).await {
                Err(Error::Call(CallError::Busy { retry_after, .. })) => sleep(retry_after).await,
                done => return done,
            }
        }
    }
}

impl Sarsen {
    pub(crate) fn new(client: &Client, operation: Operation, entities: usize) -> Self {
        let begun = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        Self {
            client: client.clone(),
            operation,
            counters: (0..entities).map(|n| client.entity::<Counter>(n.to_string())).collect(),
            entities: entities as u64,
            begun,
        }
    }

    /// Signals to each counter once, so that all of them exist; returns how many there are.
    pub(crate) async fn touch_all(self: &Arc<Self>, in_flight: usize) -> Result<u64, Error> {
        let mut tasks = JoinSet::new();
        for task in 0..in_flight {
            let work = Arc::clone(self);
            tasks.spawn(async move {
                for counter in work.counters.iter().skip(task).step_by(in_flight) {
                    signal(counter).await?;
                }
                Ok::<(), Error>(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.expect("a task does not panic")?;
        }
        Ok(self.entities)
    }

    async fn attempt(&self, turn: Turn, random: &mut Random) -> Result<(), Error> {
        let (client, number) = (&self.client, random.next());
        match self.operation {
            Operation::Signal => Ok(self.counter(random).add(1).signal().await?),
            Operation::Call => Ok(self.counter(random).add(1).await.map(drop)?),
            Operation::Keyed => {
                let key = format!("{:x}-{:x}-{:x}", self.begun, turn.task, turn.number);
                Ok(self.counter(random).add(1).idempotency_key(key).signal().await?)
            }
            Operation::Hello => {
                let run = client.start(hello, number).await?;
                check(expected::hello(number), run.result().await??)
            }
            Operation::Chain5 => {
                let run = client.start(chain5, number).await?;
                check(expected::chain5(number), run.result().await??)
            }
            Operation::Fan20 => {
                let run = client.start(fan20, number).await?;
                check(expected::fan20(number), run.result().await??)
            }
            Operation::Bank => {
                let order = self.order(random);
                let amount = order.amount;
                let run = client.start(bank, order).await?;
                check(amount, run.result().await??)
            }
        }
    }

    fn counter(&self, random: &mut Random) -> &CounterRef<ClientPort> {
        &self.counters[usize::try_from(random.below(self.entities)).expect("it is below a length")]
    }

    /// An order between two different accounts.
    fn order(&self, random: &mut Random) -> Order {
        let from = random.below(self.entities);
        let to = (from + 1 + random.below(self.entities - 1)) % self.entities;
        let amount = i64::try_from(1 + random.below(AMOUNT_MAX)).expect("it is small");
        Order { from: from.to_string(), to: to.to_string(), amount }
    }
}

/// Signals to a counter, again for as long as sarsen is busy.
async fn signal(counter: &CounterRef<ClientPort>) -> Result<(), CallError> {
    loop {
        match counter.add(1).signal().await {
            Err(CallError::Busy { retry_after, .. }) => sleep(retry_after).await,
            done => return done,
        }
    }
}

fn check<T: PartialEq + Copy + ToString>(expected: T, found: T) -> Result<(), Error> {
    if expected == found {
        Ok(())
    } else {
        Err(Error::Wrong { expected: expected.to_string(), found: found.to_string() })
    }
}

//! One operation of each workload.

use crate::{
    Error,
    accounts::{Order, bank},
    arguments::{Options, Workload},
    counter::{Counter, CounterRef},
    random::Random,
    steps::{chain5, expected, fan20, hello},
};
use sarsen::{CallError, Client, ClientPort};
use std::time::SystemTime;
use tokio::time::sleep;

/// The most that one transfer moves.
const AMOUNT_MAX: u64 = 10;

/// What all tasks need to do their operations.
pub(crate) struct Work {
    client: Client,
    workload: Workload,
    counters: Vec<CounterRef<ClientPort>>,
    entities: u64,
    /// What makes the idempotency keys of this process its own.
    begun: u128,
}

/// Which operation of which task, since no two may share an idempotency key.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) task: usize,
    pub(crate) number: u64,
}

impl Work {
    pub(crate) fn new(client: &Client, options: &Options) -> Self {
        let entities = options.entities.get();
        let begun = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        Self {
            client: client.clone(),
            workload: options.workload,
            counters: (0..entities).map(|n| client.entity::<Counter>(n.to_string())).collect(),
            entities: entities as u64,
            begun,
        }
    }

    /// Does one operation, again for as long as sarsen is busy, and checks what it came to.
    pub(crate) async fn one(&self, turn: Turn, random: &mut Random) -> Result<(), Error> {
        loop {
            match self.attempt(turn, random).await {
                Err(Error::Call(CallError::Busy { retry_after, .. })) => sleep(retry_after).await,
                done => return done,
            }
        }
    }

    async fn attempt(&self, turn: Turn, random: &mut Random) -> Result<(), Error> {
        let (client, number) = (&self.client, random.next());
        match self.workload {
            Workload::Signal => Ok(self.counter(random).add(1).signal().await?),
            Workload::Call => Ok(self.counter(random).add(1).await.map(drop)?),
            Workload::Keyed => {
                let key = format!("{:x}-{:x}-{:x}", self.begun, turn.task, turn.number);
                Ok(self.counter(random).add(1).idempotency_key(key).signal().await?)
            }
            Workload::Hello => {
                let run = client.start(hello, number).await?;
                check(expected::hello(number), run.result().await??)
            }
            Workload::Chain5 => {
                let run = client.start(chain5, number).await?;
                check(expected::chain5(number), run.result().await??)
            }
            Workload::Fan20 => {
                let run = client.start(fan20, number).await?;
                check(expected::fan20(number), run.result().await??)
            }
            Workload::Bank => {
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

fn check<T: PartialEq + Copy + ToString>(expected: T, found: T) -> Result<(), Error> {
    if expected == found {
        Ok(())
    } else {
        Err(Error::Wrong { expected: expected.to_string(), found: found.to_string() })
    }
}

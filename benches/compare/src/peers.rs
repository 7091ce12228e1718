//! The contestants: each has the same counters, and is asked to add one to any of them.

use crate::{
    closed_loop::{Turn, Work},
    counter::{Counter, CounterRef},
    random::Random,
};
use kameo::{
    actor::Spawn,
    message::{Context, Message},
};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, rpc::CallResult};
use redb::{Database, ReadableTable, TableDefinition};
use sarsen::{CallError, Client, ClientPort};
use std::{
    error::Error,
    path::Path,
    sync::{Arc, mpsc},
    thread,
};
use tokio::{sync::oneshot, task::JoinSet, time::sleep};

/// Whatever went wrong ends the comparison.
pub(crate) type AnyError = Box<dyn Error + Send + Sync>;

/// One of the counters.
fn choose<T>(counters: &[T], random: &mut Random) -> usize {
    usize::try_from(random.below(counters.len() as u64)).expect("it is below a length")
}

/// sarsen: answered when what was added is on disk.
pub(crate) struct Sarsen {
    counters: Vec<CounterRef<ClientPort>>,
}

impl Sarsen {
    /// Calls each counter once, so that none is new.
    pub(crate) async fn new(
        client: &Client,
        entities: usize,
        in_flight: usize,
    ) -> Result<Arc<Self>, AnyError> {
        let counters = (0..entities).map(|n| client.entity::<Counter>(n.to_string())).collect();
        let sarsen = Arc::new(Self { counters });
        let mut tasks = JoinSet::new();
        for task in 0..in_flight {
            let sarsen = Arc::clone(&sarsen);
            tasks.spawn(async move {
                for n in (task..sarsen.counters.len()).step_by(in_flight) {
                    sarsen.call(n).await?;
                }
                Ok::<(), AnyError>(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.expect("a task does not panic")?;
        }
        Ok(sarsen)
    }

    async fn call(&self, n: usize) -> Result<(), AnyError> {
        loop {
            match self.counters[n].add(1).await {
                Err(CallError::Busy { retry_after, .. }) => sleep(retry_after).await,
                answer => return Ok(answer.map(drop)?),
            }
        }
    }
}

impl Work for Sarsen {
    type Error = AnyError;

    async fn one(&self, _turn: Turn, random: &mut Random) -> Result<(), AnyError> {
        self.call(choose(&self.counters, random)).await
    }
}

/// kameo: a task and a mailbox for each counter, lost in a crash.
pub(crate) struct Kameo(Vec<kameo::actor::ActorRef<KameoCounter>>);

#[derive(kameo::Actor)]
pub(crate) struct KameoCounter {
    count: u64,
}

struct Add(u64);

impl Message<Add> for KameoCounter {
    type Reply = u64;

    async fn handle(&mut self, Add(amount): Add, _context: &mut Context<Self, u64>) -> u64 {
        self.count += amount;
        self.count
    }
}

impl Kameo {
    pub(crate) fn new(entities: usize) -> Arc<Self> {
        Arc::new(Self((0..entities).map(|_| KameoCounter::spawn(KameoCounter { count: 0 })).collect()))
    }
}

impl Work for Kameo {
    type Error = AnyError;

    async fn one(&self, _turn: Turn, random: &mut Random) -> Result<(), AnyError> {
        self.0[choose(&self.0, random)].ask(Add(1)).await.map_err(|error| error.to_string())?;
        Ok(())
    }
}

/// ractor: likewise.
pub(crate) struct Ractor(Vec<ActorRef<RactorAdd>>);

struct RactorCounter;

pub(crate) struct RactorAdd(u64, RpcReplyPort<u64>);

impl Actor for RactorCounter {
    type Msg = RactorAdd;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _myself: ActorRef<RactorAdd>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _myself: ActorRef<RactorAdd>,
        RactorAdd(amount, reply): RactorAdd,
        count: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        *count += amount;
        // Who asked waits for it.
        let _ = reply.send(*count);
        Ok(())
    }
}

impl Ractor {
    pub(crate) async fn new(entities: usize) -> Result<Arc<Self>, AnyError> {
        let mut counters = Vec::with_capacity(entities);
        for _ in 0..entities {
            counters.push(Actor::spawn(None, RactorCounter, ()).await?.0);
        }
        Ok(Arc::new(Self(counters)))
    }

    pub(crate) fn stop(&self) {
        for counter in &self.0 {
            counter.stop(None);
        }
    }
}

impl Work for Ractor {
    type Error = AnyError;

    async fn one(&self, _turn: Turn, random: &mut Random) -> Result<(), AnyError> {
        let counter = &self.0[choose(&self.0, random)];
        match counter.call(|reply| RactorAdd(1, reply), None).await {
            Ok(CallResult::Success(_)) => Ok(()),
            _ => Err("a counter of ractor did not answer".into()),
        }
    }
}

/// What one writes by hand: a thread with a mailbox over redb, a transaction for each operation.
pub(crate) struct Redb {
    entities: u64,
    sender: mpsc::Sender<(u64, oneshot::Sender<u64>)>,
}

const COUNTERS: TableDefinition<u64, u64> = TableDefinition::new("counters");

impl Redb {
    pub(crate) fn new(file: &Path, entities: usize) -> Result<Arc<Self>, AnyError> {
        let database = Database::create(file)?;
        let entities = entities as u64;
        let begin = database.begin_write()?;
        {
            let mut counters = begin.open_table(COUNTERS)?;
            for n in 0..entities {
                counters.insert(n, 0)?;
            }
        }
        begin.commit()?;
        let (sender, receiver) = mpsc::channel::<(u64, oneshot::Sender<u64>)>();
        thread::spawn(move || {
            for (n, reply) in receiver {
                // An operation that fails drops its reply, which tells who asked.
                if let Ok(count) = add(&database, n) {
                    let _ = reply.send(count);
                }
            }
        });
        Ok(Arc::new(Self { entities, sender }))
    }
}

fn add(database: &Database, n: u64) -> Result<u64, redb::Error> {
    let transaction = database.begin_write()?;
    let count = {
        let mut counters = transaction.open_table(COUNTERS)?;
        let count = counters.get(n)?.map_or(0, |count| count.value()) + 1;
        counters.insert(n, count)?;
        count
    };
    transaction.commit()?;
    Ok(count)
}

impl Work for Redb {
    type Error = AnyError;

    async fn one(&self, _turn: Turn, random: &mut Random) -> Result<(), AnyError> {
        let (reply, answer) = oneshot::channel();
        self.sender.send((random.below(self.entities), reply))?;
        answer.await?;
        Ok(())
    }
}

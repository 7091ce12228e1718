//! Recording, from many threads at once.

use super::{ClientNumber, History, Moment, Outcome, Recorded, Way};
use sarsen_protocol::CallError;
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Records what clients ask and are told, from any thread and any task. A clone records into the same history.
///
/// Its clock counts requests and answers: what was known before something else was asked for has the lower number.
/// Clients do not wait for each other when they record, so that recording does not put them into an order.
pub struct Recorder<E, O, A> {
    shared: Arc<Shared<E, O, A>>,
}

struct Shared<E, O, A> {
    clock: AtomicU64,
    clients: Mutex<Vec<Arc<Log<E, O, A>>>>,
}

/// What one client has asked.
type Log<E, O, A> = Mutex<Vec<Recorded<E, O, A>>>;

impl<E, O, A> Recorder<E, O, A> {
    /// Nothing is recorded yet.
    pub fn new() -> Self {
        let (clock, clients) = (AtomicU64::new(0), Mutex::default());
        Self { shared: Arc::new(Shared { clock, clients }) }
    }

    /// Another client. One client may ask for several operations at once; they are at the same time then.
    ///
    /// # Panics
    /// Beyond 4,294,967,296 clients.
    pub fn client(&self) -> ClientRecorder<E, O, A> {
        let mut clients = lock(&self.shared.clients);
        let number =
            ClientNumber(u32::try_from(clients.len()).expect("so many clients do not fit in memory"));
        let log = Arc::new(Log::default());
        clients.push(log.clone());
        ClientRecorder { shared: self.shared.clone(), number, log }
    }

    /// What was recorded up to now, client by client. What is under way is [`Outcome::Unknown`] in it.
    pub fn history(&self) -> History<E, O, A>
    where
        E: Clone,
        O: Clone,
        A: Clone,
    {
        let clients = lock(&self.shared.clients);
        // All at once: an answer is not to be in it without the request that it tells of.
        let logs: Vec<_> = clients.iter().map(|log| lock(log)).collect();
        logs.iter().flat_map(|log| log.iter().cloned()).collect()
    }
}

impl<E, O, A> Shared<E, O, A> {
    fn tick(&self) -> Moment {
        Moment(self.clock.fetch_add(1, Ordering::SeqCst))
    }
}

/// Records what one client asks and is told. A clone is the same client.
pub struct ClientRecorder<E, O, A> {
    shared: Arc<Shared<E, O, A>>,
    number: ClientNumber,
    log: Arc<Log<E, O, A>>,
}

impl<E, O, A> ClientRecorder<E, O, A> {
    /// Which client it is, from 0 on.
    pub fn number(&self) -> ClientNumber {
        self.number
    }

    /// Notes that an operation is about to be asked for: call it *before* the request is sent.
    pub fn invoke(&self, entity: E, operation: O) -> Invoked<E, O, A> {
        self.note(entity, operation, Way::Queued)
    }

    /// As [`invoke`](Self::invoke), for what goes beside the mailbox, as a read of the state does: it need not see what is
    /// acknowledged and still waits.
    pub fn invoke_beside(&self, entity: E, operation: O) -> Invoked<E, O, A> {
        self.note(entity, operation, Way::Beside)
    }

    fn note(&self, entity: E, operation: O, way: Way) -> Invoked<E, O, A> {
        let mut log = lock(&self.log);
        let (client, invoked) = (self.number, self.shared.tick());
        let place = log.len();
        log.push(Recorded { client, entity, operation, way, invoked, outcome: Outcome::Unknown });
        Invoked { client: self.clone(), place }
    }
}

/// An operation that was asked for: say what came of it, *after* that is known. Dropped, it stays unknown.
#[must_use = "its outcome stays unknown until you say what came of it"]
pub struct Invoked<E, O, A> {
    client: ClientRecorder<E, O, A>,
    place: usize,
}

impl<E, O, A> Invoked<E, O, A> {
    /// It was done, with this answer.
    pub fn answered(self, answer: A) {
        let at = self.client.shared.tick();
        self.settle(Outcome::Answered { answer, at });
    }

    /// It is durable, and done before whatever is queued from now on; what it answers is not known.
    pub fn acknowledged(self) {
        let at = self.client.shared.tick();
        self.settle(Outcome::Acknowledged { at });
    }

    /// Nobody knows whether it was done, or will be.
    pub fn unknown(self) {
        self.settle(Outcome::Unknown);
    }

    /// It was not done and never will be.
    pub fn failed(self) {
        self.settle(Outcome::Failed);
    }

    /// What a call came to: its answer, unknown where the error says so, and else failed. An operation that fails is
    /// undone, so that is right for it too; where the failure itself tells of the state, make an answer of it instead.
    pub fn returned(self, result: Result<A, CallError>) {
        match result {
            Ok(answer) => self.answered(answer),
            Err(error) => self.refused(&error),
        }
    }

    /// What a signal came to, as [`returned`](Self::returned) does for a call.
    pub fn signalled(self, result: Result<(), CallError>) {
        match result {
            Ok(()) => self.acknowledged(),
            Err(error) => self.refused(&error),
        }
    }

    fn refused(self, error: &CallError) {
        match error {
            // It was done; the caller's type cannot hold the answer.
            CallError::InvalidAnswer { .. } => self.acknowledged(),
            // The store gave up on it, perhaps behind its commit.
            CallError::Unreadable { .. } | CallError::Damaged { .. } | CallError::Newer { .. } => {
                self.unknown();
            }
            _ if error.is_unknown_outcome() => self.unknown(),
            _ => self.failed(),
        }
    }

    fn settle(self, outcome: Outcome<A>) {
        lock(&self.client.log)[self.place].outcome = outcome;
    }
}

/// What is behind it is whole at any time: a thread that panicked meanwhile has left nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<E, O, A> Default for Recorder<E, O, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E, O, A> Clone for Recorder<E, O, A> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<E, O, A> Clone for ClientRecorder<E, O, A> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), number: self.number, log: self.log.clone() }
    }
}

impl<E, O, A> fmt::Debug for Recorder<E, O, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("clock", &self.shared.clock).finish_non_exhaustive()
    }
}

impl<E, O, A> fmt::Debug for ClientRecorder<E, O, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientRecorder").field(&self.number).finish()
    }
}

impl<E, O, A> fmt::Debug for Invoked<E, O, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invoked").field("client", &self.client).field("place", &self.place).finish()
    }
}

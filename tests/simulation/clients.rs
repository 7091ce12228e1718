//! The futures of the clients: each attempt is one, and tells the oracle what became of it even when it is dropped.

use crate::{
    durable::ids_in,
    invariants::{Violation, exactly_once},
    ledger::{Answer, Ledger, OperationId},
    oracle::{Asked, Form, HandleId, Moment, Outcome, Seen},
    watch::Shared,
};
use sarsen_protocol::CallError;
use sarsen_runtime::Client;
use sarsen_testing::Situation;
use std::{future::Future, time::Duration};

/// An attempt that is under way. Dropped, it is an attempt that was given up.
#[derive(Debug)]
struct Attempt {
    shared: Shared,
    id: OperationId,
    number: usize,
    ended: bool,
}

impl Attempt {
    fn begin(&self) {
        self.shared.oracle.borrow_mut().begin(self.id, self.number);
    }

    fn end(&mut self, outcome: Outcome) {
        self.ended = true;
        self.shared.oracle.borrow_mut().end(self.id, self.number, outcome);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.ended {
            self.shared.oracle.borrow_mut().dropped(self.id, self.number);
        }
    }
}

/// The future of one attempt of an operation.
pub(crate) fn attempt(
    shared: &Shared,
    client: Client,
    handle: HandleId,
    id: OperationId,
    asked: Asked,
    timeout: Option<Duration>,
) -> impl Future<Output = ()> + 'static {
    let number = shared.oracle.borrow_mut().attempt(id, handle);
    let mut attempt = Attempt { shared: shared.clone(), id, number, ended: false };
    async move {
        attempt.begin();
        let outcome = ask(&client, id, asked, timeout).await;
        count_refusal(&attempt.shared, &outcome);
        attempt.end(outcome.into());
    }
}

/// What a client is told of an operation.
#[derive(Debug)]
enum Told {
    Acknowledged(Result<(), CallError>),
    Answered(Result<Answer, CallError>),
}

impl From<Told> for Outcome {
    fn from(told: Told) -> Self {
        match told {
            Told::Acknowledged(Ok(())) => Self::Acknowledged,
            Told::Answered(Ok(Ok(place))) => Self::Returned(place),
            Told::Answered(Ok(Err(_)) | Err(CallError::Failed { .. })) => Self::Failed,
            Told::Acknowledged(Err(error)) | Told::Answered(Err(error)) if error.is_unknown_outcome() => {
                Self::Unknown
            }
            Told::Acknowledged(Err(error)) | Told::Answered(Err(error)) => Self::NotDone(error),
        }
    }
}

async fn ask(client: &Client, id: OperationId, asked: Asked, timeout: Option<Duration>) -> Told {
    let order = (id, asked.children);
    if let Form::Produced { producer, number } = asked.form {
        let request =
            client.producer(producer).entity::<Ledger>(asked.to).ask(asked.deed, &order).number(number);
        let request = match timeout {
            Some(timeout) => request.timeout(timeout),
            None => request,
        };
        return Told::Acknowledged(request.signal().await);
    }
    let mut request = client.entity::<Ledger>(asked.to).ask(asked.deed, &order);
    if let Form::KeyedSignal(key) | Form::KeyedCall(key) = &asked.form {
        request = request.idempotency_key(key);
    }
    if let Some(timeout) = timeout {
        request = request.timeout(timeout);
    }
    match asked.form {
        Form::Call | Form::KeyedCall(_) => Told::Answered(request.await),
        Form::Signal | Form::KeyedSignal(_) | Form::Produced { .. } if asked.delayed => {
            let delay = Duration::from_millis(asked.delay_ms);
            Told::Acknowledged(request.after(delay).signal().await)
        }
        Form::Signal | Form::KeyedSignal(_) | Form::Produced { .. } => {
            Told::Acknowledged(request.signal().await)
        }
    }
}

fn count_refusal(shared: &Shared, told: &Told) {
    let (Told::Acknowledged(Err(error)) | Told::Answered(Err(error))) = told else { return };
    match error {
        CallError::Busy { what, .. } if what.contains("lane") => shared.count(Situation::BusyLane),
        CallError::TimedOut { .. } => shared.count(Situation::TimedOut),
        _ => {}
    }
}

/// The future of one read of a ledger's list.
pub(crate) fn read(
    shared: &Shared,
    client: Client,
    of: String,
    by_state: bool,
) -> impl Future<Output = ()> + 'static {
    let shared = shared.clone();
    async move {
        let begun = shared.oracle.borrow_mut().moment();
        let ledger = client.entity::<Ledger>(&of);
        let list = if by_state {
            ledger.state().await.map(|state| state.map(|state| state.list))
        } else {
            ledger.read().await.map(Some)
        };
        if let Ok(list) = list {
            see(&shared, of, list, begun);
        }
    }
}

/// The future of one listing of all ledgers.
pub(crate) fn list(shared: &Shared, client: Client, page: usize) -> impl Future<Output = ()> + 'static {
    let shared = shared.clone();
    async move {
        let begun = shared.oracle.borrow_mut().moment();
        let mut listing = client.entities::<Ledger>().page_size(page).with_state();
        while let Some(Ok(listed)) = listing.next().await {
            see(&shared, listed.key, Some(listed.state.list), begun);
        }
    }
}

/// The future of one who looks through the dead letters and asks for something to become of one of them.
pub(crate) fn settle_letter(
    shared: &Shared,
    client: Client,
    (place, page): (usize, usize),
    discards: bool,
) -> impl Future<Output = ()> + 'static {
    let shared = shared.clone();
    async move {
        let (mut letters, mut found) = (client.dead_letters().entity::<Ledger>().page_size(page), Vec::new());
        while let Some(Ok(letter)) = letters.next().await {
            found.push(letter);
        }
        let Some(at) = place.checked_rem(found.len()) else { return };
        let letter = found.swap_remove(at);
        let Some(id) = ids_in(letter.content.input().as_bytes()).next() else { return };
        let first = shared.oracle.borrow_mut().settle((letter.id, letter.failure.kind), id, discards);
        let told = if discards { letter.discard().await } else { letter.send_again().await };
        let oracle = &mut *shared.oracle.borrow_mut();
        match told {
            Ok(()) if discards => {
                oracle.discarded.insert(id, true);
            }
            Err(CallError::LetterGone { .. }) if first && !shared.leeway.dead_letters_go => {
                let what = format!("nobody has asked for {} of {id:?}, and it is gone", letter.id);
                oracle.violations.push(Violation { invariant: exactly_once::NAME, what });
            }
            _ => {}
        }
    }
}

/// The future of one question for the figures.
pub(crate) async fn stats(client: Client) {
    // The figures are for people; that the question is answered is what counts here.
    let _ = client.stats().await;
}

fn see(shared: &Shared, of: String, list: Option<Vec<OperationId>>, begun: Moment) {
    shared.oracle.borrow_mut().seen.push(Seen { of, list, begun });
}

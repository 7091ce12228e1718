//! What an operation can do wrong, seen by who called it or in the dead letter of who did not.

use crate::{
    calls::stranger,
    entities::Bell,
    office::{clerk, open, open_on, open_with},
    told::{Told, told},
};
use sarsen::{Limits, Runtime};
use sarsen_protocol::{Keyspace, Read};
use sarsen_storage::{MemoryStore, Store};

/// With every encoded state read back, as debug builds do.
async fn verified() -> Runtime {
    open_with(|limits| limits.verify = true).await
}

pub(crate) async fn error_for_a_plain_type() -> Told {
    let runtime = open().await;
    told(stranger(&runtime).ask::<f64>("withdraw", 5.0).await)
}

pub(crate) async fn panic() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).fall("the till is stuck".to_owned()).await)
}

pub(crate) async fn silent_panic() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).fall_silently().await)
}

pub(crate) async fn nan_in_the_state() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).spoil().await)
}

pub(crate) async fn nan_in_the_answer() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).ratio().await)
}

pub(crate) async fn answer_without_json() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).chart().await)
}

pub(crate) async fn nan_in_a_signal() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).send_nan("b".to_owned()).await)
}

pub(crate) async fn state_that_changes() -> Told {
    told(clerk(&verified().await).forget().await)
}

pub(crate) async fn unreadable_state() -> Told {
    told(clerk(&verified().await).scrawl().await)
}

pub(crate) async fn change_by_read() -> Told {
    told(clerk(&verified().await).look().await)
}

pub(crate) async fn large_state() -> Told {
    let runtime = open_with(|limits| limits.state_bytes_max = 100).await;
    told(clerk(&runtime).grow(100).await)
}

pub(crate) async fn large_answer() -> Told {
    let runtime = open_with(|limits| limits.payload_bytes_max = 100).await;
    told(clerk(&runtime).recite(100).await)
}

pub(crate) async fn large_signal() -> Told {
    let runtime = open_with(|limits| limits.payload_bytes_max = 100).await;
    told(clerk(&runtime).dictate("b".to_owned(), 100).await)
}

pub(crate) async fn too_many_signals() -> Told {
    let runtime = open_with(|limits| limits.messages_per_operation_max = 2).await;
    told(clerk(&runtime).send("b".to_owned(), 1.0, 3).await)
}

pub(crate) async fn signal_to_a_bad_key() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).send("alice\n".to_owned(), 1.0, 1).await)
}

pub(crate) async fn too_slow() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).ponder().await)
}

/// A runtime, and the store in which its dead letters are found.
async fn open_post(limits: impl FnOnce(&mut Limits)) -> (Runtime, MemoryStore) {
    let store = MemoryStore::new();
    (open_on(store.clone(), limits).await, store)
}

/// The failure in the one dead letter.
pub(crate) fn dead_letter(store: &MemoryStore) -> Told {
    let read = Read {
        keyspace: Keyspace::Dead,
        from: [].as_slice().into(),
        to: [0xff].as_slice().into(),
        rows_max: 2,
        bytes_max: usize::MAX,
        values: true,
    };
    let page = store.read(&[read]).expect("a store in memory does not fail").remove(0);
    let [row] = page.rows.as_slice() else { panic!("{} dead letters instead of one", page.rows.len()) };
    Told::of(&sarsen_engine::read_dead(&row.value).expect("it was just written").failure)
}

/// The dead letter after `a` has sent, and `b` has answered behind what was sent.
async fn misdirected(operation: &str) -> Told {
    let (runtime, store) = open_post(|_| {}).await;
    clerk(&runtime).misdirect("b".to_owned(), operation.to_owned()).await.expect("to send is no fault");
    runtime.client().entity::<Bell>("b").ask::<()>("ring", 1).await.expect("all is well");
    dead_letter(&store)
}

pub(crate) async fn signal_to_an_unknown_entity() -> Told {
    misdirected("haunt").await
}

pub(crate) async fn signal_of_an_unknown_operation() -> Told {
    misdirected("sing").await
}

pub(crate) async fn signal_of_a_wrong_input() -> Told {
    misdirected("ring").await
}

pub(crate) async fn signal_that_fails() -> Told {
    let (runtime, store) = open_post(|_| {}).await;
    clerk(&runtime).withdraw(5.0).signal().await.expect("it is durable, whatever becomes of it");
    clerk(&runtime).add(1.0).await.expect("all is well");
    dead_letter(&store)
}

pub(crate) async fn letter_gone() -> Told {
    let runtime = open().await;
    clerk(&runtime).withdraw(5.0).signal().await.expect("it is durable, whatever becomes of it");
    clerk(&runtime).add(1.0).await.expect("all is well");
    let letter = runtime.client().dead_letters().next().await.expect("it has failed").expect("it is read");
    letter.discard().await.expect("it is there");
    told(letter.send_again().await).with(&letter.id.to_string(), "<letter>")
}

pub(crate) async fn flooded_mailbox() -> Told {
    let (runtime, store) = open_post(|limits| limits.mailbox_messages_max = 1).await;
    clerk(&runtime).send("b".to_owned(), 1.0, 11).await.expect("to send is no fault");
    dead_letter(&store)
}

pub(crate) async fn nameless_schedule() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).plan(String::new()).await)
}

pub(crate) async fn too_many_scheduled_signals() -> Told {
    let (runtime, store) = open_post(|limits| limits.schedules_per_entity_max = 1).await;
    for id in ["a", "b"] {
        clerk(&runtime).plan(id.to_owned()).await.expect("to schedule too much is no fault");
    }
    dead_letter(&store)
}

pub(crate) async fn too_many_delayed_signals() -> Told {
    let (runtime, store) = open_post(|limits| limits.timers_max = 1).await;
    clerk(&runtime).send_late("b".to_owned(), 2).await.expect("to send is no fault");
    dead_letter(&store)
}

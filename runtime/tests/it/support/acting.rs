//! An activity that does what a test says.

use super::Refused;
use futures::future::BoxFuture;
use sarsen_macros::activity;
use sarsen_runtime::ActivityContext;
use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex},
};
use tokio::sync::{Semaphore, mpsc};

type Act = Arc<dyn Fn(ActivityContext) -> BoxFuture<'static, Result<u64, Refused>> + Send + Sync>;

static ACTS: Mutex<BTreeMap<String, Act>> = Mutex::new(BTreeMap::new());

/// What the activity `act` does for `key`. Tests share a process, so each has keys of its own.
pub(crate) fn on_act<F>(key: &str, act: impl Fn(ActivityContext) -> F + Send + Sync + 'static)
where
    F: Future<Output = Result<u64, Refused>> + Send + 'static,
{
    let act: Act = Arc::new(move |cx| Box::pin(act(cx)));
    ACTS.lock().expect("no act is done under the lock").insert(key.to_owned(), act);
}

/// Does what [`on_act`] says.
#[activity(crate = "sarsen_runtime")]
pub(crate) async fn act(cx: ActivityContext, key: String) -> Result<u64, Refused> {
    let act = ACTS.lock().expect("no act is done under the lock").get(&key).cloned();
    match act {
        Some(act) => act(cx).await,
        None => Ok(0),
    }
}

/// Activities that do not return until they are let go.
pub(crate) struct HeldAct {
    entered: mpsc::UnboundedReceiver<ActivityContext>,
    released: Arc<Semaphore>,
}

/// Makes `act` of `key` wait until it is let go. Each returns how many had begun before it.
pub(crate) fn hold_act(key: &str) -> HeldAct {
    let (enter, entered) = mpsc::unbounded_channel();
    let released = Arc::new(Semaphore::new(0));
    let (release, count) = (Arc::clone(&released), Arc::new(Mutex::new(0)));
    on_act(key, move |cx| {
        // The test may be over already.
        let _ = enter.send(cx);
        let release = Arc::clone(&release);
        let mut count = count.lock().expect("counted and left");
        let before = *count;
        *count += 1;
        async move {
            release.acquire().await.expect("it is never closed").forget();
            Ok(before)
        }
    });
    HeldAct { entered, released }
}

impl HeldAct {
    /// Waits until one more runs.
    pub(crate) async fn entered(&mut self) -> ActivityContext {
        self.entered.recv().await.expect("the act lives as long as the process")
    }

    /// Whether no more run than were waited for.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.entered.try_recv().is_err()
    }

    /// Lets so many go, now or when they come.
    pub(crate) fn release(&self, count: usize) {
        self.released.add_permits(count);
    }
}

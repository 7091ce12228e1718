//! Orchestrations that the tests share.

use super::{Probe, Refused, act};
use sarsen_macros::orchestration;
use sarsen_runtime::{CallError, Context, join_all};

/// Returns what it is given.
#[orchestration(crate = "sarsen_runtime")]
pub(crate) async fn echo(_cx: Context, value: u64) -> u64 {
    value
}

/// Refuses.
#[orchestration(crate = "sarsen_runtime")]
pub(crate) async fn refuse(_cx: Context, code: u32) -> Result<u64, Refused> {
    Err(Refused { code })
}

/// Panics.
#[orchestration(crate = "sarsen_runtime")]
pub(crate) async fn fall(_cx: Context, text: String) -> u64 {
    panic!("{text}")
}

/// Waits for as many events `go` and returns what they carried.
#[orchestration(crate = "sarsen_runtime")]
pub(crate) async fn gather(cx: Context, count: usize) -> Vec<u64> {
    let mut gathered = Vec::new();
    while gathered.len() < count {
        cx.set_status(&gathered.len()).expect("a number has JSON");
        gathered.push(cx.event("go").await.expect("it is a number"));
    }
    gathered
}

/// Asks for the activity `act`, as often, at once, and sums what they return.
#[orchestration(crate = "sarsen_runtime")]
pub(crate) async fn acts(cx: Context, key: String, count: usize) -> Result<u64, Refused> {
    let mut sum = 0;
    for told in join_all((0..count).map(|_| cx.activity(act, &key))).await {
        sum += told.map_err(|error| other(&error))??;
    }
    Ok(sum)
}

/// The input of [`acts`].
pub(crate) fn work(key: &str, count: usize) -> (String, usize) {
    (key.to_owned(), count)
}

/// Waits for the child `gather` of this id.
#[orchestration(crate = "sarsen_runtime")]
pub(crate) async fn parent(cx: Context, child: String) -> Vec<u64> {
    cx.child(gather, 1_usize).id(child).await.expect("it is not ended from outside")
}

/// Locks the probes of these keys, does the activity `act` of the last, adds 1 to each.
#[orchestration(crate = "sarsen_runtime")]
pub(crate) async fn locked(cx: Context, keys: Vec<String>) -> Result<u64, Refused> {
    let probes: Vec<_> = keys.iter().map(|key| cx.entity::<Probe>(key)).collect();
    let held = cx.lock(probes).await.map_err(|error| other(&error))?;
    let last = keys.last().cloned().unwrap_or_default();
    let told = cx.activity(act, last).await.map_err(|error| other(&error))??;
    for probe in held.refs() {
        probe.add(1).await.map_err(|error| other(&error))?;
    }
    Ok(told)
}

/// Goes on as another execution until it is given 0; returns how many events `go` have come over all.
#[orchestration(crate = "sarsen_runtime")]
pub(crate) async fn relay(cx: Context, rounds: u64, come: u64) -> u64 {
    if rounds == 0 {
        return come;
    }
    let go: u64 = cx.event("go").await.expect("it is a number");
    cx.continue_as_new(&(rounds - 1, come + go)).await
}

fn other(error: &CallError) -> Refused {
    Refused { code: if error.failure().is_some() { 1 } else { 2 } }
}

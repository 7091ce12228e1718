//! What the threads of a runtime share, and how they end.
//!
//! The drivers end first: drained, stopped, or failed. The last of them closes what they feed (commits, loads, the
//! watchdog), whose threads end when they have nothing left. The last thread of all says that the runtime is closed,
//! and by then nobody holds the store.

use crate::{
    activities::Activities,
    checkpoints::Checkpoints,
    commit::{self, Commits},
    dispatches::Dispatches,
    doorway::{Doorway, Stage},
    loader::Loads,
    lock::lock,
    outward::{self, Outward},
    run_ends::RunEnds,
    watchdog::{Pulse, Watchdog},
};
use sarsen_engine::{Group, Limits};
use sarsen_protocol::{Lease, ShardId};
use sarsen_storage::Store;
use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// How a runtime ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// It was shut down or dropped.
    Stopped,
    /// It failed; what was acknowledged is on disk, and opening the directory again goes on from there.
    Failed {
        /// What went wrong.
        reason: String,
    },
}

/// What the threads of a runtime share. It does not hold the store, so that clients may keep it.
#[derive(Debug)]
pub(crate) struct Works {
    pub(crate) doorways: Vec<Doorway>,
    pub(crate) commits: Commits,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) loads: Loads,
    pub(crate) activities: Arc<Activities>,
    pub(crate) dispatches: Arc<Dispatches>,
    pub(crate) run_ends: RunEnds,
    pub(crate) pulses: Vec<Pulse>,
    pub(crate) watchdog: Watchdog,
    leases: Vec<Lease>,
    draining: AtomicBool,
    ending: Mutex<Ending>,
    /// Rung when the last thread has ended.
    ended: Condvar,
    closed: watch::Sender<Option<Closed>>,
}

#[derive(Debug, Default)]
struct Ending {
    drivers: usize,
    threads: usize,
    failed: Option<String>,
}

impl Works {
    pub(crate) fn new(
        leases: Vec<Lease>,
        limits: &Limits,
        (activities, dispatches): (Arc<Activities>, Arc<Dispatches>),
        watchdog: Duration,
    ) -> Self {
        Self {
            doorways: leases.iter().map(|_| Doorway::new(limits)).collect(),
            commits: Commits::new(),
            checkpoints: Checkpoints::default(),
            loads: Loads::new(),
            activities,
            dispatches,
            run_ends: RunEnds::new(),
            pulses: leases.iter().map(|_| Pulse::default()).collect(),
            watchdog: Watchdog::new(watchdog),
            leases,
            draining: AtomicBool::new(false),
            ending: Mutex::default(),
            ended: Condvar::new(),
            closed: watch::Sender::new(None),
        }
    }

    pub(crate) fn doorway(&self, shard: ShardId) -> &Doorway {
        &self.doorways[usize::from(shard.0)]
    }

    /// Makes a group durable, whoever calls, and lets happen what waits for it.
    pub(crate) fn commit(&self, group: Group<Outward>, store: &dyn Store) {
        let receipts = match commit::commit(store, &group.batches) {
            Ok(receipts) => receipts,
            Err(reason) => return self.fail(&reason, Some(group)),
        };
        let finished = self.commits.finish(group, receipts);
        outward::release(finished.effects, self);
        self.commits.end();
        for (doorway, lease) in self.doorways.iter().zip(&self.leases) {
            doorway.freed(finished.receipts.iter().find(|receipt| receipt.lease() == *lease).copied());
        }
        if self.draining.load(Ordering::Acquire) {
            self.stop_if_drained();
        }
    }

    /// Stops everything after a failure. `group` is what was being committed by the caller, if anything.
    pub(crate) fn fail(&self, reason: &str, group: Option<Group<Outward>>) {
        let mut ending = lock(&self.ending);
        let first = ending.failed.is_none();
        if first {
            ending.failed = Some(reason.to_owned());
        }
        drop(ending);
        if first {
            tracing::error!(reason, "the runtime has failed and stops; open it again");
        }
        self.enter(Stage::Failed);
        self.activities.stop();
        self.dispatches.stop();
        self.commits.fail(group);
        self.loads.close();
        self.run_ends.stop();
    }

    /// Takes no more requests, begins no more activities, finishes the requests that are there, and stops.
    pub(crate) fn drain(&self) {
        self.activities.drain();
        self.draining.store(true, Ordering::Release);
        self.enter(Stage::Draining);
    }

    /// Stops when everything is done. Called whenever something may have been the last thing.
    pub(crate) fn stop_if_drained(&self) {
        if self.is_drained() {
            self.stop();
        }
    }

    /// Stops as soon as what has run is committed.
    pub(crate) fn stop(&self) {
        self.enter(Stage::Stopping);
        self.activities.stop();
        self.dispatches.stop();
    }

    /// Whether nothing is left to do. With all doorways locked nothing can move: what is on its way from the store
    /// to a shard belongs to who has the role of committing.
    fn is_drained(&self) -> bool {
        let halls: Vec<_> = self.doorways.iter().map(Doorway::lock).collect();
        halls.iter().all(|hall| hall.is_at_rest()) && self.commits.is_quiet()
    }

    fn enter(&self, stage: Stage) {
        for doorway in &self.doorways {
            doorway.enter(stage);
        }
    }

    /// Counts a thread that is about to begin.
    pub(crate) fn begin_thread(&self, driver: bool) {
        let mut ending = lock(&self.ending);
        ending.threads += 1;
        ending.drivers += usize::from(driver);
    }

    /// Counts a driver that has ended; the last one closes what drivers feed.
    pub(crate) fn end_driver(&self) {
        let mut ending = lock(&self.ending);
        ending.drivers -= 1;
        let last = ending.drivers == 0;
        drop(ending);
        if last {
            self.commits.close();
            self.loads.close();
            self.checkpoints.close();
            self.watchdog.close();
        }
    }

    /// Counts a thread that has ended and holds the store no more.
    pub(crate) fn end_thread(&self) {
        let mut ending = lock(&self.ending);
        ending.threads -= 1;
        if ending.threads == 0 {
            self.run_ends.stop();
            let closed = match ending.failed.clone() {
                Some(reason) => Closed::Failed { reason },
                None => Closed::Stopped,
            };
            self.closed.send_replace(Some(closed));
            self.ended.notify_all();
        }
    }

    /// Tells when and how the last thread has ended.
    pub(crate) fn closed(&self) -> watch::Receiver<Option<Closed>> {
        self.closed.subscribe()
    }

    /// Waits until the last thread has ended, for at most `longest`. Returns whether it has.
    pub(crate) fn wait(&self, longest: Duration) -> bool {
        let until = Instant::now() + longest;
        let mut ending = lock(&self.ending);
        while ending.threads > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            ending = self.ended.wait_timeout(ending, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// The instance whose turn runs, if there is one.
    pub(crate) fn running(&self) -> Option<sarsen_protocol::Address> {
        self.pulses.iter().find_map(Pulse::running)
    }
}

//! The doorway of a shard: everything that reaches its driver's thread comes in here.
//!
//! One mutex holds the two lanes and what else a driver is told. A driver takes all of it at once; whoever brings
//! something rings the bell only when the driver sleeps and would wake up for it. Both happen under the mutex, so no
//! wake-up is lost: a driver falls asleep only while nothing that it waits for is there.
//!
//! A doorway does not decide what a shard accepts: that is said by the shard, and done by its lanes.

use crate::{
    gate::{Replier, Standing},
    lock::lock,
};
use sarsen_engine::{Hand, Input, Lanes, Limits, Request, ShardStats};
use sarsen_protocol::{Address, Receipt};
use sarsen_storage::Counters;
use std::{
    collections::VecDeque,
    hint, mem,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// How often a driver that stays awake looks before it lets other threads have its core.
const LOOKS: u32 = 32;

/// A client's request, with who waits for its answer.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) replier: Replier,
}

/// What a driver tells of its shard and its store.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) shard: ShardStats,
    pub(crate) store: Counters,
}

/// How far a runtime is on its way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// It takes requests.
    Open,
    /// It takes no requests from outside and finishes those it has.
    Draining,
    /// It runs nothing any more and commits what it has run.
    Stopping,
    /// It has failed and leaves the store alone.
    Failed,
}

/// Why a request was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    /// The lane to this instance is full.
    Full(Address),
    /// The runtime has stopped or is about to.
    Closed,
}

/// What a driver takes at a time.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) inside: VecDeque<Input>,
    /// What the driver has not handed to its shard yet stays here.
    pub(crate) hand: Hand<Asked>,
    pub(crate) receipt: Option<Receipt>,
    pub(crate) questions: Vec<oneshot::Sender<Report>>,
    pub(crate) stage: Stage,
}

impl Taken {
    pub(crate) fn new() -> Self {
        Self {
            inside: VecDeque::new(),
            hand: Hand::new(),
            receipt: None,
            questions: Vec::new(),
            stage: Stage::Open,
        }
    }
}

/// What a driver without work waits for, beside what it always waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wants {
    /// Requests of clients.
    pub(crate) outside: bool,
    /// The end of a commit.
    pub(crate) store: bool,
}

/// The way into one shard.
#[derive(Debug)]
pub(crate) struct Doorway {
    hall: Mutex<Hall>,
    bell: Condvar,
    /// Whether anything has come in since the driver took what was there, for one that stays awake to look at.
    stirred: AtomicBool,
}

/// What is behind a doorway's mutex.
#[derive(Debug)]
pub(crate) struct Hall {
    lanes: Lanes<Asked>,
    /// Whether the inside lane holds anything.
    inside: bool,
    receipt: Option<Receipt>,
    /// Whether a commit has ended since the driver looked.
    freed: bool,
    questions: Vec<oneshot::Sender<Report>>,
    stage: Stage,
    /// The stage that the driver has seen.
    stage_seen: Stage,
    /// What the driver sleeps for, while it sleeps.
    asleep: Option<Wants>,
    /// Whether the driver has nothing to do and its shard is idle.
    at_rest: bool,
}

impl Doorway {
    pub(crate) fn new(limits: &Limits) -> Self {
        let hall = Hall {
            lanes: Lanes::new(limits),
            inside: false,
            receipt: None,
            freed: false,
            questions: Vec::new(),
            stage: Stage::Open,
            stage_seen: Stage::Open,
            asleep: None,
            at_rest: false,
        };
        Self { hall: Mutex::new(hall), bell: Condvar::new(), stirred: AtomicBool::new(false) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Hall> {
        lock(&self.hall)
    }

    /// Puts a client's request into the outside lane.
    pub(crate) fn offer(&self, asked: Asked, standing: Standing) -> Result<(), Turned> {
        let bytes = asked.request.bytes();
        let last = match standing {
            Standing::Outside => Stage::Open,
            Standing::AtWork => Stage::Draining,
        };
        let mut hall = self.lock();
        if hall.stage > last {
            return Err(Turned::Closed);
        }
        let refused = hall.lanes.offer(asked, bytes);
        let wake = refused.is_ok() && hall.asleep.is_some_and(|wants| wants.outside);
        self.leave(hall, wake);
        // The refused request, and with it its replier, is dropped here, outside of the lock.
        refused.map_err(|asked| Turned::Full(asked.request.to().clone()))
    }

    /// Puts something into the inside lane; dropped once the driver has ended.
    pub(crate) fn push(&self, inputs: impl IntoIterator<Item = Input>) {
        let mut hall = self.lock();
        if hall.stage > Stage::Draining {
            return;
        }
        for input in inputs {
            hall.lanes.push(input);
            hall.inside = true;
        }
        let wake = hall.inside;
        self.leave(hall, wake);
    }

    /// Tells the driver that a commit has ended, and what is durable of its own by that.
    pub(crate) fn freed(&self, receipt: Option<Receipt>) {
        let mut hall = self.lock();
        hall.freed = true;
        let wake = receipt.is_some() || hall.asleep.is_some_and(|wants| wants.store);
        // Who committed last may come first.
        hall.receipt = [hall.receipt, receipt].into_iter().flatten().max_by_key(Receipt::number);
        self.leave(hall, wake);
    }

    /// Asks the driver what is in its shard; the question is dropped once the driver has ended.
    pub(crate) fn ask(&self) -> oneshot::Receiver<Report> {
        let (question, told) = oneshot::channel();
        let mut hall = self.lock();
        if hall.stage <= Stage::Draining {
            hall.questions.push(question);
        }
        self.leave(hall, true);
        told
    }

    /// Enters a stage, unless it is past it.
    pub(crate) fn enter(&self, stage: Stage) {
        let mut hall = self.lock();
        hall.stage = hall.stage.max(stage);
        self.leave(hall, true);
    }

    /// Takes what is there; requests of clients only if `outside` and the hand is empty. They change hands all at once,
    /// so that clients are kept from the lane for a moment only.
    pub(crate) fn take(&self, outside: bool, taken: &mut Taken) {
        let mut hall = self.lock();
        self.stirred.store(false, Ordering::Relaxed);
        taken.inside = hall.lanes.take_inside();
        if outside {
            hall.lanes.swap_outside(&mut taken.hand);
        }
        taken.receipt = hall.receipt.take();
        taken.questions = mem::take(&mut hall.questions);
        taken.stage = hall.stage;
        hall.stage_seen = hall.stage;
        (hall.inside, hall.freed, hall.at_rest) = (false, false, false);
    }

    /// Whether there is nothing that a driver with these wants would take.
    pub(crate) fn is_quiet(&self, wants: Wants) -> bool {
        self.lock().is_quiet(wants)
    }

    /// Says that the driver's shard is idle. Returns whether there is nothing to take either.
    pub(crate) fn come_to_rest(&self) -> bool {
        let mut hall = self.lock();
        hall.at_rest = hall.is_quiet(Wants { outside: true, store: false });
        hall.at_rest
    }

    /// Stays awake until something comes in, for about `longest`. Who brings it then need not wake anybody.
    pub(crate) fn linger(&self, longest: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < longest {
            for _ in 0..LOOKS {
                if self.stirred.load(Ordering::Relaxed) {
                    return;
                }
                hint::spin_loop();
            }
            thread::yield_now();
        }
    }

    /// Sleeps until there is something to take, for at most `longest`.
    pub(crate) fn sleep(&self, wants: Wants, longest: Option<Duration>) {
        let mut hall = self.lock();
        if !hall.is_quiet(wants) {
            return;
        }
        hall.asleep = Some(wants);
        let mut hall = match longest {
            // A driver that wakes up for nothing looks around and sleeps again.
            Some(longest) => self.bell.wait_timeout(hall, longest).unwrap_or_else(PoisonError::into_inner).0,
            None => self.bell.wait(hall).unwrap_or_else(PoisonError::into_inner),
        };
        hall.asleep = None;
    }

    /// Tells those whose requests nobody has taken that nobody will.
    pub(crate) fn turn_away(&self) {
        for asked in self.clear() {
            asked.replier.stop(false);
        }
    }

    /// Takes the requests that nobody will answer any more.
    fn clear(&self) -> Vec<Asked> {
        let mut hall = self.lock();
        hall.questions.clear();
        hall.lanes.take_inside();
        let count = hall.lanes.outside_len();
        hall.lanes.take_outside(count).collect()
    }

    /// Unlocks, and wakes the driver if it sleeps and `wake`.
    fn leave(&self, mut hall: MutexGuard<'_, Hall>, wake: bool) {
        let ring = wake && hall.asleep.take().is_some();
        self.stirred.store(true, Ordering::Relaxed);
        drop(hall);
        if ring {
            self.bell.notify_one();
        }
    }
}

impl Hall {
    /// Whether the driver rests with nothing left to take.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.at_rest && self.is_quiet(Wants { outside: true, store: false })
    }

    fn is_quiet(&self, wants: Wants) -> bool {
        !self.inside
            && self.receipt.is_none()
            && self.questions.is_empty()
            && self.stage_seen == self.stage
            && !(wants.store && self.freed)
            && !(wants.outside && self.lanes.outside_len() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sarsen_protocol::{
        Address, Batch, BatchNumber, Delivery, Epoch, Lease, RequestId, Sequence, SessionId, ShardId, Slot,
        SlotRange, Source,
    };

    const ALL: Wants = Wants { outside: true, store: true };

    fn asked() -> Asked {
        let to = Address::entity("probe", "alice").expect("valid");
        let session = SessionId(uuid::Uuid::nil());
        let request = Request::State { to, session, request: RequestId(0) };
        Asked { request, replier: Replier::new(false).0 }
    }

    fn delivered() -> Input {
        let source = Source { epoch: Epoch(1), shard: ShardId(1) };
        let slot = Slot::new(0).expect("there is one");
        Input::Delivered(Delivery { source, slot, sequence: Sequence(1), message: None })
    }

    fn receipt() -> Receipt {
        let lease = Lease { slots: SlotRange::ALL, epoch: Epoch(1) };
        Receipt::durable(&Batch { lease, number: BatchNumber(1), writes: Vec::new() })
    }

    /// Each thing that may come in while a driver is about to fall asleep.
    const ARRIVALS: [fn(&Doorway); 6] = [
        |doorway| doorway.offer(asked(), Standing::Outside).expect("there is room"),
        |doorway| doorway.push([delivered()]),
        |doorway| doorway.freed(None),
        |doorway| doorway.freed(Some(receipt())),
        |doorway| drop(doorway.ask()),
        |doorway| doorway.enter(Stage::Draining),
    ];

    #[test]
    fn no_driver_falls_asleep_over_what_has_come_in() {
        for (index, arrive) in ARRIVALS.into_iter().enumerate() {
            let doorway = Doorway::new(&Limits::default());
            assert!(doorway.is_quiet(ALL));
            arrive(&doorway);
            assert!(!doorway.is_quiet(ALL), "arrival {index}");
            doorway.sleep(ALL, None);
            doorway.take(true, &mut Taken::new());
            assert!(doorway.is_quiet(ALL), "arrival {index} was taken");
        }
    }

    #[test]
    fn a_driver_that_sleeps_wakes_up_for_what_comes_in() {
        for arrive in ARRIVALS {
            let doorway = Doorway::new(&Limits::default());
            std::thread::scope(|scope| {
                let driver = scope.spawn(|| doorway.sleep(ALL, None));
                while doorway.lock().asleep.is_none() {
                    std::thread::yield_now();
                }
                arrive(&doorway);
                driver.join().expect("it sleeps in peace");
            });
        }
    }

    #[test]
    fn a_driver_that_stays_awake_sees_what_comes_in() {
        for arrive in ARRIVALS {
            let doorway = Doorway::new(&Limits::default());
            std::thread::scope(|scope| {
                let driver = scope.spawn(|| doorway.linger(Duration::MAX));
                arrive(&doorway);
                driver.join().expect("it lingers in peace");
            });
        }
    }

    #[test]
    fn a_driver_sleeps_over_what_it_does_not_want() {
        let doorway = Doorway::new(&Limits::default());
        doorway.offer(asked(), Standing::Outside).expect("there is room");
        doorway.freed(None);
        assert!(doorway.is_quiet(Wants { outside: false, store: false }));
        assert!(!doorway.come_to_rest(), "a request that waits is something left to do");
    }

    #[test]
    fn nothing_is_at_rest_that_has_something_to_take() {
        for (index, arrive) in ARRIVALS.into_iter().enumerate().filter(|(index, _)| *index != 2) {
            let doorway = Doorway::new(&Limits::default());
            assert!(doorway.come_to_rest() && doorway.lock().is_at_rest());
            arrive(&doorway);
            assert!(!doorway.lock().is_at_rest(), "arrival {index}");
            doorway.take(true, &mut Taken::new());
            assert!(!doorway.lock().is_at_rest(), "what was taken has yet to be done");
        }
    }

    #[test]
    fn accepted_work_asks_on_while_nobody_else_does() {
        let doorway = Doorway::new(&Limits::default());
        doorway.enter(Stage::Draining);
        assert_eq!(doorway.offer(asked(), Standing::Outside), Err(Turned::Closed));
        assert_eq!(doorway.offer(asked(), Standing::AtWork), Ok(()));
        doorway.enter(Stage::Stopping);
        assert_eq!(doorway.offer(asked(), Standing::AtWork), Err(Turned::Closed));
    }

    #[test]
    fn who_closes_leaves_no_request_behind() {
        let doorway = Doorway::new(&Limits::default());
        doorway.offer(asked(), Standing::Outside).expect("there is room");
        doorway.enter(Stage::Failed);
        doorway.enter(Stage::Draining);
        assert_eq!(doorway.offer(asked(), Standing::Outside), Err(Turned::Closed));
        assert_eq!(doorway.clear().len(), 1);
        assert!(doorway.clear().is_empty());
    }
}

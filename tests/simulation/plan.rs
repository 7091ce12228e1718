//! What one seed is like: its limits, its clients, how much they ask for.

use crate::agendas;
use sarsen_engine::Limits;
use sarsen_entities::EntityOptions;
use sarsen_testing::{Odds, Random};
use std::time::Duration;

/// For how long audits are kept: no run lasts so long.
pub(crate) const AUDIT_AGE: Duration = Duration::from_secs(40_000 * 24 * 60 * 60);

/// More entries than an audit ever has.
pub(crate) const ALL: u64 = 1_000_000;

/// The plan of a run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) odds: Odds,
    pub(crate) limits: Limits,
    /// The options of the ledgers.
    pub(crate) options: EntityOptions,
    /// The ledgers' keys.
    pub(crate) ledgers: Vec<String>,
    /// Requests of agendas in a seed that has them, at most; 0 is none.
    pub(crate) agendas: usize,
    /// Handles of each process.
    pub(crate) handles: usize,
    /// Requests in all.
    pub(crate) requests: usize,
    /// One step in so many asks for something.
    pub(crate) ask_one_in: usize,
    /// Futures that wait at a time.
    pub(crate) futures_max: usize,
    /// One future in so many is dropped early; 0 is never.
    pub(crate) drop_one_in: usize,
    /// One request in so many has a timeout; 0 is never.
    pub(crate) timeout_one_in: usize,
    /// Weights of the forms of requests: signal, call, signal under a key, call under a key, numbered signal.
    pub(crate) forms: [u32; 5],
    /// One time in so many that a client asks again, it asks for what it knows to be done.
    pub(crate) repeat_one_in: usize,
    /// Ledgers are erased at most so often.
    pub(crate) erases_max: usize,
    /// Whether some operations run off their shards.
    pub(crate) elsewhere: bool,
    /// How many of those may run at a time in a shard, and how many ledgers are listed that wait.
    pub(crate) places: (usize, usize),
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn of(random: &mut Random) -> Self {
        let odds = Odds::stormy(random);
        let limits = limits(random);
        // A witness has room for few lists, and for none when states are small.
        let erases_max = if limits.state_bytes_max < 10_000 { 0 } else { 4 };
        let ledgers = (0..random.between(1, 5)).map(|number| format!("ledger-{number}")).collect();
        let mut plan = Self {
            odds,
            limits,
            options: EntityOptions::default(),
            ledgers,
            agendas: agendas::REQUESTS_MAX,
            handles: random.between(1, 3),
            requests: random.between(15, 90),
            ask_one_in: random.pick(&[1, 3, 8, 20]),
            futures_max: random.pick(&[1, 4, 24]),
            drop_one_in: random.pick(&[0, 4, 12]),
            timeout_one_in: random.pick(&[0, 5, 15]),
            forms: random.pick(&[
                [35, 25, 12, 12, 16],
                [35, 25, 12, 12, 16],
                [5, 5, 30, 60, 0],
                [40, 10, 0, 0, 50],
            ]),
            repeat_one_in: random.pick(&[2, 5]),
            erases_max,
            elsewhere: false,
            places: (256, 4_096),
        };
        plan.options = options(random);
        plan.elsewhere = random.one_in(2);
        plan.places = (random.pick(&[1, 2, 256]), random.pick(&[1, 2, 4_096]));
        // What a ledger was before its time was over is known by its audit alone.
        if plan.options.audit_options().is_some_and(|audit| audit.kept_rows() == ALL) && random.one_in(2) {
            plan.options = plan.options.ttl(Duration::from_millis(random.pick(&[40, 700, 5_000])));
        }
        plan
    }

    /// What the oracle cannot know in this run.
    pub(crate) fn leeway(&self) -> Leeway {
        Leeway {
            dead_letters_go: self.limits.dead_letters_max < 1000,
            limits_fail: self.limits.state_bytes_max < 10_000 || self.limits.messages_per_operation_max < 10,
            audited: self.options.audit_options().map(|audit| audit.kept_rows()),
            time_to_live: self.options.time_to_live(),
            cancels: false,
        }
    }
}

/// What the oracle of a run cannot know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leeway {
    /// Dead letters may go because there are too many.
    pub(crate) dead_letters_go: bool,
    /// Any operation may fail because of a limit.
    pub(crate) limits_fail: bool,
    /// How many entries the audit of a ledger has at most, if there is one.
    pub(crate) audited: Option<u64>,
    /// How long a ledger lives behind its last change, if that is limited. Its audit tells all then.
    pub(crate) time_to_live: Option<Duration>,
    /// Whether scheduled signals are cancelled. One that had its time in an earlier process, whose clock was ahead, waits
    /// and has no timer, and is counted as if it had: the figure of timers is too low until others have fired.
    pub(crate) cancels: bool,
}

/// What is chosen for the ledgers.
fn options(random: &mut Random) -> EntityOptions {
    let mut options = EntityOptions::default();
    if random.one_in(8) {
        options = options.mailbox(random.pick(&[1, 3, 1_000]));
    }
    if random.one_in(8) {
        let (operations, millis) = random.pick(&[(1, 100), (3, 1_000), (100, 10)]);
        options = options.rate(operations, Duration::from_millis(millis));
    }
    if random.one_in(3) {
        let keep = random.pick(&[1, 3, 10, ALL, ALL]);
        options = options.audit(|audit| audit.keep(keep).age(AUDIT_AGE));
    }
    options
}

/// Limits of which some are met.
fn limits(random: &mut Random) -> Limits {
    let mut limits = Limits::default();
    limits.verify = random.one_in(2);
    limits.mailbox_messages_max = random.pick(&[1, 2, 4, 8, 1000]);
    limits.mailbox_window = random.pick(&[1, 2, 4, 1000]);
    limits.run_operations_max = random.pick(&[1, 2, 4, 1000]);
    limits.batch_turns_max = random.pick(&[1, 3, 10, 1000]);
    limits.batch_bytes_max = random.pick(&[1, 500, 3000, 1 << 20]);
    limits.cache_bytes = random.pick(&[1, 2000, 1 << 20]);
    limits.idle_after = Duration::from_millis(random.pick(&[1, 1_000, 60_000]));
    limits.keys_max = random.pick(&[2, 5, 1000, 1000]);
    limits.producers_max = random.pick(&[1, 2, 64]);
    limits.dead_letters_max = if random.one_in(8) { random.pick(&[1, 3]) } else { 10_000 };
    if random.one_in(10) {
        limits.state_bytes_max = random.pick(&[60, 150, 400]);
        limits.messages_per_operation_max = 2;
    }
    limits.timers_max = random.pick(&[1, 3, 1000, 1000]);
    limits.timers_per_turn_max = random.pick(&[1, 2, 1000]);
    limits.timer_window = Duration::from_millis(random.pick(&[500, 3_000, 600_000]));
    limits.timers_window = random.pick(&[1, 4, 1_000]);
    limits.lane_messages_max = random.pick(&[1, 3, 1000, 1000]);
    limits.inside_bytes_max = random.pick(&[0, 500, 1 << 20]);
    limits.loads_max = random.pick(&[1, 2, 1000]);
    limits
}

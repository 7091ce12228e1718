//! What one seed of runs is like: its limits, its clients, how much they ask for.

use sarsen_engine::Limits;
use sarsen_testing::{Odds, Random};
use std::time::Duration;

/// The plan of a seed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) odds: Odds,
    pub(crate) limits: Limits,
    /// How many ids of runs are used again and again.
    pub(crate) ids: usize,
    /// Handles of each process.
    pub(crate) handles: usize,
    /// Runs that clients start.
    pub(crate) starts: usize,
    /// Other requests of clients.
    pub(crate) requests: usize,
    /// The most acts of a program, its children included.
    pub(crate) acts_max: usize,
    /// One step in so many asks for something.
    pub(crate) ask_one_in: usize,
    /// Futures that wait at a time.
    pub(crate) futures_max: usize,
    /// One future in so many is dropped early; 0 is never.
    pub(crate) drop_one_in: usize,
    /// One request in so many ends a run by force or puts another in its place; 0 is never.
    pub(crate) end_one_in: usize,
    /// One request in so many is of those that manage many runs or start some again; 0 is never.
    pub(crate) manage_one_in: usize,
    /// How many runs of `queue` may be under way in a shard.
    pub(crate) permits: usize,
    /// How long runs of `perform` are kept.
    pub(crate) retention: Option<Duration>,
    /// One process in so many runs code that does not do what it did; 0 is never.
    pub(crate) broken_one_in: usize,
    /// One commit in so many is looked at.
    pub(crate) look_one_in: usize,
    /// How many steps there are at most behind the last request until nothing goes wrong any more.
    pub(crate) steps_behind: usize,
    /// Whether all that runs do is to want the same locks.
    pub(crate) contended: bool,
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn of(random: &mut Random) -> Self {
        Self {
            odds: Odds::stormy(random),
            limits: limits(random),
            ids: random.between(2, 6),
            handles: random.between(1, 3),
            starts: random.between(1, 7),
            requests: random.between(4, 40),
            acts_max: random.pick(&[6, 15, 15, 40]),
            ask_one_in: random.pick(&[1, 4, 12]),
            futures_max: random.pick(&[2, 6, 24]),
            drop_one_in: random.pick(&[0, 4, 12]),
            end_one_in: random.pick(&[0, 1, 4]),
            manage_one_in: random.pick(&[0, 0, 0, 4, 12]),
            permits: random.pick(&[1, 1, 2, 3]),
            retention: random.one_in(12).then(|| Duration::from_millis(random.pick(&[1, 300, 8_000]))),
            broken_one_in: random.pick(&[0, 0, 3]),
            look_one_in: random.pick(&[1, 3, 8]),
            steps_behind: 200,
            contended: false,
        }
    }

    /// The plan of a seed of sections that overlap: many runs, mostly over several shards, that are ended in every way.
    pub(crate) fn of_sections(random: &mut Random) -> Self {
        let mut plan = Self::of(random);
        plan.odds.shards = random.pick(&[&[1][..], &[2, 3], &[3, 5, 7], &[1, 2, 4, 7]]).to_vec();
        plan.ids = random.between(3, 12);
        plan.starts = random.between(3, 14);
        plan.requests = random.between(10, 40);
        plan.ask_one_in = random.pick(&[1, 2, 6]);
        plan.end_one_in = random.pick(&[1, 1, 3]);
        plan.look_one_in = random.pick(&[1, 1, 4]);
        plan.broken_one_in = random.pick(&[0, 2, 3]);
        (plan.manage_one_in, plan.retention) = (0, None);
        // What runs may do is to be decided by locks and not by these.
        plan.limits.commands_per_turn_max = Limits::default().commands_per_turn_max;
        plan.limits.history_events_max = Limits::default().history_events_max;
        (plan.contended, plan.steps_behind) = (true, 800);
        plan
    }
}

/// Limits of which some are met.
fn limits(random: &mut Random) -> Limits {
    let mut limits = Limits::default();
    limits.verify = random.one_in(2);
    limits.mailbox_messages_max = random.pick(&[2, 5, 1_000, 1_000]);
    limits.mailbox_window = random.pick(&[1, 2, 4, 1_000]);
    limits.run_operations_max = random.pick(&[1, 2, 4, 1_000]);
    limits.batch_turns_max = random.pick(&[1, 3, 10, 1_000]);
    limits.batch_bytes_max = random.pick(&[1, 500, 3_000, 1 << 20]);
    limits.cache_bytes = random.pick(&[1, 4_000, 1 << 20]);
    limits.idle_after = Duration::from_millis(random.pick(&[1, 1_000, 60_000]));
    limits.keys_max = random.pick(&[2, 1_000, 1_000]);
    limits.timers_per_turn_max = random.pick(&[1, 2, 1_000]);
    limits.timer_window = Duration::from_millis(random.pick(&[500, 3_000, 600_000]));
    limits.timers_window = random.pick(&[1, 4, 1_000]);
    limits.tasks_window = random.pick(&[1, 2, 1_000]);
    limits.replay_events_per_turn_max = random.pick(&[1, 3, 1_000]);
    limits.events_before_start_max = random.pick(&[1, 3, 1_000]);
    if random.one_in(16) {
        limits.commands_per_turn_max = random.pick(&[2, 6]);
    }
    if random.one_in(16) {
        limits.history_events_max = random.pick(&[8, 30]);
    }
    limits.lock_held_report_after = Duration::from_millis(random.pick(&[0, 20, 60_000]));
    limits.lane_messages_max = random.pick(&[1, 3, 1_000, 1_000]);
    limits.inside_bytes_max = random.pick(&[0, 500, 1 << 20]);
    limits.loads_max = random.pick(&[1, 2, 1_000]);
    limits
}

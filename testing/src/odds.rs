//! How often a host does what.

use crate::Random;

/// The weights and odds by which a host chooses its next action. Each seed of a simulation has odds of its own, so
/// that one seed starves the loads and another the commits. What has weight 0 does not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Odds {
    /// Weight of taking from the lanes.
    pub take: u32,
    /// The most inputs or requests taken at once.
    pub take_max: usize,
    /// Weight of a turn.
    pub turn: u32,
    /// Weight of sealing the open batch.
    pub seal: u32,
    /// Weight of each of a commit's steps: begin, apply, finish, hand over the receipts.
    pub commit: u32,
    /// Weight of letting an effect of a durable batch out.
    pub release: u32,
    /// Weight of reading what a load asks for.
    pub read: u32,
    /// Weight of answering a load that was read.
    pub answer: u32,
    /// Weight of polling a future that was woken.
    pub poll: u32,
    /// One step in so many polls a future that was not woken; 0 is never.
    pub poll_idle_one_in: usize,
    /// One step in so many lets some time pass although there is something to do; 0 is never.
    pub wait_one_in: usize,
    /// One step in so many tries to evict an entity; 0 is never.
    pub evict_one_in: usize,
    /// Whether each entity is evicted as soon as it may be.
    pub evict_at_once: bool,
    /// One step in so many moves the clock by a jump, forwards or backwards; 0 is never.
    pub jump_one_in: usize,
    /// One step in so many is a crash; 0 is never.
    pub crash_one_in: usize,
    /// One step in so many closes the host in good order and opens it again; 0 is never.
    pub restart_one_in: usize,
    /// One commit in so many fails; 0 is never.
    pub commit_fails_one_in: usize,
    /// Weight of polling an activity that was woken.
    pub work: u32,
    /// Weight of giving a shard the answer of an activity.
    pub perform: u32,
    /// One activity in so many answers only after some time; 0 is never.
    pub perform_late_one_in: usize,
    /// One activity in so many answers twice, in two ways; 0 is never.
    pub perform_twice_one_in: usize,
    /// One activity in so many does not answer before its process ends or the host is calm; 0 is never.
    pub perform_never_one_in: usize,
    /// One activity in so many fails whatever its code does; 0 is never.
    pub perform_fails_one_in: usize,
    /// The number of shards is one of these, chosen at each open.
    pub shards: Vec<u16>,
}

impl Odds {
    /// Any order of what is pending, loads late and evictions now and then, but neither crashes nor jumps of the
    /// clock: for users' tests, which crash where they want.
    pub fn calm() -> Self {
        Self {
            take: 4,
            take_max: 4,
            turn: 4,
            seal: 4,
            commit: 4,
            release: 4,
            read: 4,
            answer: 4,
            poll: 4,
            poll_idle_one_in: 40,
            wait_one_in: 40,
            evict_one_in: 16,
            evict_at_once: false,
            jump_one_in: 0,
            crash_one_in: 0,
            restart_one_in: 0,
            commit_fails_one_in: 0,
            work: 4,
            perform: 4,
            perform_late_one_in: 0,
            perform_twice_one_in: 0,
            perform_never_one_in: 0,
            perform_fails_one_in: 0,
            shards: vec![1, 2, 3],
        }
    }

    /// Everything that may happen, with weights drawn from `random`.
    pub fn stormy(random: &mut Random) -> Self {
        let mut weight = || random.pick(&[1, 4, 4, 16]);
        let (take, turn, seal, commit) = (weight(), weight(), weight(), weight());
        let (release, read, answer, poll) = (weight(), weight(), weight(), weight());
        let (work, perform) = (weight(), weight());
        Self {
            take,
            take_max: random.between(1, 6),
            turn,
            seal,
            commit,
            release,
            read,
            answer,
            poll,
            poll_idle_one_in: random.pick(&[10, 40]),
            wait_one_in: random.pick(&[0, 10, 60]),
            evict_one_in: random.pick(&[0, 8, 40]),
            evict_at_once: random.one_in(3),
            jump_one_in: random.pick(&[0, 60, 300]),
            crash_one_in: random.pick(&[0, 120, 250, 600]),
            restart_one_in: random.pick(&[0, 0, 400]),
            commit_fails_one_in: random.pick(&[0, 0, 60, 200]),
            work,
            perform,
            perform_late_one_in: random.pick(&[0, 3, 20]),
            perform_twice_one_in: random.pick(&[0, 4, 20]),
            perform_never_one_in: random.pick(&[0, 0, 12]),
            perform_fails_one_in: random.pick(&[0, 0, 8, 30]),
            shards: vec![1, 1, 2, 2, 3, 4, 7],
        }
    }
}

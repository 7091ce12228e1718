//! Random orchestrations: whatever they are composed of, a replay of any prefix does what was done.

mod program;

use crate::support::{Random, Script, input, payload, start};
use program::EVENTS;
use sarsen_orchestration::{Command, CommandId, End, Event, ExecutionLimits, Input, Outstanding};
use std::{collections::BTreeMap, thread};

const SEEDS: u64 = 500;
const TURNS_MAX: usize = 60;

/// Says how to repeat a case that fails.
struct Repeat(u64);

impl Drop for Repeat {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("SARSEN_SEED={} cargo test -p sarsen-orchestration --test it generated", self.0);
        }
    }
}

/// What happens next, to what the execution waits for and to what it does not.
fn inputs(random: &mut Random, outstanding: &Outstanding) -> Vec<Input> {
    let count = 1 + random.below(3);
    (0..count).filter_map(|_| next_input(random, outstanding)).collect()
}

fn next_input(random: &mut Random, outstanding: &Outstanding) -> Option<Input> {
    let any = |random: &mut Random, ids: Vec<CommandId>| (!ids.is_empty()).then(|| random.pick(&ids));
    let choice = random.below(20);
    let id = match choice {
        0..6 => any(random, outstanding.tasks().iter().copied().collect())?,
        6..9 => any(random, outstanding.timers().keys().copied().collect())?,
        9..11 => any(random, outstanding.children().keys().copied().collect())?,
        11..14 => any(random, outstanding.calls().keys().copied().collect())?,
        14..=15 => outstanding.section()?.id,
        // Answers to what was never asked for, or is answered.
        _ => CommandId(u32::try_from(random.below(9)).unwrap()),
    };
    let text = match choice {
        6..9 => format!("fire {id}"),
        14..=15 if random.one_in(6) => format!("refuse {id} no"),
        14..=15 => format!("grant {id}"),
        17..=18 => format!("raise {} {}", random.pick(&EVENTS), random.below(9)),
        19 => random.pick(&["suspend", "resume"]).to_owned(),
        _ if random.one_in(3) => format!("{id} ! failed"),
        0..6 if random.one_in(4) => format!("{id} !>{} late", random.below(9)),
        _ if random.one_in(4) => format!("{id} !! refused"),
        _ => format!("{id} = {}", random.below(9)),
    };
    Some(input(&text, outstanding))
}

/// Runs the program of a seed, leaving memory now and then, and replays it in all ways.
fn run(seed: u64, met: &mut BTreeMap<&'static str, usize>) {
    let _repeat = Repeat(seed);
    let mut random = Random::new(seed ^ 0xF00D);
    let mut start = start("drawn", "");
    start.input = payload(&seed.to_string());
    start.seed = seed;
    start.limits = ExecutionLimits { payload_bytes_max: 10_000, ..start.limits };
    if random.one_in(20) {
        start.limits = ExecutionLimits { commands_per_turn_max: 4, history_events_max: 30, ..start.limits };
    }
    let mut script = Script::new::<program::drawn>(start);
    let mut given = Vec::new();
    while script.turns.len() < TURNS_MAX && !script.execution.is_over() {
        script.turn(given).unwrap_or_else(|parked| panic!("{parked}"));
        if random.one_in(3) && !script.execution.is_over() {
            *met.entry("eviction").or_default() += 1;
            script.evict();
        }
        given = inputs(&mut random, script.execution.outstanding());
    }
    script.check_replays();
    for taken in &script.turns {
        *met.entry("unapplied").or_default() += taken.turn.unapplied.len();
        *met.entry("carried").or_default() += taken.turn.carried.len();
    }
    for event in script.history() {
        *met.entry(kind(&event)).or_default() += 1;
    }
}

fn kind(event: &Event) -> &'static str {
    match event {
        Event::TurnStarted { .. } => "turn",
        Event::Started(_) => "start",
        Event::Arrived(Input::TaskEnded { .. }) => "task ended",
        Event::Arrived(Input::AttemptFailed { .. }) => "attempt failed",
        Event::Arrived(Input::TimerFired { .. }) => "timer fired",
        Event::Arrived(Input::ChildEnded { .. }) => "child ended",
        Event::Arrived(Input::CallEnded { .. }) => "call ended",
        Event::Arrived(Input::LockGranted { .. }) => "lock granted",
        Event::Arrived(Input::LockRefused { .. }) => "lock refused",
        Event::Arrived(Input::EventRaised { .. }) => "event raised",
        Event::Arrived(Input::Suspended { .. }) => "suspended",
        Event::Arrived(Input::Resumed { .. }) => "resumed",
        Event::Arrived(Input::Rewound { .. }) => "rewound",
        Event::Issued(_, Command::Task { .. }) => "task",
        Event::Issued(_, Command::Attempt(_)) => "attempt",
        Event::Issued(_, Command::Timer { .. }) => "timer",
        Event::Issued(_, Command::CancelTimer { .. }) => "cancel",
        Event::Issued(_, Command::Child(_)) => "child",
        Event::Issued(_, Command::Detached(_)) => "detached",
        Event::Issued(_, Command::SendEvent { .. }) => "send",
        Event::Issued(_, Command::Signal { .. }) => "signal",
        Event::Issued(_, Command::Schedule { request, .. }) if request.section.is_some() => {
            "schedule in a section"
        }
        Event::Issued(_, Command::Schedule { .. }) => "schedule",
        Event::Issued(_, Command::Unschedule { .. }) => "unschedule",
        Event::Issued(_, Command::Call { section: None, .. }) => "call",
        Event::Issued(_, Command::Call { section: Some(_), .. }) => "call in a section",
        Event::Issued(_, Command::Lock { .. }) => "lock",
        Event::Issued(_, Command::TryLock { .. }) => "try lock",
        Event::Issued(_, Command::Unlock { .. }) => "unlock",
        Event::Issued(_, Command::SetStatus { .. }) => "status",
        Event::Ended(End::Returned(_)) => "returned",
        Event::Ended(End::Failed(failure)) => match failure.kind {
            sarsen_protocol::FailureKind::Panicked => "panicked",
            sarsen_protocol::FailureKind::OverLimit => "over a limit",
            _ => "failed",
        },
        Event::Ended(End::ContinuedAsNew(_)) => "continued",
        Event::Ended(End::Terminated { .. }) => "terminated",
    }
}

/// What a run of all seeds must have met.
const SITUATIONS: usize = 37;

#[test]
fn random_orchestrations_replay_from_every_prefix() {
    let mut met = BTreeMap::new();
    if let Ok(seed) = std::env::var("SARSEN_SEED") {
        return run(seed.parse().expect("SARSEN_SEED is a number"), &mut met);
    }
    (0..SEEDS).for_each(|seed| run(seed, &mut met));
    assert!(
        met.len() == SITUATIONS && met.values().all(|times| *times > 0),
        "{} of {SITUATIONS}: {met:#?}",
        met.len()
    );
}

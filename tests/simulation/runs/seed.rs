//! One run of the simulation of runs.

use super::{
    Armed,
    account::Account,
    activity::work,
    brittle::brittle,
    code::{perform, queue},
    finish,
    invariants::same_commands,
    plan::Plan,
    stage,
    watch::{Shared, Watch},
    workload::Workload,
};
use crate::{
    invariants::Violation,
    seed::{Verdict, crashing, text},
};
use sarsen_testing::{Builder, MemoryWorld, Random, Situation, VirtualHost, World};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many steps a seed may take before it goes to its end.
const STEPS_MAX: usize = 3_000;

/// Runs a seed in memory, with this fault if any.
pub(crate) fn run(seed: u64, armed: Option<Armed>, traced: bool) -> Verdict {
    let mut random = Random::new(seed ^ 0x0cc);
    let plan = Plan::of(&mut random);
    run_in(MemoryWorld::new(), &plan, seed, armed, traced)
}

/// Runs a seed of sections that overlap, with this fault if any.
pub(crate) fn run_sections(seed: u64, armed: Option<Armed>, traced: bool) -> Verdict {
    let mut random = Random::new(seed ^ 0x5ec);
    let plan = Plan::of_sections(&mut random);
    run_in(MemoryWorld::new(), &plan, seed, armed, traced)
}

/// Runs a seed on the redb store, whose disk crashes.
pub(crate) fn run_on_redb(seed: u64, traced: bool) -> Verdict {
    let mut random = Random::new(seed ^ 0x0cc);
    let plan = Plan::of(&mut random);
    run_in(crashing(&mut random), &plan, seed, None, traced)
}

/// Runs a seed of sections that overlap on the redb store, whose disk crashes.
pub(crate) fn run_sections_on_redb(seed: u64, traced: bool) -> Verdict {
    let mut random = Random::new(seed ^ 0x5ec);
    let plan = Plan::of_sections(&mut random);
    run_in(crashing(&mut random), &plan, seed, None, traced)
}

/// Runs a seed in `world`. A panic of sarsen is a violation too.
pub(crate) fn run_in<W: World>(
    world: W,
    plan: &Plan,
    seed: u64,
    armed: Option<Armed>,
    traced: bool,
) -> Verdict {
    let code_fault = if let Some(Armed::Code(fault)) = armed { Some(fault) } else { None };
    stage::clear(code_fault);
    let _engine = if let Some(Armed::Engine(fault)) = armed { Some(sarsen_engine::arm(fault)) } else { None };
    let execution = if let Some(Armed::Execution(fault)) = armed { Some(fault) } else { None };
    let _execution = execution.map(sarsen_orchestration::arm);
    let shared = Shared::default();
    // Whatever is over may be gone.
    shared.oracle.borrow_mut().clears_all = plan.retention.is_some();
    let looking = Random::new(seed ^ 0x100c);
    let watch = Watch::new(shared.clone(), looking, plan.look_one_in, plan.broken_one_in);
    let mut host = Builder::new(world)
        .seed(seed)
        .odds(plan.odds.clone())
        .limits(|limits| {
            *limits = plan.limits.clone();
            limits.operations_window = plan.permits;
        })
        .observer(watch)
        .entity_with::<Account>(|options| options.concurrency(plan.permits))
        .orchestration_with(perform, |options| match plan.retention {
            Some(time) => options.retention(time),
            None => options,
        })
        .orchestration(brittle)
        .orchestration_with(queue, |options| options.concurrency(plan.permits))
        .activity(work)
        .traced(traced)
        .open();
    if let Some(Armed::Host(fault)) = armed {
        host.arm(fault);
    }
    let workload = Workload::new(plan.clone(), Random::new(seed ^ 0xc11e), shared.clone());
    let ended = catch_unwind(AssertUnwindSafe(|| drive(&mut host, workload, &shared, plan.steps_behind)));
    let mut violations = std::mem::take(&mut shared.oracle.borrow_mut().violations);
    violations.extend(stage::take_violations());
    if let Err(panic) = ended {
        violations.push(Violation { invariant: "no_panic", what: text(&*panic) });
    }
    let mut situations = host.situations().clone();
    for (met, situation) in stage::met().into_iter().zip([Situation::LockTaken, Situation::LockLate]) {
        if met {
            situations.count(situation);
        }
    }
    let ways = shared.sight.borrow().met.ways.clone();
    Verdict { seed, situations, ways, violations, trace: host.lines() }
}

/// The run itself: asks and steps, then lets everything come to its end and compares.
fn drive<W: World>(host: &mut VirtualHost<W>, mut workload: Workload, shared: &Shared, steps_behind: usize) {
    let mut steps = 0;
    while !workload.is_done() && steps < STEPS_MAX && shared.oracle.borrow().violations.is_empty() {
        workload.step(host);
        step(host, shared);
        steps += 1;
    }
    let more = host.random().below(steps_behind);
    for _ in 0..more {
        step(host, shared);
    }
    if !shared.oracle.borrow().violations.is_empty() {
        return;
    }
    host.calm();
    host.note(|| "from now on nothing goes wrong".to_owned());
    shared.calm.set(true);
    if stage::is_broken() {
        host.restart();
    }
    finish::finish(host, &mut workload, shared);
}

/// One step. A run may be parked by nothing but code that has changed.
fn step<W: World>(host: &mut VirtualHost<W>, shared: &Shared) {
    let before = host.situations().of(Situation::Parked);
    host.step();
    shared.changes.set(host.situations().of(Situation::ShardsChanged));
    if !stage::was_broken() && host.situations().of(Situation::Parked) > before {
        let what = format!("a run is parked in process {}, see the trace", stage::process());
        let violation = Violation { invariant: same_commands::NAME, what };
        shared.oracle.borrow_mut().violations.push(violation);
    }
}

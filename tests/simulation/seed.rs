//! One run of the simulation.

use crate::{
    agendas::{self, Agenda, AgendaArchive, Agendas},
    armed::Armed,
    invariants::{self, Violation, expires},
    ledger::{Book, Ledger, Shared as SharedList, Witness},
    oracle::Oracle,
    plan::{Leeway, Plan},
    rest::Rest,
    runs::{self, met::Ways},
    watch::{Shared, Watch},
    workload::Workload,
};
use sarsen_engine::arm;
use sarsen_testing::{
    Builder, Crash, DiskCrash, MemoryWorld, Random, RedbWorld, Situation, Situations, VirtualHost, World,
};
use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    time::Duration,
};

/// How many steps may pass between two requests' worth of asking before a run goes to its end.
const STEPS_MAX: usize = 6_000;

/// What became of a run.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) seed: u64,
    pub(crate) situations: Situations,
    /// What sections have met.
    pub(crate) ways: Ways,
    pub(crate) violations: Vec<Violation>,
    /// The last things that happened, if a trace was asked for.
    pub(crate) trace: Vec<String>,
}

/// What a seed runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// A store in memory, with this fault if any.
    Memory(Option<Armed>),
    /// The redb store on a disk that crashes.
    Redb,
    /// Runs, over a store in memory, with this fault if any.
    Runs(Option<runs::Armed>),
    /// Runs, over the redb store on a disk that crashes.
    RunsOnRedb,
    /// Sections that overlap, over a store in memory, with this fault if any.
    Sections(Option<runs::Armed>),
    /// Sections that overlap, over the redb store on a disk that crashes.
    SectionsOnRedb,
}

impl On {
    /// The test that runs seeds on it.
    pub(crate) fn test(self) -> &'static str {
        match self {
            Self::Memory(_) => "every_seed_keeps_every_invariant",
            Self::Redb => "seeds_on_the_redb_store_keep_every_invariant",
            Self::Runs(_) => "every_seed_of_runs_keeps_every_invariant",
            Self::Sections(_) => "every_seed_of_sections_keeps_every_invariant",
            Self::RunsOnRedb => "seeds_of_runs_on_the_redb_store_keep_every_invariant",
            Self::SectionsOnRedb => "seeds_of_sections_on_the_redb_store_keep_every_invariant",
        }
    }
}

/// Runs a seed.
pub(crate) fn run(seed: u64, on: On, traced: bool) -> Verdict {
    let mut random = Random::new(seed ^ 0x5eed);
    let plan = Plan::of(&mut random);
    match on {
        On::Memory(armed) => run_in(MemoryWorld::new(), &plan, seed, armed, traced),
        On::Redb => run_in(crashing(&mut random), &plan, seed, None, traced),
        On::Runs(armed) => runs::run(seed, armed, traced),
        On::Sections(armed) => runs::run_sections(seed, armed, traced),
        On::RunsOnRedb => runs::run_on_redb(seed, traced),
        On::SectionsOnRedb => runs::run_sections_on_redb(seed, traced),
    }
}

/// The redb store on a disk that crashes up to three times.
pub(crate) fn crashing(random: &mut Random) -> RedbWorld {
    let crashes = (0..random.below(4)).map(|_| {
        let most = random.pick(&[4, 40]);
        DiskCrash {
            sync: random.between(1, most) as u64,
            done: random.one_in(2),
            crash: random.pick(&[Crash::Kill, Crash::Power]),
        }
    });
    RedbWorld::crashing(crashes.collect())
}

/// Runs a seed in `world`. A panic of sarsen is a violation too.
pub(crate) fn run_in<W: World>(
    world: W,
    plan: &Plan,
    seed: u64,
    armed: Option<Armed>,
    traced: bool,
) -> Verdict {
    let shared = Shared {
        oracle: Rc::new(RefCell::new(Oracle::default())),
        situations: Rc::default(),
        process: Rc::new(Cell::new(0)),
        leeway: Leeway { cancels: agendas::has_agendas(seed), ..plan.leeway() },
        agendas: Rc::default(),
    };
    let _engine = if let Some(Armed::Engine(fault)) = armed { Some(arm(fault)) } else { None };
    let mut builder = Builder::new(world)
        .seed(seed)
        .odds(plan.odds.clone())
        .limits(|limits| {
            *limits = plan.limits.clone();
            limits.operations_window = plan.places.1;
            agendas::adapt(seed, limits);
        })
        .observer(Watch::new(shared.clone()))
        .entity::<Witness>()
        .entity_with::<Agenda>(|options| agendas::options(seed, options))
        .entity::<AgendaArchive>()
        .traced(traced);
    builder = match armed {
        Some(Armed::SharedClone) => builder.entity_with::<Book<SharedList>>(|_| plan.options),
        Some(Armed::Host(_) | Armed::Engine(_)) | None => {
            builder.entity_with::<Ledger>(|_| plan.options.concurrency(plan.places.0))
        }
    };
    let mut host = builder.open();
    if let Some(Armed::Host(fault)) = armed {
        host.arm(fault);
    }
    let workload = Workload::new(plan.clone(), Random::new(seed ^ 0xc11e), shared.clone());
    let agendas = Agendas::of(seed, &shared, plan.agendas).filter(|_| plan.agendas > 0);
    let ended = catch_unwind(AssertUnwindSafe(|| drive(&mut host, (workload, agendas), &shared)));
    let mut violations = std::mem::take(&mut shared.oracle.borrow_mut().violations);
    match ended {
        Ok(found) => violations.extend(found),
        Err(panic) => violations.push(Violation { invariant: "no_panic", what: text(&*panic) }),
    }
    let mut situations = host.situations().clone();
    situations.add(&shared.situations.borrow());
    if host.stats().dead_letters_dropped > 0 {
        situations.count(Situation::DeadDropped);
    }
    Verdict { seed, situations, ways: Ways::default(), violations, trace: host.lines() }
}

pub(crate) fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// The run itself: asks and steps, then lets everything come to rest and compares.
fn drive<W: World>(
    host: &mut VirtualHost<W>,
    (mut workload, mut agendas): (Workload, Option<Agendas>),
    shared: &Shared,
) -> Vec<Violation> {
    let mut steps = 0;
    while !workload.is_done() && steps < STEPS_MAX {
        workload.step(host);
        if let Some(agendas) = &mut agendas {
            agendas.step(host);
        }
        host.step();
        steps += 1;
    }
    let more = host.random().below(200);
    for _ in 0..more {
        host.step();
    }
    host.calm();
    host.note(|| "from now on nothing goes wrong".to_owned());
    for _ in 0..200 {
        if !workload.ask_again(host) {
            break;
        }
        host.settle();
        host.advance_to_next(Duration::from_secs(1));
    }
    let mut violations = agendas.map(|agendas| agendas.finish(host, shared)).unwrap_or_default();
    let rest = Rest::of(host, workload.ledgers(), shared.leeway);
    for _ in 0..expires::reborn(&rest) {
        shared.count(Situation::Reborn);
    }
    violations.extend(invariants::check_all(&shared.oracle.borrow(), &rest, shared.leeway));
    violations
}

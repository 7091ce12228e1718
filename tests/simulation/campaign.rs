//! Many seeds on all cores, and the report.

use crate::{
    durable::ids_in,
    runs::met::Ways,
    seed::{self, On, Verdict},
};
use sarsen_testing::Situations;
use std::{
    fmt::Write,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// How many seeds a plain `cargo test` runs; one without optimization is slow.
const SEEDS: u64 = if cfg!(debug_assertions) { 100 } else { 300 };
/// From so many seeds on, each situation must have occurred.
pub(crate) const SEEDS_FOR_ALL_SITUATIONS: u64 = 1_000;

/// How many lines of a trace a report shows.
const LINES_MAX: usize = 80;

/// What many seeds came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) situations: Situations,
    pub(crate) ways: Ways,
    /// The lowest seed that failed.
    pub(crate) failed: Option<Verdict>,
    pub(crate) seeds: u64,
}

/// The seeds that the environment asks for: `SARSEN_SEED` is the first or `fresh`, `SARSEN_SEEDS` how many.
pub(crate) fn asked_for() -> Range<u64> {
    let first = std::env::var("SARSEN_SEED").ok();
    let count = std::env::var("SARSEN_SEEDS").ok();
    let count = count.map(|count| count.parse().expect("SARSEN_SEEDS is a number"));
    let (first, default) = match first.as_deref() {
        None => (0, SEEDS),
        Some("fresh") => (fresh(), SEEDS),
        Some(seed) => (seed.parse().expect("SARSEN_SEED is a number or `fresh`"), 1),
    };
    first..first + count.unwrap_or(default)
}

/// A seed that was hardly ever used.
fn fresh() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    // In the upper half, so that it is none of the fixed ones.
    1 << 40 | u64::from(since.subsec_nanos()) << 8 | since.as_secs() & 0xff
}

/// Runs seeds on all cores, until the first that fails.
pub(crate) fn run(seeds: Range<u64>, on: On) -> Outcome {
    let next = AtomicU64::new(seeds.start);
    let stop = AtomicBool::new(false);
    let outcome = Mutex::new(Outcome::default());
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let verdict = seed::run(seed, on, false);
            stop.fetch_or(!verdict.violations.is_empty(), Ordering::Relaxed);
            outcome.lock().unwrap_or_else(PoisonError::into_inner).add(verdict);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Outcome {
    fn add(&mut self, verdict: Verdict) {
        self.seeds += 1;
        self.situations.add(&verdict.situations);
        self.ways.add(&verdict.ways);
        let lower = self.failed.as_ref().is_none_or(|failed| verdict.seed < failed.seed);
        if lower && !verdict.violations.is_empty() {
            self.failed = Some(verdict);
        }
    }
}

/// Runs seeds and says how fast.
///
/// # Panics
/// With the report of the first seed that failed.
pub(crate) fn timed(seeds: Range<u64>, on: On) -> Outcome {
    let begun = Instant::now();
    let outcome = run(seeds.clone(), on);
    let secs = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = outcome.seeds as f64 / secs;
    eprintln!("{on:?}: {} seeds from {} in {secs:.1} s, {rate:.0} seeds/s", outcome.seeds, seeds.start);
    if let Some(failed) = &outcome.failed {
        panic!("{}", report(failed.seed, on));
    }
    outcome
}

/// The report of a seed that failed: what is violated, how it came, and how to see it again.
fn report(seed: u64, on: On) -> String {
    let verdict = seed::run(seed, on, true);
    let mut report = format!("seed {seed} violates\n");
    for violation in &verdict.violations {
        let _ = writeln!(report, "  {violation}");
    }
    let _ = writeln!(report, "after");
    let lines = told_of(&verdict);
    let shown = if wants_all() { lines.len() } else { LINES_MAX };
    for line in &lines[lines.len().saturating_sub(shown)..] {
        let _ = writeln!(report, "  {line}");
    }
    let test = on.test();
    let _ =
        write!(report, "repeat it by\n  SARSEN_SEED={seed} cargo test --release --test simulation {test}");
    report
}

/// Whether the whole trace is wanted.
fn wants_all() -> bool {
    std::env::var_os("SARSEN_TRACE").is_some()
}

/// The lines of the trace that tell of an operation that a violation names, and of the ends of processes; all lines
/// when none is named, or when the environment asks for them by `SARSEN_TRACE`.
fn told_of(verdict: &Verdict) -> Vec<&String> {
    let named: Vec<String> = verdict
        .violations
        .iter()
        .flat_map(|violation| ids_in(violation.what.as_bytes()))
        .map(|id| id.0.to_string())
        .collect();
    let dull = ["read Timers", "answer Timers", "asks for Timers", "nothing to do"];
    let all = named.is_empty() || wants_all();
    let tells = |line: &&String| {
        all && !dull.iter().any(|dull| line.contains(dull))
            || ["crash", "open", "stop"].iter().any(|word| line.starts_with(word))
            || named.iter().any(|name| line.contains(name.as_str()))
    };
    verdict.trace.iter().filter(tells).collect()
}

//! How do sarsen's durable calls compare with what its peers do in memory, and with what one writes by hand?
//!
//! All do the same: so many tasks, each of which adds one to any of N counters and waits for the answer before it asks
//! again; the tasks, the keys and the clock are those of `benches/throughput`. sarsen answers when what was added is on
//! disk (fsync). kameo and ractor answer from memory, and a crash loses all of it; each is measured at the better of 64
//! and 4,096 in flight, as a probe of a second finds. The actor over redb is one thread with a transaction for each
//! operation, synced.
//!
//! They are measured by turns in five rounds; a ratio is the median of the rounds' own ratios, sarsen over the peer.
//!
//! `cargo run --release --manifest-path benches/compare/Cargo.toml -- --help` names the options.

mod arguments;
#[expect(dead_code, reason = "the bench `throughput` uses all of it")]
#[path = "../../throughput/closed_loop.rs"]
mod closed_loop;
#[path = "../../throughput/counter.rs"]
mod counter;
#[path = "../../throughput/latencies.rs"]
mod latencies;
mod peers;
#[path = "../../throughput/random.rs"]
mod random;
#[path = "../../throughput/statistics.rs"]
mod statistics;
mod table;

use arguments::{Command, Options, Peer};
use closed_loop::{Done, Pace, Work};
use counter::Counter;
use latencies::micros;
use peers::{AnyError, Kameo, Ractor, Redb, Sarsen};
use sarsen::Runtime;
use statistics::median;
use std::{process::ExitCode, sync::Arc, time::Duration};
use table::Row;

const ROUNDS: usize = 5;

/// Where the peers in memory are tried.
const IN_FLIGHT: [usize; 2] = [64, 4_096];

/// Operations wait for one thread here, however many there are.
const IN_FLIGHT_OF_REDB: usize = 64;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Compare(options)) => options,
        Ok(Command::Help) => {
            print!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("compare: {error}; try --help");
            return ExitCode::from(2);
        }
    };
    match compare(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn compare(options: &Options) -> Result<(), AnyError> {
    if !options.json {
        println!("{}", Row::HEADINGS);
    }
    for entities in &options.entities {
        eprintln!("{entities} counters, fsync, seed {}", closed_loop::SEED);
        for row in rounds(options, *entities).await? {
            println!("{}", if options.json { row.to_json() } else { row.to_line() });
        }
    }
    Ok(())
}

/// A peer with its counters, and how many of its operations are in flight.
enum Contestant {
    Kameo(Arc<Kameo>, usize),
    Ractor(Arc<Ractor>, usize),
    Redb(Arc<Redb>),
}

/// What one did in one round.
#[derive(Clone, Copy)]
struct Figures {
    per_second: f64,
    p50: f64,
    p99: f64,
}

impl Figures {
    fn of(done: &Done) -> Self {
        let quantile = |quantile| micros(&done.latencies, quantile);
        Self { per_second: done.per_second(), p50: quantile(0.5), p99: quantile(0.99) }
    }
}

/// Measures all by turns, over so many counters.
async fn rounds(options: &Options, entities: usize) -> Result<Vec<Row>, AnyError> {
    let folder = tempfile::tempdir()?;
    let runtime = Runtime::builder().entity::<Counter>().open(folder.path().join("sarsen")).await?;
    let sarsen = Sarsen::new(&runtime.client(), entities, options.in_flight).await?;
    let mut peers = Vec::new();
    for peer in &options.peers {
        peers.push(match peer {
            Peer::Kameo => {
                let kameo = Kameo::new(entities);
                let better = better(&kameo, options).await?;
                Contestant::Kameo(kameo, better)
            }
            Peer::Ractor => {
                let ractor = Ractor::new(entities).await?;
                let better = better(&ractor, options).await?;
                Contestant::Ractor(ractor, better)
            }
            Peer::Redb => Contestant::Redb(Redb::new(&folder.path().join("actor.redb"), entities)?),
        });
    }
    let mut ours = Vec::new();
    let mut theirs = vec![Vec::new(); peers.len()];
    let mut acknowledged = entities as u64;
    for _ in 0..ROUNDS {
        let done = run(&sarsen, options.pace(options.in_flight)).await?;
        acknowledged += done.acknowledged;
        ours.push(Figures::of(&done));
        for (peer, figures) in peers.iter().zip(&mut theirs) {
            figures.push(peer.measure(options).await?);
        }
    }
    let counted = counter::sum(&runtime.client()).await?;
    runtime.shutdown().await?;
    if counted != acknowledged {
        return Err(format!("{acknowledged} calls of sarsen were answered, {counted} are counted").into());
    }
    let mut rows = vec![row("sarsen", entities, options.in_flight, &ours, &ours)];
    rows.extend(
        peers
            .iter()
            .zip(&theirs)
            .map(|(peer, figures)| row(peer.name(), entities, peer.in_flight(), &ours, figures)),
    );
    for peer in peers {
        peer.stop();
    }
    Ok(rows)
}

impl Contestant {
    fn name(&self) -> &'static str {
        match self {
            Self::Kameo(..) => "kameo",
            Self::Ractor(..) => "ractor",
            Self::Redb(_) => "redb",
        }
    }

    fn in_flight(&self) -> usize {
        match self {
            Self::Kameo(_, in_flight) | Self::Ractor(_, in_flight) => *in_flight,
            Self::Redb(_) => IN_FLIGHT_OF_REDB,
        }
    }

    async fn measure(&self, options: &Options) -> Result<Figures, AnyError> {
        let pace = options.pace(self.in_flight());
        match self {
            Self::Kameo(kameo, _) => measure(kameo, pace).await,
            Self::Ractor(ractor, _) => measure(ractor, pace).await,
            Self::Redb(redb) => measure(redb, pace).await,
        }
    }

    /// Actors of ractor live until they are stopped; those of kameo until nobody knows them.
    fn stop(self) {
        match self {
            Self::Ractor(ractor, _) => ractor.stop(),
            Self::Kameo(..) | Self::Redb(_) => {}
        }
    }
}

/// How many in flight serve a peer better.
async fn better<W: Work<Error = AnyError>>(work: &Arc<W>, options: &Options) -> Result<usize, AnyError> {
    let mut best = (0.0, 0);
    for in_flight in IN_FLIGHT {
        let pace = Pace { measured: options.measured.min(Duration::from_secs(1)), ..options.pace(in_flight) };
        let per_second = measure(work, pace).await?.per_second;
        if per_second > best.0 {
            best = (per_second, in_flight);
        }
    }
    Ok(best.1)
}

async fn measure<W: Work<Error = AnyError>>(work: &Arc<W>, pace: Pace) -> Result<Figures, AnyError> {
    Ok(Figures::of(&run(work, pace).await?))
}

async fn run<W: Work<Error = AnyError>>(work: &Arc<W>, pace: Pace) -> Result<Done, AnyError> {
    closed_loop::run(Arc::clone(work), pace, async |_| Ok(())).await
}

fn row(name: &'static str, entities: usize, in_flight: usize, ours: &[Figures], theirs: &[Figures]) -> Row {
    let middle = |value: fn(&Figures) -> f64| median(theirs.iter().map(value));
    let ratios = ours.iter().zip(theirs).map(|(ours, theirs)| ours.per_second / theirs.per_second);
    Row {
        name,
        entities,
        in_flight,
        per_second: middle(|figures| figures.per_second),
        p50_us: middle(|figures| figures.p50),
        p99_us: middle(|figures| figures.p99),
        sarsen_over_it: median(ratios),
    }
}

//! The same over processes that are killed: each operation has an idempotency key, and what a killed process was not told
//! the next one asks again.

use crate::{
    from_env, profile,
    register::{Answer, Ask, Register, Registers, raise},
    seed,
    step::{How, Step, Told},
};
use sarsen::{
    Client, Runtime,
    testing::{
        Random,
        linearizable::{ClientNumber, History, Moment, Outcome, Recorded, Way, check},
    },
};
use std::{
    collections::BTreeMap,
    env,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// How many clients there are, how much each asks, and of how many entities.
const CLIENTS: usize = 6;
const STEPS: usize = 50;
const ENTITIES: usize = 4;

/// How many processes of one history are killed, at most.
const KILLS_PER_HISTORY: u64 = 5;

/// What stands before what a process tells.
const ASKED: &str = "asked: ";
const TOLD: &str = "told: ";

/// By which a process is told that it is one of the test's own: where the data is, what its steps come from, what is its own
/// alone, and which step is the next of each client.
const DATA: &str = "SARSEN_REGISTERS_DATA";
const SEED: &str = "SARSEN_REGISTERS_SEED";
const PROCESS: &str = "SARSEN_REGISTERS_PROCESS";
const NEXT: &str = "SARSEN_REGISTERS_NEXT";

fn keys() -> Vec<String> {
    (0..ENTITIES).map(|entity| format!("register-{entity}")).collect()
}

/// What a client asks as its `n`-th: the same in every process.
fn step(seed: u64, client: usize, n: usize) -> Step {
    let mut random = Random::new(seed ^ (client * STEPS + n) as u64);
    let step = Step::draw(&mut random, ENTITIES);
    // Nobody need be in haste here: a kill leaves more unknown than a timeout.
    if step.how == How::Hasty { Step { how: How::Call, ..step } } else { step }
}

async fn open(data: &Path, seed: u64) -> Runtime {
    let mut random = Random::new(seed);
    let shards = u16::try_from(random.between(1, 4)).expect("it is small");
    let (small, few) = (random.one_in(2), random.one_in(2));
    let builder = Runtime::builder().orchestration(raise).shards(shards);
    let builder =
        builder.entity_with::<Register>(|options| if few { options.concurrency(2) } else { options });
    let builder = builder.limits(|limits| {
        if small {
            (limits.cache_bytes, limits.idle_after) = (1_000, Duration::ZERO);
        }
    });
    builder.open(data).await.expect("the data is sound")
}

/// One of the processes that are killed. Among all tests it does nothing.
#[test]
fn a_process_of_its_own_asks_registers() {
    let Some(data) = env::var_os(DATA) else { return };
    let (seed, process) = (from_env(SEED, || 0), from_env(PROCESS, || 0));
    let next = env::var(NEXT).expect("the test says where to go on");
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let tokio = tokio.expect("there are threads");
    let runtime = tokio.block_on(open(Path::new(&data), process));
    thread::scope(|scope| {
        for (client, next) in next.split(',').enumerate() {
            let next: usize = next.parse().expect("it is a number");
            let (handle, sarsen) = (tokio.handle(), runtime.client());
            scope.spawn(move || {
                for n in next..STEPS {
                    tell(&format!("{ASKED}{client} {n}"));
                    let told = handle.block_on(perform(&sarsen, seed, client, n));
                    let told = serde_json::to_string(&told).expect("it has JSON");
                    tell(&format!("{TOLD}{client} {n} {told}"));
                }
            });
        }
    });
    tokio.block_on(runtime.shutdown()).expect("the runtime can be shut down");
}

async fn perform(sarsen: &Client, seed: u64, client: usize, n: usize) -> Told {
    let step = step(seed, client, n);
    let told = step.perform(sarsen, &keys(), &format!("{client}-{n}")).await;
    told.unwrap_or_else(|error| panic!("step {n} of client {client}, {step:?}: {error}"))
}

/// One line at a time, so that lines stand in the order of what they tell.
fn tell(line: &str) {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).expect("the test reads it");
}

/// What all processes together have asked and were told.
struct Notes {
    seed: u64,
    clock: u64,
    /// Which step of each client is the next.
    next: [usize; CLIENTS],
    /// By client, step and entity.
    asked: BTreeMap<(usize, usize, usize), Recorded<String, Ask, Answer>>,
}

impl Notes {
    fn new(seed: u64) -> Self {
        Self { seed, clock: 0, next: [0; CLIENTS], asked: BTreeMap::new() }
    }

    /// Takes down a line; returns whether it tells an outcome.
    fn take(&mut self, line: &str) -> bool {
        if let Some((_, asked)) = line.split_once(ASKED) {
            let mut numbers = asked.split(' ').map(|number| number.parse().expect("a number is told"));
            let (client, n) = (numbers.next().expect("a client"), numbers.next().expect("a step"));
            self.ask(client, n);
        }
        let Some((_, told)) = line.split_once(TOLD) else { return false };
        let parts: Vec<&str> = told.splitn(3, ' ').collect();
        let number = |n: usize| parts[n].parse().expect("a number is told");
        self.tell(number(0), number(1), &serde_json::from_str(parts[2]).expect("it is an outcome"));
        true
    }

    fn tick(&mut self) -> Moment {
        self.clock += 1;
        Moment(self.clock)
    }

    /// A step is asked for, or again.
    fn ask(&mut self, client: usize, n: usize) {
        let (invoked, step) = (self.tick(), step(self.seed, client, n));
        let way = if step.ask == Ask::State { Way::Beside } else { Way::Queued };
        for &entity in &step.entities {
            let recorded = Recorded {
                client: ClientNumber(u32::try_from(client).expect("it is small")),
                entity: keys()[entity].clone(),
                operation: step.ask,
                way,
                invoked,
                outcome: Outcome::Unknown,
            };
            // An operation that is asked again under its key is still the first one. A read of the state is another.
            match step.ask {
                Ask::State => drop(self.asked.insert((client, n, entity), recorded)),
                _ => drop(self.asked.entry((client, n, entity)).or_insert(recorded)),
            }
        }
    }

    fn tell(&mut self, client: usize, n: usize, told: &Told) {
        assert_eq!(self.next[client], n, "client {client} goes on where it was");
        self.next[client] = n + 1;
        let at = self.tick();
        for (place, &entity) in step(self.seed, client, n).entities.iter().enumerate() {
            let recorded = self.asked.get_mut(&(client, n, entity)).expect("it was asked");
            recorded.outcome = match told {
                Told::Answered(answers) => Outcome::Answered { answer: answers[place], at },
                Told::Acknowledged => Outcome::Acknowledged { at },
            };
        }
    }

    /// What each register says in the end, after all that was queued.
    async fn look(&mut self, data: &Path) {
        let runtime = open(data, self.seed).await;
        let client = runtime.client();
        for (entity, key) in keys().into_iter().enumerate() {
            let invoked = self.tick();
            let answer = client.entity::<Register>(&key).value().await.expect("it answers");
            let outcome = Outcome::Answered { answer: Answer::Value(answer), at: self.tick() };
            let client = ClientNumber(u32::try_from(CLIENTS).expect("it is small"));
            let (operation, way) = (Ask::Value, Way::Queued);
            let recorded = Recorded { client, entity: key, operation, way, invoked, outcome };
            self.asked.insert((CLIENTS, 0, entity), recorded);
        }
        runtime.shutdown().await.expect("the runtime can be shut down");
    }
}

fn spawn(data: &Path, seed: u64, process: u64, next: &[usize]) -> Child {
    let next: Vec<String> = next.iter().map(ToString::to_string).collect();
    Command::new(env::current_exe().expect("the test knows where it is"))
        .args(["--exact", "kills::a_process_of_its_own_asks_registers", "--nocapture"])
        .env(DATA, data)
        .env(SEED, seed.to_string())
        .env(PROCESS, process.to_string())
        .env(NEXT, next.join(","))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be started")
}

/// A process goes on where the last one was killed, and is killed behind so many outcomes, if that is said. Returns
/// whether it was.
fn process(notes: &mut Notes, data: &Path, seed: u64, kill_after: Option<u64>) -> bool {
    let mut child = spawn(data, notes.seed, seed, &notes.next);
    let mut lines =
        BufReader::new(child.stdout.take().expect("stdout is piped")).lines().map_while(Result::ok);
    let mut left = kill_after;
    while left != Some(0) {
        let Some(line) = lines.next() else { break };
        if notes.take(&line) {
            left = left.map(|left| left - 1);
        }
    }
    if kill_after.is_some() {
        child.kill().expect("a child can be killed");
    }
    // What is still in the pipe was told before the end.
    for line in lines {
        notes.take(&line);
    }
    match child.wait().expect("a child can be waited for").code() {
        None => true,
        Some(0) => false,
        Some(code) => panic!("a process ended with {code}"),
    }
}

/// Returns how many processes were killed.
fn history_over_kills(tokio: &tokio::runtime::Runtime, seed: u64, kills_max: u64) -> u64 {
    let (mut random, folder) = (Random::new(seed), tempfile::tempdir().expect("there is a temporary folder"));
    let mut notes = Notes::new(seed);
    let per_process = CLIENTS * STEPS / (usize::try_from(kills_max).expect("it is small") + 1);
    let mut kills = 0;
    while kills < kills_max {
        let outcomes = random.between(1, per_process) as u64;
        if !process(&mut notes, folder.path(), random.draw(), Some(outcomes)) {
            break;
        }
        kills += 1;
    }
    assert!(!process(&mut notes, folder.path(), random.draw(), None), "nobody kills it");
    assert_eq!(notes.next, [STEPS; CLIENTS], "all is asked and told");
    tokio.block_on(notes.look(folder.path()));
    let history: History<_, _, _> = notes.asked.into_values().collect();
    let verdict = check(&Registers, &history);
    assert!(verdict.is_linearizable(), "seed {seed}, {kills} kills: {verdict}");
    kills
}

#[test]
fn a_history_over_kills_is_linearizable_with_each_keyed_operation_once() {
    let kills_wanted = from_env("SARSEN_KILLS", || KILLS_PER_HISTORY);
    let seed = seed();
    eprintln!(
        "again: SARSEN_SEED={seed} SARSEN_KILLS={kills_wanted} cargo test{} --test linearizable kills",
        profile()
    );
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let tokio = tokio.expect("there are threads");
    let (mut random, mut kills, mut histories) = (Random::new(seed), 0, 0);
    while kills < kills_wanted {
        let killed = history_over_kills(&tokio, random.draw(), KILLS_PER_HISTORY.min(kills_wanted - kills));
        assert!(killed > 0, "a process is killed before it is over");
        kills += killed;
        histories += 1;
    }
    eprintln!("linearizable: {histories} of {histories} histories, over {kills} kills");
}

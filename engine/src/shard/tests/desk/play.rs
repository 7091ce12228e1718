//! An orchestration that does what its input says, a step after the other.

use super::sum::{Sum, SumRef};
use sarsen_orchestration::{
    Activity, Awaited, Caller, Context, Either, Guard, Orchestration, OrchestrationType, RetryPolicy, select,
};
use sarsen_protocol::{CallError, Returns, RunId};
use std::{cell::Cell, time::Duration};

thread_local! {
    /// Whether the code awaits what its context does not give, where a script says `foreign`.
    pub(in crate::shard::tests) static FOREIGN: Cell<bool> = const { Cell::new(false) };
    /// Whether the code is another one, where a script says `code`.
    pub(in crate::shard::tests) static CHANGED: Cell<bool> = const { Cell::new(false) };
}

/// What the orchestrations ask for.
#[expect(non_camel_case_types, reason = "a marker is named like its function")]
pub(in crate::shard::tests) struct work {}

fn work() -> work {
    work {}
}

impl Activity for work {
    const NAME: &'static str = "work";
    type Input = String;
    type Output = String;

    fn returns() -> Returns<String> {
        Returns::value()
    }
}

/// An activity that is not registered.
#[expect(non_camel_case_types, reason = "a marker is named like its function")]
struct stray {}

fn stray() -> stray {
    stray {}
}

impl Activity for stray {
    const NAME: &'static str = "stray";
    type Input = String;
    type Output = String;

    fn returns() -> Returns<String> {
        Returns::value()
    }
}

/// Steps, separated by `; `; those of a child, separated by `, `. What the steps come to is its result.
#[expect(non_camel_case_types, reason = "a marker is named like its function")]
pub(in crate::shard::tests) struct play {}

pub(super) fn play() -> play {
    play {}
}

impl OrchestrationType for play {
    const NAME: &'static str = "play";
    type Input = String;
}

impl Orchestration for play {
    type Output = Result<String, String>;

    fn returns() -> Returns<Self::Output> {
        Returns::fallible()
    }

    async fn run(cx: Context, script: String) -> Result<String, String> {
        let mut player = Player {
            cx,
            held: None,
            tasks: Vec::new(),
            calls: Vec::new(),
            children: Vec::new(),
            log: Vec::new(),
        };
        for step in script.split("; ").filter(|step| !step.is_empty()) {
            let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
            player.step(verb, rest).await?;
        }
        Ok(player.log.join(" "))
    }
}

type Waited<T> = Awaited<Result<T, CallError>>;

struct Player {
    cx: Context,
    held: Option<Guard<Vec<SumRef<Caller>>>>,
    tasks: Vec<Waited<String>>,
    calls: Vec<Waited<u64>>,
    children: Vec<Waited<Result<String, String>>>,
    log: Vec<String>,
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs(number(text))
}

/// The first word, and what follows it.
fn first(text: &str) -> (String, &str) {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    (first.to_owned(), rest)
}

fn told(error: &CallError) -> String {
    error.failure().map_or_else(|| format!("!({error})"), |failure| format!("!{:?}", failure.kind))
}

impl Player {
    fn note(&mut self, what: impl Into<String>) {
        self.log.push(what.into());
    }

    async fn step(&mut self, verb: &str, rest: &str) -> Result<(), String> {
        match verb {
            "do" => {
                let done = self.cx.activity(work, rest).await;
                self.note(done.unwrap_or_else(|error| told(&error)));
            }
            "try" => {
                let (attempts, rest) = first(rest);
                let (timeout, rest) = first(rest);
                let attempts = u32::try_from(number(&attempts)).unwrap_or(u32::MAX);
                let policy = RetryPolicy { attempts, ..RetryPolicy::every(Duration::from_secs(1)) };
                let request = self.cx.activity(work, rest).timeout(seconds(&timeout));
                let done = request.retry(policy).await;
                self.note(done.unwrap_or_else(|error| told(&error)));
            }
            "stray" => {
                let done = self.cx.activity(stray, rest).await;
                self.note(done.unwrap_or_else(|error| told(&error)));
            }
            "start" => self.tasks.push(self.cx.activity(work, rest).start()),
            "join" => self.join().await,
            "wait" => self.cx.timer(seconds(rest)).await,
            "event" => self.event(rest).await,
            "race" => self.race(rest).await,
            "call" => self.call(rest).await,
            "signal" => self.signal(rest),
            "plan" | "remind" => self.plan(verb, rest),
            "unplan" => self.unplan(rest).await,
            "lock" => {
                let held = self.cx.lock(self.set(rest)).await;
                self.locked(held);
            }
            "free" => {
                let held = self.cx.try_lock(self.set(rest)).await;
                self.locked(held);
            }
            "within" => {
                let (time, keys) = first(rest);
                let held = self.cx.lock(self.set(keys)).timeout(seconds(&time)).await;
                self.locked(held);
            }
            "vie" => {
                let (name, keys) = first(rest);
                match select(self.cx.event::<String>(name), self.cx.lock(self.set(keys))).await {
                    Either::First(came) => self.note(came.unwrap_or_default()),
                    Either::Second(held) => self.locked(held),
                }
            }
            "unlock" => self.held = None,
            "release" => {
                if let Some(held) = self.held.take() {
                    held.release();
                }
            }
            "ask" => drop(self.cx.lock(self.set(rest)).into_future()),
            "asktry" => drop(self.cx.try_lock(self.set(rest)).into_future()),
            "child" => {
                let ended = self.child(rest).await;
                self.note(ended.map_or_else(|error| told(&error), |ended| format!("{ended:?}")));
            }
            "begin" => {
                let child = self.child(rest);
                self.children.push(child);
            }
            "code" if CHANGED.get() => drop(self.cx.activity(work, "another").start()),
            "foreign" if FOREIGN.get() => std::future::pending().await,
            _ => return self.act(verb, rest).await,
        }
        Ok(())
    }

    /// The steps that wait for nothing.
    async fn act(&mut self, verb: &str, rest: &str) -> Result<(), String> {
        let (name, more) = first(rest);
        match verb {
            "detach" => {
                let script = more.replace(", ", "; ");
                self.cx.child(play, script).id(name).detach().map(drop).map_err(|error| told(&error))?;
            }
            "raise" => {
                let (event, value) = first(more);
                let run = RunId::new(&name).map_err(|error| error.to_string())?;
                self.cx.send_event(&run, event, value).map_err(|error| told(&error))?;
            }
            "status" => self.cx.set_status(rest).map_err(|error| told(&error))?,
            "slowly" => self.calls.push(self.cx.entity::<Sum>(&name).slow(number(more)).start()),
            "say" => self.note(rest),
            "draw" => self.note((self.cx.random() % 1_000).to_string()),
            "now" => self.note((self.cx.now().as_micros() / 1_000_000).to_string()),
            "forever" => self.cx.continue_as_new::<()>("forever").await,
            "again" => self.cx.continue_as_new::<()>(&rest.replace(", ", "; ")).await,
            "fail" => return Err(rest.to_owned()),
            "must" if self.log.iter().any(|note| note.starts_with('!') || note.starts_with("Err")) => {
                return Err(self.log.join(" "));
            }
            "code" | "foreign" | "must" => {}
            "panic" => panic!("{rest}"),
            _ => panic!("`{verb}` is no step"),
        }
        Ok(())
    }

    async fn join(&mut self) {
        for task in std::mem::take(&mut self.tasks) {
            let done = task.await;
            self.note(done.unwrap_or_else(|error| told(&error)));
        }
        for child in std::mem::take(&mut self.children) {
            let ended = child.await;
            self.note(ended.map_or_else(|error| told(&error), |ended| format!("{ended:?}")));
        }
    }

    async fn event(&mut self, rest: &str) {
        let (name, timeout) = first(rest);
        let request = self.cx.event::<String>(name);
        let came = match timeout {
            "" => request.await,
            timeout => request.timeout(seconds(timeout)).await,
        };
        self.note(came.unwrap_or_else(|_| "late".to_owned()));
    }

    async fn race(&mut self, rest: &str) {
        let (name, timeout) = first(rest);
        match select(self.cx.event::<String>(name), self.cx.timer(seconds(timeout))).await {
            Either::First(came) => self.note(came.unwrap_or_default()),
            Either::Second(()) => self.note("late"),
        }
    }

    async fn call(&mut self, rest: &str) {
        let (key, rest) = first(rest);
        let (operation, input) = first(rest);
        let entity = self.cx.entity::<Sum>(key);
        let answer = match operation.as_str() {
            "add" => entity.add(number(input)).await,
            "log" => entity.log(number(input)).await,
            "sum" => entity.sum().await,
            "slow" => entity.slow(number(input)).await,
            "delete" => entity.delete().await.map(|()| 0),
            _ => entity.refuse().await,
        };
        self.note(answer.map_or_else(|error| told(&error), |answer| answer.to_string()));
    }

    fn signal(&mut self, rest: &str) {
        let (key, rest) = first(rest);
        let (amount, delay) = first(rest);
        let request = self.cx.entity::<Sum>(key).add(number(&amount));
        let sent = match delay {
            "" => request.signal(),
            delay => request.after(seconds(delay)).signal(),
        };
        if let Err(error) = sent {
            self.note(told(&error));
        }
    }

    /// Schedules a digit that is logged, or an amount that is added again and again.
    fn plan(&mut self, verb: &str, rest: &str) {
        let (key, rest) = first(rest);
        let (id, rest) = first(rest);
        let (amount, time) = first(rest);
        let entity = self.cx.entity::<Sum>(key);
        let sent = if verb == "plan" {
            entity.log(number(&amount)).after(seconds(time)).scheduled_as(id).signal()
        } else {
            entity.add(number(&amount)).every(seconds(time)).scheduled_as(id).signal()
        };
        if let Err(error) = sent {
            self.note(told(&error));
        }
    }

    async fn unplan(&mut self, rest: &str) {
        let (key, id) = first(rest);
        let cancelled = self.cx.cancel_scheduled(&self.cx.entity::<Sum>(key), id).await;
        self.note(cancelled.map_or_else(|error| told(&error), |cancelled| cancelled.to_string()));
    }

    fn set(&self, keys: &str) -> Vec<SumRef<Caller>> {
        keys.split(' ').map(|key| self.cx.entity::<Sum>(key)).collect()
    }

    fn locked(&mut self, held: Result<Guard<Vec<SumRef<Caller>>>, CallError>) {
        match held {
            Ok(held) => self.held = Some(held),
            Err(error) => self.note(format!("!({error})")),
        }
    }

    fn child(&mut self, rest: &str) -> Waited<Result<String, String>> {
        let (id, script) = first(rest);
        self.cx.child(play, script.replace(", ", "; ")).id(id).start()
    }
}

//! Orchestrations drawn at random, and the one that runs them.

use crate::support::{Random, activity, orchestration};
use sarsen_orchestration::{
    Again, Attempted, Branch, Caller, Completions, Context, EntityRequest, Guard, RetryPolicy, join_all,
    select, select_all,
};
use sarsen_protocol::{Address, Port, Returns, RunId};
use std::{cell::RefCell, fmt::Debug, pin::Pin, rc::Rc, time::Duration};

activity!(work: u32 => Result<u32, String>, fallible);

orchestration!(child, fallible, |_cx, n: u32| -> Result<u32, String> { Ok(n) });

pub(super) const ENTITIES: [&str; 4] = ["a", "b", "c", "d"];
pub(super) const EVENTS: [&str; 3] = ["x", "y", "z"];

/// One thing that a program does.
#[derive(Clone, Debug)]
enum Act {
    Work(u32),
    Retry(u32),
    /// An activity with times, a filter and a handler.
    Plan(u32),
    Sleep(u32),
    Event(&'static str, Option<u32>),
    Events(&'static str, Option<u32>),
    Child(u32),
    ChildAgain(u32),
    Detach,
    Call(&'static str),
    Signal(&'static str, bool),
    /// A signal under an id, once or again and again.
    Schedule(&'static str, bool),
    /// The end of that.
    Unschedule(&'static str),
    Send,
    Status,
    Draw,
    /// A section, given back explicitly or by its scope.
    Section(Vec<&'static str>, Asking, Vec<Act>, bool),
    /// A lock that is asked for and dropped.
    Hasty(&'static str),
    Join(Vec<Vec<Act>>),
    /// The rest is dropped with the race.
    Race(Vec<Vec<Act>>),
    /// Against a timer.
    Limit(Vec<Act>, u32),
    Stream(u32),
    /// Started, then other things, then awaited or dropped.
    Ahead(Vec<Act>, bool),
    Panic,
    Again,
    Fail,
}

/// How the locks of a section are asked for.
#[derive(Clone, Copy, Debug)]
enum Asking {
    Wait,
    Within(u32),
    Try,
}

fn program(random: &mut Random, depth: usize) -> Vec<Act> {
    let length = 1 + random.below(4);
    (0..length).map(|_| act(random, depth)).collect()
}

fn act(random: &mut Random, depth: usize) -> Act {
    let number = u32::try_from(random.below(100)).unwrap();
    let entity = random.pick(&ENTITIES);
    if depth > 0 && random.one_in(2) {
        let several = |random: &mut Random| -> Vec<Vec<Act>> {
            (0..=random.below(3)).map(|_| program(random, depth - 1)).collect()
        };
        return match random.below(6) {
            0 => Act::Join(several(random)),
            1 => Act::Race(several(random)),
            2 => Act::Limit(program(random, depth - 1), number),
            3 => Act::Ahead(program(random, depth - 1), random.one_in(2)),
            _ => {
                let entities = (0..=random.below(3)).map(|_| random.pick(&ENTITIES)).collect();
                let asking = random.pick(&[Asking::Wait, Asking::Wait, Asking::Within(number), Asking::Try]);
                Act::Section(entities, asking, program(random, depth - 1), random.one_in(2))
            }
        };
    }
    match random.below(43) {
        0..4 => Act::Work(number),
        4..7 => Act::Retry(number),
        7..10 => Act::Plan(number),
        10..14 => Act::Event(random.pick(&EVENTS), random.one_in(2).then_some(number)),
        14 => Act::Child(number),
        15 => Act::ChildAgain(number),
        39 => Act::Events(random.pick(&EVENTS), random.one_in(2).then_some(number)),
        40..42 => Act::Schedule(entity, random.one_in(2)),
        42 => Act::Unschedule(entity),
        16 => Act::Detach,
        17..24 => Act::Call(entity),
        24..26 => Act::Signal(entity, random.one_in(2)),
        26 => Act::Send,
        27 => Act::Status,
        28..31 => Act::Draw,
        31 => Act::Hasty(entity),
        32..36 => Act::Stream(number % 5),
        36 => Act::Again,
        37 if random.one_in(3) => Act::Panic,
        38 if random.one_in(3) => Act::Fail,
        _ => Act::Sleep(number),
    }
}

orchestration!(drawn, fallible, |cx, seed: u64| -> Result<u64, String> {
    let trace = Trace::default();
    let program = program(&mut Random::new(seed), 3);
    match all(cx, trace.clone(), &program).await {
        Ok(()) => Ok(trace.digest()),
        Err(()) => Err(format!("{:x}", trace.digest())),
    }
});

/// What the code saw, in order.
#[derive(Clone, Default)]
struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    fn note(&self, seen: impl Debug) {
        self.0.borrow_mut().push(format!("{seen:?}"));
    }

    fn digest(&self) -> u64 {
        sarsen_protocol::content_hash("", self.0.borrow().join("\n").as_bytes())
    }
}

fn secs(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

fn account(cx: &Context, key: &str) -> Caller {
    cx.caller(Address::entity("account", key))
}

fn add(cx: &Context, key: &str) -> EntityRequest<u32> {
    account(cx, key).request("add", &1, Returns::value())
}

type Done<'a> = Pin<Box<dyn Future<Output = Result<(), ()>> + 'a>>;

fn all(cx: Context, trace: Trace, acts: &[Act]) -> Done<'_> {
    Box::pin(async move {
        for act in acts {
            one(&cx, &trace, act).await?;
        }
        Ok(())
    })
}

/// A part of the program as a branch.
fn branch(cx: &Context, trace: &Trace, acts: &[Act]) -> Branch<Result<(), ()>> {
    let (cx2, trace, acts) = (cx.clone(), trace.clone(), acts.to_vec());
    cx.branch(async move { all(cx2, trace, &acts).await })
}

async fn one(cx: &Context, trace: &Trace, act: &Act) -> Result<(), ()> {
    match act {
        Act::Work(n) => trace.note(cx.activity(work, *n).await),
        Act::Retry(n) => {
            let policy = RetryPolicy { attempts: 1 + n % 4, backoff: 1.5, ..RetryPolicy::every(secs(*n)) };
            trace.note(cx.activity(work, *n).retry(policy).await);
        }
        Act::Plan(n) => {
            let policy = RetryPolicy { attempts: 1 + n % 4, total: secs(40), ..RetryPolicy::every(secs(1)) };
            let request = cx.activity(work, *n).retry(policy).retry_if(|failure| failure.message != "never");
            let request = if n % 2 == 0 { request.timeout(secs(9)) } else { request };
            let request = if n % 3 == 0 { request.total_timeout(secs(20)) } else { request };
            let (seen, wait) = (trace.clone(), secs(n % 5));
            let decide = move |attempt: &Attempted<'_>| {
                seen.note((attempt.number, attempt.elapsed, &attempt.failure.message));
                if attempt.number > 2 { Again::Stop } else { Again::After(wait) }
            };
            trace.note(if n % 5 == 0 { request.retry_with(decide).await } else { request.await });
        }
        Act::Sleep(n) => cx.timer(secs(*n)).await,
        Act::Event(name, None) => trace.note(cx.event::<u32>(*name).await),
        Act::Event(name, Some(n)) => trace.note(cx.event::<u32>(*name).timeout(secs(*n)).await),
        Act::Events(name, None) => trace.note(cx.event::<u32>(*name).times(2).await),
        Act::Events(name, Some(n)) => trace.note(cx.event::<u32>(*name).times(2).timeout(secs(*n)).await),
        Act::Child(n) => trace.note(cx.child(child, *n).await),
        Act::ChildAgain(n) => trace.note(cx.child(child, *n).retry(RetryPolicy::every(secs(2))).await),
        Act::Detach => trace.note(cx.child(child, 1).detach()),
        Act::Call(key) => trace.note(add(cx, key).await),
        Act::Signal(key, true) => trace.note(add(cx, key).after(secs(5)).signal()),
        Act::Signal(key, false) => trace.note(add(cx, key).signal()),
        Act::Schedule(key, true) => trace.note(add(cx, key).every(secs(5)).scheduled_as("id").signal()),
        Act::Schedule(key, false) => trace.note(add(cx, key).after(secs(5)).scheduled_as("id").signal()),
        Act::Unschedule(key) => trace.note(account(cx, key).cancel_scheduled("id").await),
        Act::Send => trace.note(cx.send_event(&RunId::new("other").unwrap(), "e", &1)),
        Act::Status => trace.note(cx.set_status(&cx.random())),
        Act::Draw => trace.note((cx.now(), cx.random(), cx.uuid(), cx.section())),
        Act::Hasty(key) => drop(cx.lock_addresses([Address::entity("account", key)]).timeout(secs(1))),
        // Past the hook, which would print it thousands of times.
        Act::Panic => std::panic::resume_unwind(Box::new("drawn at random")),
        Act::Again => return cx.continue_as_new(&trace.digest()).await,
        Act::Fail => return Err(()),
        Act::Section(..) | Act::Join(_) | Act::Race(_) | Act::Limit(..) | Act::Stream(_) | Act::Ahead(..) => {
            return composed(cx, trace, act).await;
        }
    }
    Ok(())
}

async fn composed(cx: &Context, trace: &Trace, act: &Act) -> Result<(), ()> {
    match act {
        Act::Section(keys, asking, acts, release) => {
            let keys = keys.iter().map(|key| Address::entity("account", key));
            let guard = match asking {
                Asking::Wait => cx.lock_addresses(keys).await,
                Asking::Within(n) => cx.lock_addresses(keys).timeout(secs(*n)).await,
                Asking::Try => cx.try_lock_addresses(keys).await,
            };
            trace.note(guard.as_ref().map(Guard::section));
            all(cx.clone(), trace.clone(), acts).await?;
            if let (Ok(guard), true) = (guard, release) {
                guard.release();
                trace.note(cx.section());
            }
        }
        Act::Join(parts) => {
            let parts: Vec<_> = parts.iter().map(|acts| branch(cx, trace, acts)).collect();
            trace.note(join_all(parts).await);
        }
        Act::Race(parts) => {
            let parts: Vec<_> = parts.iter().map(|acts| branch(cx, trace, acts)).collect();
            trace.note(select_all(parts).await);
        }
        Act::Limit(acts, n) => trace.note(select(branch(cx, trace, acts), cx.timer(secs(*n))).await),
        Act::Stream(n) => {
            let mut running: Completions<_> = (0..*n).map(|n| cx.activity(work, n)).collect();
            let mut more = 2;
            while let Some(answer) = running.next().await {
                trace.note(&answer);
                if more > 0 && answer.is_ok() {
                    more -= 1;
                    running.push(cx.activity(work, more));
                }
            }
        }
        Act::Ahead(acts, keep) => {
            let (work, timer) = (cx.activity(work, 7).start(), cx.timer(secs(3)).start());
            let event = cx.event::<u32>(EVENTS[0]).timeout(secs(9)).start();
            all(cx.clone(), trace.clone(), acts).await?;
            if *keep {
                trace.note((work.await, event.await));
            }
            drop(timer);
        }
        simple => unreachable!("{simple:?} is not composed"),
    }
    Ok(())
}

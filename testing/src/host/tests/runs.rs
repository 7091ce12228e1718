//! Orchestrations and activities on the host.

use super::{Tally, TallyRef};
use crate::{Crash, Odds, Random, Situation, VirtualHost};
use sarsen_entities::Returns;
use sarsen_orchestration::{
    Activity, ActivityCode, Caller, Context, Either, Orchestration, OrchestrationType, select,
};
use sarsen_protocol::CallError;
use sarsen_runtime::ActivityContext;
use std::time::Duration;

/// The markers as the macros would write them.
macro_rules! marker {
    ($name:ident) => {
        #[expect(non_camel_case_types, reason = "a marker is named like its function")]
        struct $name {}

        fn $name() -> $name {
            $name {}
        }
    };
}

marker!(count);
marker!(book);
marker!(patient);

/// Counts through its client, under its key, and says up to where.
impl Activity for count {
    const NAME: &'static str = "count";
    type Input = u64;
    type Output = u64;

    fn returns() -> Returns<u64> {
        Returns::value()
    }
}

impl ActivityCode<ActivityContext> for count {
    async fn run(cx: ActivityContext, amount: u64) -> u64 {
        let total = cx.client().entity::<Tally>("total");
        let counted = total.add(amount).idempotency_key(cx.idempotency_key()).await;
        assert!(counted.is_ok(), "{counted:?}");
        amount
    }
}

/// Moves an amount from one tally to another, then has it counted.
impl OrchestrationType for book {
    const NAME: &'static str = "book";
    type Input = (String, String, u64);
}

impl Orchestration for book {
    type Output = Result<u64, String>;

    fn returns() -> Returns<Self::Output> {
        Returns::fallible()
    }

    async fn run(cx: Context, (from, to, amount): Self::Input) -> Self::Output {
        let refer = |key: &str| -> TallyRef<Caller> { cx.entity::<Tally>(key) };
        let held = cx.lock([refer(&from), refer(&to)]).await.map_err(|error| error.to_string())?;
        let [first, second] = held.refs();
        first.take(amount).await.map_err(|error| error.to_string())?;
        second.put(amount).await.map_err(|error| error.to_string())?;
        held.release();
        for _ in 0..4 {
            match cx.activity(count, amount).await {
                Ok(counted) => return Ok(counted),
                Err(CallError::ActivityFailed { .. }) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Err("it was not counted".to_owned())
    }
}

/// Waits for an event for a minute.
impl OrchestrationType for patient {
    const NAME: &'static str = "patient";
    type Input = ();
}

impl Orchestration for patient {
    type Output = String;

    fn returns() -> Returns<String> {
        Returns::value()
    }

    async fn run(cx: Context, (): ()) -> String {
        match select(cx.event::<String>("word"), cx.timer(Duration::from_secs(60))).await {
            Either::First(word) => word.unwrap_or_default(),
            Either::Second(()) => "nothing".to_owned(),
        }
    }
}

fn host(seed: u64, odds: Odds) -> VirtualHost {
    VirtualHost::builder()
        .seed(seed)
        .odds(odds)
        .entity::<Tally>()
        .orchestration(book)
        .orchestration(patient)
        .activity(count)
        .open()
}

fn input() -> (String, String, u64) {
    ("left".to_owned(), "right".to_owned(), 5)
}

fn counted(host: &mut VirtualHost, key: &str) -> u64 {
    let client = host.client();
    host.run(client.entity::<Tally>(key).count().into_future()).expect("it can be asked")
}

#[test]
fn a_run_calls_locks_and_has_an_activity_performed_over_a_crash_at_any_moment() {
    for seed in 0..100 {
        let mut host = host(seed, Odds::calm());
        let client = host.client();
        host.run(client.entity::<Tally>("left").put(100).signal()).expect("it is accepted");
        host.run(async move { client.start(book, input()).id("r").await.map(drop) }).expect("it is accepted");
        let more = host.random().below(150);
        host.act_times(more);
        let crash = host.random().pick(&[Crash::Kill, Crash::Power]);
        host.crash(crash);
        let client = host.client();
        let result = host.run(client.run(book, "r").result().into_future());
        assert_eq!(result, Ok(Ok(5)), "seed {seed}");
        assert_eq!((counted(&mut host, "left"), counted(&mut host, "right")), (95, 5), "seed {seed}");
        assert_eq!(counted(&mut host, "total"), 5, "seed {seed}");
    }
}

#[test]
fn a_run_waits_by_virtual_time_and_for_events() {
    for raised in [false, true] {
        let mut host = host(0, Odds::calm());
        let client = host.client();
        host.run(async move { client.start(patient, ()).id("r").await.map(drop) }).expect("it is accepted");
        if raised {
            let client = host.client();
            host.run(client.run(patient, "r").raise("word", "yes").into_future()).expect("it is accepted");
        }
        let before = host.now();
        let client = host.client();
        let result = host.run(client.run(patient, "r").result().into_future());
        assert_eq!(result.as_deref(), Ok(if raised { "yes" } else { "nothing" }));
        assert_eq!(host.now().since(before) >= Duration::from_secs(60), !raised);
    }
}

#[test]
fn a_terminated_run_tells_its_waiter_and_its_activity() {
    let mut odds = Odds::calm();
    odds.work = 0;
    let mut host = host(0, odds);
    let client = host.client();
    host.run(async move { client.start(book, input()).id("r").await.map(drop) }).expect("it is accepted");
    host.settle();
    assert_eq!(host.activities(), 1);
    let client = host.client();
    host.run(client.run(book, "r").terminate(&"enough").into_future()).expect("it is accepted");
    host.settle();
    assert_eq!(host.situations().of(Situation::TaskCancelled), 1);
    let client = host.client();
    let result = host.run(client.run(book, "r").result().into_future());
    assert!(matches!(result, Err(CallError::RunTerminated { .. })), "{result:?}");
}

#[test]
fn an_activity_that_the_host_lets_fail_fails() {
    let mut odds = Odds::calm();
    odds.perform_fails_one_in = 1;
    let mut host = host(0, odds);
    let client = host.client();
    let result = host.run(async move { client.start(book, input()).id("r").await?.result().await });
    assert_eq!(result, Ok(Err("it was not counted".to_owned())));
    assert_eq!(host.situations().of(Situation::TaskFailed), 4);
}

/// A run with everything that may happen, as a trace, and what the runs came to.
fn stormy(seed: u64) -> (Vec<String>, crate::Situations) {
    let mut random = Random::new(seed);
    let odds = Odds::stormy(&mut random);
    let mut host = host(seed, odds);
    host.trace();
    for step in 0..600 {
        if step % 20 == 0 {
            let client = host.client();
            let id = format!("run-{}", step % 120);
            // Whatever it is told, it is told so in each run.
            host.spawn(async move {
                let _ = client.start(book, input()).id(id).await;
            });
        }
        host.step();
    }
    host.calm();
    host.advance(Duration::from_secs(60));
    let (left, right) = (counted(&mut host, "left"), counted(&mut host, "right"));
    assert_eq!(left.wrapping_add(right), 0, "seed {seed}: {left} and {right}");
    (host.lines(), host.situations().clone())
}

#[test]
fn a_seed_repeats_everything_and_money_is_kept() {
    let mut situations = crate::Situations::new();
    for seed in 0..60 {
        let (lines, met) = stormy(seed);
        situations.add(&met);
        if seed < 20 {
            assert_eq!((lines, met), stormy(seed), "seed {seed}");
        }
    }
    for met in [
        Situation::RunReturned,
        Situation::ExecutionEvicted,
        Situation::Replayed,
        Situation::TaskPerformed,
        Situation::TaskFailed,
        Situation::TaskAnsweredTwice,
        Situation::TaskLost,
        Situation::TokenOutdated,
        Situation::LockGranted,
        Situation::LockWaited,
        Situation::LockAcrossShards,
        Situation::RunExists,
    ] {
        assert!(situations.of(met) > 0, "no seed has met {met:?}\n{situations}");
    }
}

#[test]
fn a_call_that_would_wait_for_its_own_run_is_refused() {
    marker!(greedy);
    marker!(holder);

    impl Activity for greedy {
        const NAME: &'static str = "greedy";
        type Input = ();
        type Output = bool;

        fn returns() -> Returns<bool> {
            Returns::value()
        }
    }

    impl ActivityCode<ActivityContext> for greedy {
        async fn run(cx: ActivityContext, (): ()) -> bool {
            let refused = cx.client().entity::<Tally>("left").add(1).await;
            matches!(refused, Err(CallError::WouldDeadlock { .. }))
        }
    }

    impl OrchestrationType for holder {
        const NAME: &'static str = "holder";
        type Input = ();
    }

    impl Orchestration for holder {
        type Output = bool;

        fn returns() -> Returns<bool> {
            Returns::value()
        }

        async fn run(cx: Context, (): ()) -> bool {
            let held = cx.lock([cx.entity::<Tally>("left")]).await;
            let refused = cx.activity(greedy, ()).await;
            drop(held);
            refused.is_ok_and(|refused| refused)
        }
    }

    let mut host = VirtualHost::builder().entity::<Tally>().orchestration(holder).activity(greedy).open();
    let client = host.client();
    assert_eq!(host.run(async move { client.start(holder, ()).await?.result().await }), Ok(true));
    assert_eq!(host.situations().of(Situation::WouldDeadlock), 1);
}

#[test]
fn a_run_that_is_not_there_is_told() {
    let mut host = host(0, Odds::calm());
    let client = host.client();
    let result = host.run(client.run(book, "nobody").result().into_future());
    assert!(matches!(result, Err(CallError::RunNotFound { .. })), "{result:?}");
}

#[test]
fn a_scheduled_run_begins_by_virtual_time_and_others_of_its_orchestration_wait_for_it() {
    let hour = Duration::from_secs(3_600);
    let mut host = VirtualHost::builder()
        .orchestration_with(patient, |options| options.concurrency(1).retention(hour))
        .open();
    let begun = host.now();
    let client = host.client();
    let starts = async move {
        client.start(patient, ()).id("later").after(hour).await?;
        client.start(patient, ()).id("now").await?;
        client.start(patient, ()).id("next").await.map(drop)
    };
    host.run(starts).expect("they are accepted");
    let client = host.client();
    let ended = host.run(async move {
        let mut ended = Vec::new();
        for id in ["now", "next", "later"] {
            let run = client.run(patient, id);
            run.result().await?;
            ended.extend(run.status().await?.completed);
        }
        Ok::<_, CallError>(ended)
    });
    let seconds = |at: &sarsen_protocol::Timestamp| at.since(begun).as_secs();
    let ended: Vec<u64> = ended.expect("they come to their end").iter().map(seconds).collect();
    assert_eq!(ended, [60, 120, 3_660]);
    host.advance(hour);
    let client = host.client();
    assert_eq!(
        host.run(async move { client.runs().count().await }),
        Ok(0),
        "each goes an hour after its end"
    );
}

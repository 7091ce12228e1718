//! Joins, races, streams and branches.

use crate::support::{activity, check, orchestration};
use sarsen_orchestration::{Completions, Either, join, join_all, select, select_all};
use std::time::Duration;

activity!(double: u32 => u32, value);

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_join_waits_for_all_and_keeps_their_order() {
    orchestration!(both, |cx, _input: ()| -> (u32, Vec<u32>, ()) {
        let all = (0..3).map(|n| cx.activity(double, n));
        let (first, rest, ()) = join((cx.activity(double, 9), join_all(all), cx.timer(SECOND))).await;
        (first.unwrap(), rest.into_iter().map(Result::unwrap).collect(), ())
    });
    let issued = "0 activity `double` with 0; 1 activity `double` with 1; 2 activity `double` with 2; \
                  3 activity `double` with 9; 4 a timer for 101.000000s";
    check::<both>(
        "null",
        &[
            ("", issued),
            ("2 = 4; 3 = 18", ""),
            ("fire 4", ""),
            ("0 = 0; 1 = 2", "the end with [18,[0,2,4],null]"),
        ],
    );
    orchestration!(nothing, |_cx, _input: ()| -> Vec<()> {
        join_all(Vec::<sarsen_orchestration::TimerRequest>::new()).await
    });
    check::<nothing>("null", &[("", "the end with []")]);
}

#[test]
fn the_winner_is_the_earliest_in_history() {
    orchestration!(race, |cx, _input: ()| -> String {
        match select(cx.event::<u32>("e"), cx.timer(SECOND)).await {
            Either::First(event) => format!("event {}", event.unwrap()),
            Either::Second(()) => "time".to_owned(),
        }
    });
    let set = ("", "0 a timer for 101.000000s");
    check::<race>("null", &[set, ("fire 0; raise e 1", "the end with \"time\"; unapplied")][..1]);
    check::<race>(
        "null",
        &[
            set,
            (
                "raise e 1; fire 0",
                "1 the end of timer 0; unapplied TimerFired { id: CommandId(0) }; the end with \"event 1\"",
            ),
        ],
    );
}

#[test]
fn two_completions_in_one_batch_the_same_winner_live_and_in_replay() {
    orchestration!(late, |cx, _input: ()| -> (usize, u32) {
        let work: Vec<_> = (0..3).map(|n| cx.activity(double, n).start()).collect();
        cx.timer(SECOND).await;
        let (place, answer) = select_all(work).await;
        (place, answer.unwrap())
    });
    let issued = "0 activity `double` with 0; 1 activity `double` with 1; 2 activity `double` with 2; \
                  3 a timer for 101.000000s";
    // Both are there when the race is asked for; the earlier one wins, not the first in the list.
    check::<late>("null", &[("", issued), ("2 = 4; 0 = 0; fire 3", "the end with [2,4]")]);
    check::<late>("null", &[("", issued), ("0 = 0; 2 = 4; fire 3", "the end with [0,0]")]);
    check::<late>(
        "null",
        &[
            ("", issued),
            (
                "fire 3; 1 = 2; 0 = 0",
                "unapplied TaskEnded { id: CommandId(0), result: Ok(0) }; the end with [1,2]",
            ),
        ],
    );
}

#[test]
fn a_loser_is_cancelled_unless_it_is_lent() {
    orchestration!(keep, |cx, _input: ()| -> u32 {
        let mut work = cx.activity(double, 1).start();
        let mut rounds = 0;
        loop {
            rounds += 1;
            if let Either::First(answer) = select(&mut work, cx.timer(SECOND)).await {
                return answer.unwrap() * 100 + rounds;
            }
        }
    });
    check::<keep>(
        "null",
        &[
            ("", "0 activity `double` with 1; 1 a timer for 101.000000s"),
            ("fire 1", "2 a timer for 102.000000s"),
            ("0 = 2", "3 the end of timer 2; the end with 202"),
        ],
    );
}

#[test]
fn races_nest() {
    orchestration!(nested, |cx, _input: ()| -> String {
        let inner = select(cx.timer(SECOND), join((cx.event::<u32>("a"), cx.event::<u32>("b"))));
        format!("{:?}", select(cx.event::<u32>("c"), inner).await)
    });
    let set = ("", "0 a timer for 101.000000s");
    check::<nested>(
        "null",
        &[
            set,
            ("raise b 2", ""),
            ("raise a 1", "1 the end of timer 0; the end with \"Second(Second((Ok(1), Ok(2))))\""),
        ],
    );
    check::<nested>("null", &[set, ("fire 0", "the end with \"Second(First(()))\"")]);
    check::<nested>("null", &[set, ("raise c 3", "1 the end of timer 0; the end with \"First(Ok(3))\"")]);
}

#[test]
fn a_stream_yields_in_the_order_of_completion() {
    orchestration!(stream, |cx, _input: ()| -> Vec<u32> {
        let mut work = (0..5).map(|n| cx.activity(double, n));
        let mut running: Completions<_> = work.by_ref().take(2).collect();
        let mut answers = Vec::new();
        while let Some(answer) = running.next().await {
            answers.push(answer.unwrap());
            running.extend(work.next());
        }
        assert!(running.is_empty());
        answers
    });
    check::<stream>(
        "null",
        &[
            ("", "0 activity `double` with 0; 1 activity `double` with 1"),
            ("1 = 2", "2 activity `double` with 2"),
            ("2 = 4; 0 = 0", "3 activity `double` with 3; 4 activity `double` with 4"),
            ("4 = 8", ""),
            ("3 = 6", "the end with [2,4,0,8,6]"),
        ],
    );
}

#[test]
fn a_windowed_stream_keeps_so_many_under_way() {
    orchestration!(windowed, |cx, window: usize| -> Vec<u32> {
        let mut running = Completions::windowed((0..4).map(|n| cx.activity(double, n)), window);
        let mut answers = Vec::new();
        loop {
            match select(running.next(), cx.event::<u32>("tick")).await {
                Either::First(Some(answer)) => answers.push(answer.unwrap()),
                Either::First(None) => return answers,
                Either::Second(tick) => answers.push(tick.unwrap()),
            }
        }
    });
    let by_two = [
        ("", "0 activity `double` with 0; 1 activity `double` with 1"),
        ("1 = 2; raise tick 100", "2 activity `double` with 2"),
        ("2 = 4; 0 = 0", "3 activity `double` with 3"),
        ("3 = 6", "the end with [2,100,4,0,6]"),
    ];
    check::<windowed>("2", &by_two);
    let one_by_one = [
        ("", "0 activity `double` with 0"),
        ("0 = 0", "1 activity `double` with 1"),
        ("1 = 2", "2 activity `double` with 2"),
        ("2 = 4", "3 activity `double` with 3"),
        ("3 = 6", "the end with [0,2,4,6]"),
    ];
    check::<windowed>("0", &one_by_one);
    let all = "0 activity `double` with 0; 1 activity `double` with 1; 2 activity `double` with 2; 3 activity \
               `double` with 3";
    check::<windowed>("9", &[("", all), ("3 = 6; 2 = 4; 1 = 2; 0 = 0", "the end with [6,4,2,0]")]);
}

#[test]
fn a_stream_that_was_not_read_yields_in_the_order_of_completion_too() {
    orchestration!(stream, |cx, _input: ()| -> Vec<u32> {
        let mut running: Completions<_> = (0..3).map(|n| cx.activity(double, n)).collect();
        cx.timer(SECOND).await;
        let mut answers = Vec::new();
        while let Some(answer) = running.next().await {
            answers.push(answer.unwrap());
        }
        answers
    });
    check::<stream>(
        "null",
        &[
            (
                "",
                "0 activity `double` with 0; 1 activity `double` with 1; 2 activity `double` with 2; 3 a timer for \
                 101.000000s",
            ),
            ("2 = 4; 0 = 0; 1 = 2; fire 3", "the end with [4,0,2]"),
        ],
    );
}

#[test]
fn a_stream_can_be_raced_without_losing_anything() {
    orchestration!(stream, |cx, _input: ()| -> Vec<u32> {
        let mut running: Completions<_> = (0..2).map(|n| cx.activity(double, n)).collect();
        let mut answers = Vec::new();
        loop {
            match select(running.next(), cx.event::<()>("tick")).await {
                Either::First(Some(answer)) => answers.push(answer.unwrap()),
                Either::First(None) => return answers,
                Either::Second(_) => answers.push(100),
            }
        }
    });
    check::<stream>(
        "null",
        &[
            ("", "0 activity `double` with 0; 1 activity `double` with 1"),
            ("raise tick null; 1 = 2; raise tick null", ""),
            ("0 = 0", "the end with [100,2,100,0]"),
        ],
    );
}

#[test]
fn a_branch_runs_beside_the_code_that_made_it() {
    orchestration!(fork, |cx, _input: ()| -> u32 {
        let branch = cx.branch({
            let cx = cx.clone();
            async move {
                let once = cx.activity(double, 1).await.unwrap();
                cx.activity(double, once).await.unwrap()
            }
        });
        cx.timer(SECOND).await;
        branch.await
    });
    let issued = ("", "0 a timer for 101.000000s; 1 activity `double` with 1");
    check::<fork>(
        "null",
        &[issued, ("1 = 2", "2 activity `double` with 2"), ("2 = 4", ""), ("fire 0", "the end with 4")],
    );
    check::<fork>(
        "null",
        &[issued, ("fire 0", ""), ("1 = 2; 2 = 4", "2 activity `double` with 2; the end with 4")][..2],
    );
}

#[test]
fn branches_fan_out_over_several_steps() {
    orchestration!(fan, |cx, width: u32| -> Vec<u32> {
        let branches = (0..width).map(|n| {
            let cx2 = cx.clone();
            cx.branch(async move {
                let once = cx2.activity(double, n).await.unwrap();
                cx2.activity(double, once).await.unwrap()
            })
        });
        join_all(branches).await
    });
    check::<fan>(
        "2",
        &[
            ("", "0 activity `double` with 0; 1 activity `double` with 1"),
            ("1 = 2", "2 activity `double` with 2"),
            ("0 = 0", "3 activity `double` with 0"),
            ("2 = 4", ""),
            ("3 = 0", "the end with [0,4]"),
        ],
    );
}

#[test]
fn dropping_a_branch_ends_it_and_what_it_began() {
    orchestration!(cut, |cx, _input: ()| -> () {
        let branch = cx.branch({
            let cx = cx.clone();
            async move {
                let _inner = cx.branch({
                    let cx = cx.clone();
                    async move { cx.timer(SECOND).await }
                });
                cx.timer(SECOND * 2).await;
            }
        });
        cx.event::<()>("enough").await.unwrap();
        drop(branch);
        cx.event::<()>("enough").await.unwrap();
    });
    check::<cut>(
        "null",
        &[
            ("", "0 a timer for 102.000000s; 1 a timer for 101.000000s"),
            ("raise enough null", "2 the end of timer 0; 3 the end of timer 1"),
            ("raise enough null", "the end with null"),
        ],
    );
}

#[test]
fn a_branch_can_lose_a_race() {
    orchestration!(limit, |cx, _input: ()| -> Option<u32> {
        let work = cx.branch({
            let cx = cx.clone();
            async move {
                let mut sum = 0;
                while sum < 10 {
                    sum += cx.event::<u32>("more").await.unwrap();
                }
                sum
            }
        });
        match select(work, cx.timer(SECOND)).await {
            Either::First(sum) => Some(sum),
            Either::Second(()) => None,
        }
    });
    let set = ("raise more 4", "0 a timer for 101.000000s");
    check::<limit>("null", &[set, ("raise more 7", "1 the end of timer 0; the end with 11")]);
    check::<limit>("null", &[set, ("fire 0", "the end with null")]);
}

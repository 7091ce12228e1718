//! The examples of what orchestrations are good for are killed on their way, go on, and check themselves.

use crate::{
    example::{
        AGGREGATOR, APPROVAL, BOOKING, CIRCUIT_BREAKER, DEVICE_CACHE, End, Example, FAN_OUT, MONITOR,
        RIDE_SHARING,
    },
    orchestrations::{kill_on_the_way, objects, scratch, seeded},
};
use serde_json::{Value, json};
use std::path::Path;

/// What an example tells in the end, behind its progress.
fn shown(example: &Example, arguments: &[&str], data: &Path) -> Vec<Value> {
    let mut told = objects(&example.run(data, &[arguments, &["--json"]].concat()).succeeded());
    told.retain(|line| {
        ["arrived", "charged", "decided", "done", "reported", "round", "sent"]
            .iter()
            .all(|progress| line[progress].is_null())
    });
    told
}

#[test]
fn approvals_killed_three_times_are_each_decided_once() {
    let mut random = seeded("approvals_killed");
    let (folder, arguments) = (scratch(), ["--requests", "60", "--deadline", "2"]);
    kill_on_the_way(&APPROVAL, &arguments, folder.path(), || random.below(20), |_| 1);
    let decided = shown(&APPROVAL, &arguments, folder.path());
    assert_eq!(decided.len(), 60, "{decided:?}");
    let count = |decision: &str| decided.iter().filter(|line| line["decision"] == decision).count();
    assert!(count("escalated") >= 20, "nobody answered every third: {decided:?}");
    assert_eq!(shown(&APPROVAL, &arguments, folder.path()), decided);
}

/// Each step of one trip is begun, and done again when it was killed on its way: no other.
#[test]
fn a_killed_booking_goes_on_with_the_step_that_has_not_ended() {
    const STEPS: u64 = 8;
    let mut random = seeded("killed_booking");
    let (folder, slowly) =
        (scratch(), ["--conferences", "1", "--fail", "flight", "--fail", "hotel", "--pause-ms", "500"]);
    let mut begun_before = 0;
    for _ in 0..3 {
        let lines = 1 + random.below(STEPS - begun_before);
        let end = BOOKING.kill_after(lines, folder.path(), &slowly);
        assert_eq!(end, End::Killed { progress: lines });
        // The last one is begun again.
        begun_before += lines - 1;
    }
    let ended = BOOKING.run(folder.path(), &slowly);
    let begun: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("now ")).collect();
    assert_eq!(begun.len() as u64, STEPS - begun_before, "{begun:?}");
    assert_eq!(begun.last(), Some(&"now cancelling: conference to Lisbon"));
    let told = ended.succeeded();
    assert!(told.contains("the hotel is sold out; cancelled: train, conference"), "{told}");
    assert_eq!(BOOKING.run(folder.path(), &slowly).succeeded(), told);
}

#[test]
fn a_tour_killed_on_its_way_is_booked_or_cancelled_as_a_whole() {
    let mut random = seeded("tour_killed");
    for (fault, total) in [("flight", 800 * 20), ("hotel", 0)] {
        let (folder, arguments) = (scratch(), ["--conferences", "20", "--fail", fault, "--pause-ms", "200"]);
        // Twenty things are booked at once, and each that was under way is begun again.
        kill_on_the_way(&BOOKING, &arguments, folder.path(), || 19 + random.below(2), |_| 0);
        let told = shown(&BOOKING, &arguments, folder.path());
        assert_eq!(told.last(), Some(&json!({ "total": total })), "{told:?}");
    }
}

#[test]
fn a_fan_out_killed_three_times_takes_each_result_once() {
    let mut random = seeded("fan_out_killed");
    let (folder, arguments) = (scratch(), ["--items", "200000", "--window", "500"]);
    kill_on_the_way(&FAN_OUT, &arguments, folder.path(), || random.below(20), |_| 0);
    let summary = shown(&FAN_OUT, &arguments, folder.path());
    assert_eq!(summary[0]["longest"], json!({ "from": 156_159, "steps": 382 }), "{summary:?}");
    assert_eq!(shown(&FAN_OUT, &arguments, folder.path()), summary);
}

#[test]
fn a_monitor_killed_three_times_logs_each_round_once() {
    let mut random = seeded("monitor_killed");
    let (folder, arguments) = (scratch(), ["--rounds", "15", "--pause-ms", "50"]);
    kill_on_the_way(&MONITOR, &arguments, folder.path(), || random.below(4), |round| round);
    let told = shown(&MONITOR, &arguments, folder.path());
    assert_eq!(told.len(), 16, "{told:?}");
    assert_eq!(told[15], json!({ "rounds": 15, "outages": 2 }));
}

#[test]
fn orders_of_a_killed_aggregator_are_each_shipped_once() {
    let mut random = seeded("killed_aggregator");
    let (folder, arguments) = (scratch(), ["--orders", "500", "--in-flight", "4"]);
    kill_on_the_way(&AGGREGATOR, &arguments, folder.path(), || random.below(15), |_| 0);
    let sums = shown(&AGGREGATOR, &arguments, folder.path());
    assert_eq!((&sums[0]["parts"], &sums[0]["shipments"]), (&json!(5_000), &json!(500)), "{sums:?}");
}

#[test]
fn orders_behind_a_breaker_killed_three_times_are_each_charged_once() {
    let mut random = seeded("behind_a_breaker");
    let (folder, arguments) = (scratch(), ["--orders", "400", "--in-flight", "16"]);
    kill_on_the_way(&CIRCUIT_BREAKER, &arguments, folder.path(), || random.below(4), |charged| charged / 20);
    let told = shown(&CIRCUIT_BREAKER, &arguments, folder.path());
    let count = |phase: &str| told.iter().filter(|line| line["phase"] == phase).count();
    assert!(count("open") >= 2 && count("half open") >= 2 && count("closed") >= 2, "{told:?}");
    assert_eq!(told.last().expect("sums are told")["orders"], 400, "{told:?}");
    assert_eq!(shown(&CIRCUIT_BREAKER, &arguments, folder.path()), told);
}

#[test]
fn rides_killed_three_times_put_nobody_in_two_at_once() {
    let mut random = seeded("rides_killed");
    let (folder, arguments) = (scratch(), ["--rides", "300", "--riders", "30", "--in-flight", "24"]);
    kill_on_the_way(&RIDE_SHARING, &arguments, folder.path(), || random.below(4), |arrived| arrived / 20);
    let told = shown(&RIDE_SHARING, &arguments, folder.path());
    assert_eq!(told[0], json!({ "rides": 300, "riders": 30, "drivers": 12 }), "{told:?}");
    assert_eq!(shown(&RIDE_SHARING, &arguments, folder.path()), told);
}

#[test]
fn rides_without_locks_fail_their_verification() {
    let folder = scratch();
    let arguments = ["--rides", "200", "--riders", "10", "--drivers", "4", "--without-locks"];
    RIDE_SHARING.run(folder.path(), &arguments).failed(1, "at once");
}

#[test]
fn devices_of_a_killed_cache_all_answer_and_visitors_are_forgotten() {
    let mut random = seeded("killed_cache");
    let (folder, arguments) = (scratch(), ["--devices", "10000", "--visitors", "100", "--cache-mb", "16"]);
    // A device reports again, so a process has as much to do as the first.
    kill_on_the_way(&DEVICE_CACHE, &arguments, folder.path(), || random.below(2), |_| 0);
    let told = shown(&DEVICE_CACHE, &arguments, folder.path());
    assert_eq!(told[0], json!({ "devices": 10_000, "asked": 2_000, "active": 0, "visitors": 0 }), "{told:?}");
}

//! What was done to an entity is written down in the commit of what came of it.

use super::{
    desk::{Death, Desk},
    limits, numbered,
};
use crate::record::{Act, After, AuditEntry, Caller};
use sarsen_entities::EntityOptions;
use sarsen_protocol::{FailureKind, Identity, Keyspace};
use std::time::Duration;

const AGE: Duration = Duration::from_secs(80);

fn options() -> EntityOptions {
    EntityOptions::default().audit(|audit| audit.age(AGE))
}

fn desk(options: EntityOptions) -> Desk {
    let mut desk = Desk::new(1, limits(|_| {}));
    desk.entities = options;
    desk.reopen(1);
    desk
}

/// An entry in a few words: its place, who, what, what came of it, the state behind it.
fn told(entry: &AuditEntry) -> String {
    let who = match &entry.caller {
        Caller::Client { within: None } => "client".to_owned(),
        Caller::Client { within: Some(run) } => format!("client of {run}"),
        Caller::Run(run) => format!("run {run}"),
        Caller::Entity(address) => format!("entity {}", address.key()),
        Caller::Expiry => "nobody".to_owned(),
    };
    let what = match &entry.act {
        Act::Operation { name, input, outcome } => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let outcome = match outcome {
                Ok(answer) => text(answer.as_bytes()),
                Err(failure) => format!("{:?}", failure.kind),
            };
            format!("{name}({}) -> {outcome}", text(input.as_bytes()))
        }
        Act::Expired => "expired".to_owned(),
        Act::LockForced { run } => format!("lock taken from {run}"),
    };
    let after = match &entry.after {
        After::Untold => String::new(),
        After::Deleted => " = none".to_owned(),
        After::State(state) => format!(" = {}", String::from_utf8_lossy(state.as_bytes())),
    };
    format!("{} {who}: {what}{after}", entry.sequence)
}

fn audit(desk: &Desk, key: &str) -> Vec<String> {
    desk.audit(key, false, 2).iter().map(told).collect()
}

/// The audit tells all that has made the durable state, in its order, without a gap.
fn assert_told(desk: &Desk, key: &str, removed: u64) {
    let entries = desk.audit(key, false, 3);
    let (mut sum, mut exists) = (0, false);
    for (place, entry) in (removed + 1..).zip(&entries) {
        assert_eq!(entry.sequence, place, "there is no gap");
        if let Some(answer) = entry.answer::<Option<u64>>().expect("an operation answers a number or nothing")
        {
            match entry.operation() {
                Some("delete") => (sum, exists) = (0, false),
                Some("add") => {
                    let amount = entry.input::<u64>().expect("a number").expect("an operation");
                    (sum, exists) = (sum + amount, true);
                    assert_eq!((removed == 0).then_some(sum).or(answer), answer, "{entry:?}");
                }
                other => panic!("{other:?}"),
            }
        }
        match &entry.after {
            After::Untold => {}
            After::Deleted => assert!(!exists, "{:?}", entries.iter().map(told).collect::<Vec<_>>()),
            After::State(state) => {
                let state = String::from_utf8_lossy(state.as_bytes()).into_owned();
                assert!(removed > 0 || state == format!(r#"{{"sum":{sum}}}"#), "{state}: {sum}");
            }
        }
    }
    let last = entries.iter().rev().find(|entry| entry.after != After::Untold).map(|entry| &entry.after);
    let last = last.and_then(|after| match after {
        After::State(state) => Some(String::from_utf8_lossy(state.as_bytes()).into_owned()),
        After::Untold | After::Deleted => None,
    });
    assert_eq!(desk.state(key), last, "the last state that is told is the one that there is");
}

#[test]
fn an_audit_tells_who_did_what_and_what_came_of_it() {
    let mut desk = desk(options());
    desk.signal("x", "add", "1", Identity::None);
    desk.call("x", "refuse", "null", Identity::None);
    desk.call("x", "sum", "null", Identity::None);
    desk.signal("x", "add", "2", Identity::None);
    desk.rest();
    desk.signal("y", "scatter_to_x", "null", Identity::None);
    desk.rest();
    desk.start("r", "lock x; call x add 3; unlock; signal x 4");
    desk.rest();
    desk.signal("x", "delete", "null", Identity::None);
    desk.rest();
    let mut entries = audit(&desk, "x");
    assert_eq!(
        entries.split_off(3),
        [
            r#"4 entity y: add(1) -> 4 = {"sum":4}"#,
            r#"5 run r: add(3) -> 7 = {"sum":7}"#,
            r#"6 run r: add(4) -> 11 = {"sum":11}"#,
            "7 client: delete(null) -> null = none",
        ]
    );
    assert_eq!(
        entries,
        [
            "1 client: add(1) -> 1",
            "2 client: refuse(null) -> Returned",
            r#"3 client: add(2) -> 3 = {"sum":3}"#
        ]
    );
    assert_eq!(desk.rows(Keyspace::Audit), 8, "and that of y");
}

/// Reads that run off the shard left a row each.
#[test]
fn what_only_looks_leaves_no_row_wherever_it_runs_unless_it_deletes() {
    let mut desk = desk(options());
    desk.signal("x", "add", "1", Identity::None);
    for operation in ["sum", "peek", "weigh"] {
        desk.signal("x", operation, "null", Identity::None);
    }
    desk.signal("x", "grind", "2", Identity::None);
    desk.signal("x", "peek_and_delete", "null", Identity::None);
    desk.finish();
    assert_eq!(
        audit(&desk, "x"),
        [
            r#"1 client: add(1) -> 1 = {"sum":1}"#,
            r#"2 client: grind(2) -> null = {"sum":12}"#,
            "3 client: peek_and_delete(null) -> null = none"
        ]
    );
}

#[test]
fn what_was_scheduled_is_told_with_who_scheduled_it_wherever_it_runs() {
    let mut desk = desk(options());
    let secs = Duration::from_secs;
    desk.remind(("x", "often"), ("add", "1"), secs(10));
    desk.schedule(("x", "late"), ("slow", "3"), secs(25));
    desk.signal("y", "plan", r#"["x",2,15000]"#, Identity::None);
    for _ in 0..6 {
        desk.finish();
        desk.now = desk.now.after(secs(5));
    }
    desk.finish();
    assert_eq!(
        audit(&desk, "x"),
        [
            r#"1 client: add(1) -> 1 = {"sum":1}"#,
            r#"2 entity y: log(2) -> 12 = {"sum":12}"#,
            r#"3 client: add(1) -> 13 = {"sum":13}"#,
            r#"4 client: slow(3) -> 133 = {"sum":133}"#,
            r#"5 client: add(1) -> 134 = {"sum":134}"#,
        ]
    );
}

#[test]
fn only_what_is_chosen_is_audited() {
    let mut desk = desk(EntityOptions::default());
    desk.signal("x", "add", "1", Identity::None);
    desk.rest();
    assert_eq!(desk.rows(Keyspace::Audit), 0);
    desk.entities = options();
    desk.reopen(1);
    let failed = desk.call("x", "refuse", "null", Identity::None);
    desk.rest();
    assert!(desk.answer(failed).is_some());
    assert_eq!(audit(&desk, "x"), ["1 client: refuse(null) -> Returned"], "of one that was there before");
    assert_eq!(desk.sum("x"), 1, "its state is written again as it was");
}

#[test]
fn whatever_dies_anywhere_the_audit_tells_what_was_committed() {
    let play = |restless: bool, death: Option<(usize, bool)>| {
        let mut desk = desk(options());
        desk.restless = restless;
        desk.death = death.map(|(commit, before)| Death { commit, before, shards: [1, 2, 3][commit % 3] });
        for round in 0..12 {
            for number in 0..=round % 3 {
                desk.signal("x", "add", &(round + number).to_string(), Identity::None);
                desk.call("x", "refuse", "null", Identity::None);
            }
            if round % 5 == 4 {
                desk.signal("x", "delete", "null", Identity::None);
            }
            for _ in 0..3 {
                desk.step();
                assert_told(&desk, "x", 0);
            }
        }
        desk.rest();
        assert_told(&desk, "x", 0);
        assert!(desk.death.is_none(), "it died {death:?}");
        desk.commits
    };
    for restless in [false, true] {
        let commits = play(restless, None);
        assert!(commits >= 12, "each round is a commit: {commits}");
        for commit in 0..commits {
            play(restless, Some((commit, true)));
            play(restless, Some((commit, false)));
        }
    }
}

#[test]
fn an_audit_is_bounded_by_count_in_the_commit_that_adds_to_it() {
    let mut desk = desk(options());
    desk.entities = EntityOptions::default().audit(|audit| audit.keep(5));
    desk.reopen(1);
    for number in 0..20 {
        desk.signal("x", "add", "1", numbered(number + 1));
        desk.step();
        desk.step();
        assert!(desk.rows(Keyspace::Audit) <= 5);
    }
    desk.rest();
    assert_eq!(desk.rows(Keyspace::Audit), 5);
    assert_told(&desk, "x", 15);
    desk.entities = EntityOptions::default().audit(|audit| audit.keep(2));
    desk.reopen(1);
    desk.signal("x", "add", "1", Identity::None);
    desk.rest();
    assert_eq!(desk.rows(Keyspace::Audit), 2, "one that is bounded more is shortened");
}

#[test]
fn an_audit_outlives_its_entity_until_it_is_old_and_then_nothing_is_left() {
    let mut desk = desk(options());
    let start = desk.now;
    for second in [0, 1, 30, 60] {
        desk.now = start.after(Duration::from_secs(second));
        desk.signal("x", "add", "1", Identity::None);
        desk.rest();
    }
    desk.signal("x", "delete", "null", Identity::None);
    desk.rest();
    desk.restless = true;
    for (second, rows) in [(79, 5), (90, 3), (109, 3), (110, 2), (139, 2)] {
        desk.now = start.after(Duration::from_secs(second));
        if second == 109 {
            desk.reopen(3);
        }
        desk.rest();
        assert_eq!(desk.rows(Keyspace::Audit), rows, "after {second} s");
    }
    desk.signal("x", "add", "1", Identity::None);
    desk.rest();
    assert_eq!(audit(&desk, "x").last().map(String::as_str), Some(r#"6 client: add(1) -> 1 = {"sum":1}"#));
    desk.signal("x", "delete", "null", Identity::None);
    desk.now = start.after(Duration::from_secs(300));
    desk.rest();
    let left = [Keyspace::Audit, Keyspace::Instances, Keyspace::Timers].map(|space| desk.rows(space));
    assert_eq!(left, [1, 1, 1], "the deletion is new");
    desk.now = start.after(Duration::from_secs(400));
    desk.rest();
    let left = [Keyspace::Audit, Keyspace::Instances, Keyspace::Timers].map(|space| desk.rows(space));
    assert_eq!(left, [0; 3]);
}

#[test]
fn the_end_of_an_entitys_time_is_audited() {
    let mut desk = desk(options().ttl(Duration::from_secs(10)));
    desk.signal("x", "add", "1", Identity::None);
    desk.rest();
    desk.now = desk.now.after(Duration::from_secs(10));
    desk.rest();
    assert_eq!(audit(&desk, "x"), [r#"1 client: add(1) -> 1 = {"sum":1}"#, "2 nobody: expired = none"]);
}

#[test]
fn a_forced_release_is_audited_of_any_type() {
    let mut desk = desk(EntityOptions::default());
    let start = desk.now;
    desk.signal("x", "add", "1", Identity::None);
    desk.start("r", "lock x; event e; unlock");
    desk.rest();
    desk.force("x", "r");
    desk.rest();
    assert_eq!(desk.locks().len(), 0);
    assert_eq!((audit(&desk, "x"), desk.sum("x")), (vec!["1 client: lock taken from r".to_owned()], 1));
    desk.signal("x", "add", "1", Identity::None);
    desk.rest();
    assert_eq!(desk.rows(Keyspace::Audit), 1);
    desk.now = start.after(Duration::from_secs(31 * 24 * 60 * 60));
    desk.rest();
    assert_eq!((desk.rows(Keyspace::Audit), desk.sum("x")), (0, 2));
    desk.signal("x", "delete", "null", Identity::None);
    desk.rest();
    assert_eq!(desk.state("x"), None);
    assert_eq!(desk.rows(Keyspace::Timers), 0);
}

#[test]
fn an_audit_is_read_from_either_end_in_pages() {
    let mut desk = desk(options());
    for _ in 0..7 {
        desk.signal("x", "add", "1", Identity::None);
        desk.signal("x0", "add", "1", Identity::None);
        desk.rest();
    }
    for page_rows in [1, 2, 3, 7, 100] {
        let places = |newest| -> Vec<u64> {
            desk.audit("x", newest, page_rows).iter().map(|entry| entry.sequence).collect()
        };
        assert_eq!(places(false), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(places(true), [7, 6, 5, 4, 3, 2, 1]);
    }
    assert_eq!(desk.audit("nobody", true, 2), []);
}

#[test]
fn a_failure_of_an_audited_operation_is_kept_whole() {
    let mut desk = desk(options());
    desk.signal("x", "spoil", "null", Identity::None);
    desk.rest();
    let entries = desk.audit("x", true, 1);
    assert_eq!(entries[0].failure().map(|failure| failure.kind), Some(FailureKind::Unencodable));
    assert_eq!((entries[0].operation(), &entries[0].after), (Some("spoil"), &After::Untold));
}

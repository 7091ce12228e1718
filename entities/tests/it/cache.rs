//! Fields that serde skips: what an entity keeps while it is in memory, and only then.

use sarsen_entities::{
    Asked, Behaviour, Change, Entity, EntityType, Operations, Port, Returns, RunLimits, State, Typed,
};
use sarsen_protocol::{Address, NamedEntity, OperationName, Payload, Timestamp};
use serde::{Deserialize, Serialize};

/// Counts for ever, and how often it did since it was last read from its record.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Visits {
    total: u64,
    #[serde(skip)]
    lately: u64,
}

impl EntityType for Visits {
    const NAME: &'static str = "visits";
    type Ref<P: Port> = NamedEntity<P>;

    fn refer<P: Port>(port: P) -> NamedEntity<P> {
        NamedEntity::new(port)
    }
}

impl Entity for Visits {
    fn initial(_key: &str) -> Self {
        Self { total: 0, lately: 100 }
    }

    fn operations() -> Operations<Self> {
        Operations::new()
            .update("visit", Returns::value(), |visits: &mut Self, _cx, ()| {
                (visits.total, visits.lately) = (visits.total + 1, visits.lately + 1);
                (visits.total, visits.lately)
            })
            .update("fail", Returns::fallible(), |visits: &mut Self, _cx, ()| -> Result<(), String> {
                (visits.total, visits.lately) = (0, 0);
                Err("no".to_owned())
            })
            .read("seen", Returns::value(), |visits: &Self, _cx, ()| (visits.total, visits.lately))
    }
}

/// Runs operations in one run. Returns their answers, and the state that is to be written.
fn run(state: &mut Option<State>, operations: &[&str], verify: bool) -> (Vec<String>, Option<String>) {
    let typed = Typed::<Visits>::new().expect("a type");
    let limits = RunLimits { payload_bytes_max: 1_000, state_bytes_max: 1_000, messages_max: 1, verify };
    let names: Vec<OperationName> = operations.iter().map(|name| (*name).to_owned().into()).collect();
    let input = Payload::null();
    let asked: Vec<Asked<'_>> = names.iter().map(|operation| Asked { operation, input: &input }).collect();
    let address = Address::entity("visits", "v").expect("valid");
    let ran = typed.run(&address, state, &asked, Timestamp::from_micros(1), &limits);
    let text = |payload: &Payload| String::from_utf8_lossy(payload.as_bytes()).into_owned();
    let answers = ran.outcomes.iter().map(|outcome| match &outcome.answer {
        Ok(answer) => text(answer),
        Err(_) => "failed".to_owned(),
    });
    let answers = answers.collect();
    match ran.change {
        Change::Put(state) => (answers, Some(text(&state))),
        Change::None | Change::Deleted => (answers, None),
    }
}

#[test]
fn a_skipped_field_lasts_while_the_entity_is_in_memory_and_is_undone_with_what_failed() {
    for verify in [false, true] {
        let mut state = None;
        let first = run(&mut state, &["visit", "visit"], verify);
        assert_eq!(
            first,
            (vec!["[1,101]".to_owned(), "[2,102]".to_owned()], Some(r#"{"total":2}"#.to_owned()))
        );
        let (mixed, _) = run(&mut state, &["visit", "fail", "seen"], verify);
        assert_eq!(mixed, ["[3,103]", "failed", "[3,103]"], "a failure undoes it as any field");
        let (failed, written) = run(&mut state, &["fail"], verify);
        assert_eq!((failed, written), (vec!["failed".to_owned()], None));
        assert_eq!(run(&mut state, &["seen"], verify).0, ["[3,103]"]);
        let typed = Typed::<Visits>::new().expect("a type");
        let stored = typed.encode(state.as_ref().expect("it exists")).expect("it encodes");
        let mut read = Some(typed.decode(&stored).expect("it was just written"));
        assert_eq!(run(&mut read, &["visit"], verify).0, ["[4,1]"], "behind a load it is the default");
    }
}

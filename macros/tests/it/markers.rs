//! Activities and orchestrations, by the macros.

use sarsen_macros::{activity, orchestration};
use sarsen_orchestration::{
    Activity, ActivityCode, Context, End, ExecutionLimits, Input, Labels, Orchestration, OrchestrationType,
    Orchestrator, Start, Typed,
};
use sarsen_protocol::{CallError, ExecutionId, OrchestrationName, Payload, RunId, Timestamp, Uuid, json};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    future::{Future, ready},
    pin::pin,
    task::{Context as Waking, Poll, Waker},
};

/// The error of all that is here.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Trouble {
    Refused,
    Elsewhere(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        Self::Elsewhere(error.to_string())
    }
}

/// A `Result` by another name.
type Outcome<T> = Result<T, Trouble>;

/// What a host would lend.
#[derive(Debug)]
pub(crate) struct ActivityContext {
    attempt: u32,
}

/// Doubles what is even.
#[activity(crate = "sarsen_orchestration")]
pub(crate) async fn double(cx: ActivityContext, n: u32) -> Outcome<u32> {
    ready(()).await;
    if n % 2 == 1 { Err(Trouble::Refused) } else { Ok(n * 2 + cx.attempt) }
}

#[activity(name = "two_words", crate = "sarsen_orchestration")]
async fn several(mut text: String, (left, right): (u8, u8)) -> String {
    text.push(char::from(b'0' + left));
    text.push(char::from(b'0' + right));
    text
}

#[activity(crate = "sarsen_orchestration")]
async fn nothing() {}

#[activity(crate = "sarsen_orchestration")]
#[cfg(not(test))]
async fn absent(n: Missing) {}

/// A name that is a keyword.
#[activity(crate = "sarsen_orchestration")]
async fn r#loop(n: u8) -> u8 {
    n
}

/// Asks for all of them.
///
/// In order.
#[orchestration(crate = "sarsen_orchestration")]
async fn transfer(cx: Context, from: u32, to: Vec<String>) -> Outcome<String> {
    // A variable may be named like a marker.
    let double = cx.activity(double, from).await??;
    let text = cx.activity(several, (to.concat(), (1, 2))).await?;
    cx.activity(nothing, ()).await?;
    let r#loop = cx.activity(r#loop, 3).await?;
    Ok([double.to_string(), text, r#loop.to_string()].join(" "))
}

#[orchestration(crate = "sarsen_orchestration")]
async fn parent(cx: Context) -> u32 {
    cx.child(transfer, (1, Vec::new())).await.map_or(0, |outcome| u32::from(outcome.is_ok()))
}

/// Polls what is ready.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Waking::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn the_code_is_the_markers_run() {
    assert_eq!(now(double::run(ActivityContext { attempt: 1 }, 2)), Ok(5));
    assert_eq!(now(several::run("x".to_owned(), (1, 2))), "x12");
    now(nothing::run());
    assert_eq!(now(<r#loop as ActivityCode<()>>::run((), 3)), 3);
    assert_eq!(now(<several as ActivityCode<&str>>::run("any", ("x".to_owned(), (1, 2)))), "x12");
    let cx = ActivityContext { attempt: 0 };
    assert_eq!(now(<double as ActivityCode<ActivityContext>>::run(cx, 1)), Err(Trouble::Refused));
}

#[test]
fn markers_carry_names_and_types() {
    fn of<A: Activity>(_activity: fn() -> A) -> (&'static str, &'static str, String) {
        (A::NAME, std::any::type_name::<A::Input>(), format!("{:?}", A::returns()))
    }
    assert_eq!(of(double).0, "double");
    assert_eq!(of(r#loop).0, "loop");
    assert_eq!(of(nothing).1, "()");
    assert_eq!(
        of(several),
        ("two_words", "(alloc::string::String, (u8, u8))", "Returns<alloc::string::String>".to_owned())
    );
    assert_eq!(transfer::NAME, "transfer");
    assert_eq!(format!("{:?}", double()), "double");
    // An `Err` fails the activity, and is still an `Err`.
    let failed = double::returns().encode(Err(Trouble::Refused));
    assert!(failed.is_err());
    assert_eq!(double::returns().decode(failed), Ok(Err(Trouble::Refused)));
}

/// An execution of `O`, with each answer in turn; what it asked for and how it ended.
fn run<O: Orchestration>(input: &str, answers: &[&str]) -> (Vec<String>, End) {
    let payload = |text: &str| Payload::from_encoded(text.to_owned().into());
    let typed = Typed::<O>::new().expect("it can be registered");
    let mut execution = typed.begin(Start {
        run: RunId::new("run").expect("valid"),
        execution: ExecutionId(Uuid::nil()),
        name: OrchestrationName::of(O::NAME),
        input: payload(input),
        seed: 1,
        parent: None,
        scheduled: None,
        labels: Labels::default(),
        limits: ExecutionLimits::default(),
    });
    let mut turn = execution.turn(Timestamp::default(), []).expect("it goes on");
    let (mut commands, mut answers) = (Vec::new(), answers.iter());
    loop {
        let ids: Vec<_> = turn.commands().map(|(id, command)| (id, command.to_string())).collect();
        commands.extend(ids.iter().map(|(_, command)| command.clone()));
        if let Some(end) = turn.end() {
            return (commands, end.clone());
        }
        let result = Ok(payload(answers.next().expect("an answer for each command")));
        let input = Input::TaskEnded { id: ids[0].0, result };
        turn = execution.turn(Timestamp::default(), [input]).expect("it goes on");
    }
}

#[test]
fn an_orchestration_runs_as_its_code_says() {
    let (commands, end) = run::<transfer>("[4,[\"a\",\"b\"]]", &["8", "\"ab12\"", "null", "3"]);
    assert_eq!(
        commands,
        [
            "activity `double` with 4",
            "activity `two_words` with [\"ab\",[1,2]]",
            "activity `nothing` with null",
            "activity `loop` with 3",
        ]
    );
    assert_eq!(end, End::Returned(json::encode("8 ab12 3").expect("it has JSON")));
    assert_eq!(parent::NAME, "parent");
}

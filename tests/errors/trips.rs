//! The orchestrations and activities that are asked for wrong things, and that do wrong things.

use crate::{
    entities::{Clerk, ClerkRef, Ghost},
    told::{Told, told},
};
use sarsen::{
    Activity, ActivityCode, ActivityContext, Context, Orchestration, OrchestrationType, Returns,
    durable::{Caller, Guard},
};
use std::time::Duration;

#[sarsen::activity]
pub(crate) async fn notify(line: String) {
    assert!(line != "nothing", "no line");
}

/// Answers otherwise than is expected here.
#[sarsen::activity(name = "notify")]
pub(crate) async fn misread(line: String) -> f64 {
    drop(line);
    0.0
}

#[sarsen::activity]
pub(crate) async fn weigh(weight: f64) {
    assert!(weight.is_finite(), "every weight has JSON");
}

/// Calls what its run has locked.
#[sarsen::activity]
pub(crate) async fn disturb(cx: ActivityContext) -> Told {
    told(cx.client().entity::<Clerk>("a").add(1.0).await)
}

/// Nobody registers it.
#[sarsen::activity]
pub(crate) async fn unheard() {}

/// A marker by hand, whose name is none.
#[expect(non_camel_case_types, reason = "a marker is named like its function")]
pub(crate) struct crying {}

pub(crate) fn crying() -> crying {
    crying {}
}

impl Activity for crying {
    const NAME: &'static str = "two words";
    type Input = ();
    type Output = ();

    fn returns() -> Returns<()> {
        Returns::value()
    }
}

impl<C: Send> ActivityCode<C> for crying {
    async fn run(_context: C, (): ()) {}
}

#[sarsen::orchestration]
pub(crate) async fn fallen(_cx: Context) {
    panic!("over the root");
}

/// Nobody registers it.
#[sarsen::orchestration]
pub(crate) async fn lost(_cx: Context) {}

/// A marker by hand, whose name is none.
#[expect(non_camel_case_types, reason = "a marker is named like its function")]
pub(crate) struct shouting {}

pub(crate) fn shouting() -> shouting {
    shouting {}
}

impl OrchestrationType for shouting {
    const NAME: &'static str = "SHOUTING";
    type Input = ();
}

impl Orchestration for shouting {
    type Output = ();

    fn returns() -> Returns<()> {
        Returns::value()
    }

    async fn run(_cx: Context, (): ()) {}
}

/// Takes something else under a name that is taken.
#[sarsen::orchestration(name = "trip")]
pub(crate) async fn misled(_cx: Context, miles: u64) {
    assert!(miles < 100_000, "nobody goes there");
}

/// Does what can go wrong, and returns what it was told.
#[sarsen::orchestration]
pub(crate) async fn trip(cx: Context, case: String) -> Option<Told> {
    Some(match case.as_str() {
        "activity" => told(cx.activity(notify, "nothing").await),
        "child" | "child of a taken id" => told(cx.child(fallen, ()).id("t-1").await),
        "unsendable" => told(cx.activity(weigh, f64::NAN).await),
        "misfit" => told(cx.activity(misread, "a line").await),
        "unknown child" => told(cx.child(lost, ()).id("c").await),
        "unknown activity" => told(cx.activity(unheard, ()).await),
        "terminated child" => told(cx.child(trip, "wait").id("c").await),
        "event in time" => told(cx.event::<u32>("go").timeout(Duration::from_millis(1)).await),
        "event of another type" => told(cx.event::<u32>("go").await),
        "empty section" => told(cx.lock(Vec::<ClerkRef<Caller>>::new()).await),
        "section over no address" => told(cx.lock([cx.entity::<Clerk>("alice\n")]).await),
        "section over a ghost" => told(cx.lock([cx.entity::<Ghost>("a")]).await),
        "taken lock" => told(cx.try_lock([cx.entity::<Clerk>("a")]).await),
        "late lock" => told(cx.lock([cx.entity::<Clerk>("a")]).timeout(Duration::from_millis(1)).await),
        "before the grant" => {
            let _lock = cx.lock([cx.entity::<Clerk>("a")]).into_future();
            told(cx.entity::<Clerk>("a").add(1.0).await)
        }
        "disturbed" | "nested" | "child inside" | "signal" | "twice" | "another" | "lost lock" => {
            let held = cx.lock([cx.entity::<Clerk>("a")]).await.ok()?;
            inside(&cx, &held, &case).await?
        }
        _ => return travel(&cx, &case).await,
    })
}

type Held = Guard<[ClerkRef<Caller>; 1]>;

/// What can go wrong in a section over the clerk `a`.
async fn inside(cx: &Context, _held: &Held, case: &str) -> Option<Told> {
    let (a, b) = (cx.entity::<Clerk>("a"), cx.entity::<Clerk>("b"));
    Some(match case {
        "disturbed" => cx.activity(disturb, ()).await.ok()?,
        "nested" => told(cx.lock([b]).await),
        "child inside" => told(cx.child(fallen, ()).await),
        "signal" => told(a.add(1.0).signal()),
        "twice" => {
            let _first = a.add(1.0).start();
            told(a.add(1.0).await)
        }
        "another" => told(b.add(1.0).await),
        _ => {
            cx.event::<String>("go").await.ok()?;
            told(a.add(1.0).await)
        }
    })
}

/// What goes well here, and is told elsewhere.
async fn travel(cx: &Context, case: &str) -> Option<Told> {
    match case.split_once(' ') {
        Some(("raise", run)) => {
            let run = sarsen::RunId::new(run).ok()?;
            cx.send_event(&run, "go", "soon").ok()?;
        }
        Some(("sleep", millis)) => cx.timer(Duration::from_millis(millis.parse().ok()?)).await,
        Some(("fall", "inside")) => {
            let _held = cx.lock([cx.entity::<Clerk>("a")]).await.ok()?;
            panic!("inside");
        }
        None if case == "wait" => drop(cx.event::<String>("go").await),
        None if case == "hurry" => {
            let requests: Vec<_> = (0..5).map(|_| cx.activity(notify, "a line").start()).collect();
            drop(requests);
        }
        _ => {}
    }
    None
}

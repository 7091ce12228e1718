//! An entity that shows what happens to it, written by hand.

use sarsen_entities::{Entity, EntityContext, EntityType, Operations, Port, Reference, Returns, StatePort};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, mpsc},
};
use tokio::sync::mpsc as events;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Probe {
    pub(crate) total: u64,
    pub(crate) notes: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) code: u32,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with {}", self.code)
    }
}

impl Probe {
    fn add(&mut self, amount: u64) -> u64 {
        self.total += amount;
        self.total
    }
}

impl EntityType for Probe {
    const NAME: &'static str = "probe";
    type Ref<P: Port> = ProbeRef<P>;

    fn refer<P: Port>(port: P) -> ProbeRef<P> {
        ProbeRef { port }
    }
}

impl Entity for Probe {
    fn initial(_key: &str) -> Self {
        Self::default()
    }

    fn operations() -> Operations<Self> {
        Operations::new()
            .update("add", Returns::value(), |probe: &mut Self, _cx, amount| probe.add(amount))
            .update("note", Returns::value(), |probe: &mut Self, _cx, note| probe.notes.push(note))
            .read("total", Returns::value(), |probe: &Self, _cx, ()| probe.total)
            .update("refuse", Returns::fallible(), |probe: &mut Self, _cx, code| {
                probe.total += 1000;
                Err::<u64, _>(Refused { code })
            })
            .update("panic", Returns::value(), |_: &mut Self, _cx, ()| -> u64 { panic!("as it was told to") })
            .update("hook", Returns::value(), |_: &mut Self, cx, ()| run_hook(cx))
            .update("forward", Returns::value(), |_: &mut Self, cx, (to, amount): (String, u64)| {
                cx.entity::<Self>(to).add(amount).signal();
            })
            .update(
                "forward_named",
                Returns::value(),
                |_: &mut Self, cx, (name, to, amount): (String, String, u64)| {
                    cx.entity_named(name, to).operation::<u64>("add", &amount).signal();
                },
            )
            .update("volley", Returns::value(), |probe: &mut Self, cx, to: String| {
                probe.total += 1;
                cx.entity::<Self>(to).volley(cx.key()).signal();
            })
    }
}

pub(crate) struct ProbeRef<P> {
    port: P,
}

impl<P: Port> ProbeRef<P> {
    pub(crate) fn add(&self, amount: u64) -> P::Request<u64> {
        self.port.request("add", &amount, Returns::value())
    }

    pub(crate) fn note(&self, note: u64) -> P::Request<()> {
        self.port.request("note", &note, Returns::value())
    }

    pub(crate) fn total(&self) -> P::Request<u64> {
        self.port.request("total", &(), Returns::value())
    }

    /// `total` read as another type than it is.
    pub(crate) fn total_as_text(&self) -> P::Request<String> {
        self.port.request("total", &(), Returns::value())
    }

    pub(crate) fn refuse(&self, code: u32) -> P::Request<Result<u64, Refused>> {
        self.port.request("refuse", &code, Returns::fallible())
    }

    pub(crate) fn panic(&self) -> P::Request<u64> {
        self.port.request("panic", &(), Returns::value())
    }

    /// Runs the hook of the entity's key.
    pub(crate) fn hook(&self) -> P::Request<()> {
        self.port.request("hook", &(), Returns::value())
    }

    pub(crate) fn forward(&self, to: &str, amount: u64) -> P::Request<()> {
        self.port.request("forward", &(to, amount), Returns::value())
    }

    /// Signals `to`, which signals back, for ever.
    pub(crate) fn volley(&self, to: &str) -> P::Request<()> {
        self.port.request("volley", &to, Returns::value())
    }

    /// An operation that there is not.
    pub(crate) fn fly(&self) -> P::Request<()> {
        self.port.request("fly", &(), Returns::value())
    }

    /// `add` with an input of another type than it takes.
    pub(crate) fn add_text(&self, text: &str) -> P::Request<u64> {
        self.port.request("add", &text, Returns::value())
    }

    /// `add` with an input for which there is no JSON.
    pub(crate) fn add_nan(&self) -> P::Request<u64> {
        self.port.request("add", &f64::NAN, Returns::value())
    }

    pub(crate) fn delete(&self) -> P::Request<()> {
        self.port.request("delete", &(), Returns::value())
    }
}

impl<P: StatePort> ProbeRef<P> {
    pub(crate) fn state(&self) -> P::State<Probe> {
        self.port.state()
    }
}

impl<P: Port> Reference for ProbeRef<P> {
    type Port = P;
    type Over<Q: Port> = ProbeRef<Q>;

    fn port(&self) -> &P {
        &self.port
    }

    fn over<Q: Port>(port: Q) -> ProbeRef<Q> {
        ProbeRef { port }
    }
}

/// An entity type that no test registers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stranger;

impl EntityType for Stranger {
    const NAME: &'static str = "stranger";
    type Ref<P: Port> = StrangerRef<P>;

    fn refer<P: Port>(port: P) -> StrangerRef<P> {
        StrangerRef { port }
    }
}

impl Entity for Stranger {
    fn initial(_key: &str) -> Self {
        Self
    }

    fn operations() -> Operations<Self> {
        Operations::new()
    }
}

pub(crate) struct StrangerRef<P> {
    port: P,
}

impl<P: Port> Reference for StrangerRef<P> {
    type Port = P;
    type Over<Q: Port> = StrangerRef<Q>;

    fn port(&self) -> &P {
        &self.port
    }

    fn over<Q: Port>(port: Q) -> StrangerRef<Q> {
        StrangerRef { port }
    }
}

impl<P: Port> StrangerRef<P> {
    pub(crate) fn delete(&self) -> P::Request<()> {
        self.port.request("delete", &(), Returns::value())
    }
}

impl<P: StatePort> StrangerRef<P> {
    pub(crate) fn state(&self) -> P::State<Stranger> {
        self.port.state()
    }
}

type Hook = Arc<dyn Fn() + Send + Sync>;

static HOOKS: Mutex<BTreeMap<String, Hook>> = Mutex::new(BTreeMap::new());

/// What the operation `hook` of the entity `key` does. Tests share a process, so each has keys of its own.
pub(crate) fn hook(key: &str, hook: impl Fn() + Send + Sync + 'static) {
    HOOKS.lock().expect("no hook runs under the lock").insert(key.to_owned(), Arc::new(hook));
}

fn run_hook(cx: &EntityContext<'_>) {
    let hook = HOOKS.lock().expect("no hook runs under the lock").get(cx.key()).cloned();
    if let Some(hook) = hook {
        hook();
    }
}

/// An operation that does not return until it is let go.
pub(crate) struct Held {
    entered: events::UnboundedReceiver<()>,
    release: mpsc::Sender<()>,
}

/// Makes `hook` of the entity `key` wait until it is let go.
pub(crate) fn hold(key: &str) -> Held {
    let (enter, entered) = events::unbounded_channel();
    let (release, released) = mpsc::channel();
    let released = Mutex::new(released);
    hook(key, move || {
        // The test may be over already.
        let _ = enter.send(());
        let _ = released.lock().expect("one holds at a time").recv();
    });
    Held { entered, release }
}

impl Held {
    /// Waits until the operation runs.
    pub(crate) async fn entered(&mut self) {
        self.entered.recv().await.expect("the hook lives as long as the process");
    }

    /// Lets the operation go, now or when it comes.
    pub(crate) fn release(&self) {
        self.release.send(()).expect("the hook lives as long as the process");
    }
}

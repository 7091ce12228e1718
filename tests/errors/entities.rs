//! The entity types that are asked for wrong things, and that do wrong things.

use sarsen::{
    CallError, Entity, EntityContext, EntityType, OperationContext, Operations, Port, Reference, Returns,
    StatePort, operations,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    cell::Cell,
    collections::BTreeMap,
    future::pending,
    panic::panic_any,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Does whatever can go wrong in an operation.
#[derive(Entity, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clerk {
    pub(crate) sum: f64,
    text: String,
    looks: Cell<u32>,
    #[serde(skip_deserializing)]
    forgotten: u32,
    mark: Option<Mark>,
}

/// Is written and cannot be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Mark {
    Readable,
    #[serde(skip_deserializing)]
    Unreadable,
}

/// The error of an operation of a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{missing} are missing")]
pub(crate) struct Insufficient {
    pub(crate) missing: f64,
}

#[operations]
impl Clerk {
    fn add(&mut self, amount: f64) -> f64 {
        self.sum += amount;
        self.sum
    }

    fn withdraw(&mut self, amount: f64) -> Result<f64, Insufficient> {
        self.sum -= amount;
        if self.sum < 0.0 { Err(Insufficient { missing: -self.sum }) } else { Ok(self.sum) }
    }

    fn share(&mut self, among: f64) -> Result<f64, Insufficient> {
        self.sum /= among;
        if self.sum < 0.0 { Err(Insufficient { missing: -self.sum }) } else { Ok(among) }
    }

    fn fall(&mut self, why: String) {
        self.sum += 1.0;
        panic!("{why}");
    }

    fn fall_silently(&mut self) {
        self.sum += 1.0;
        panic_any(7);
    }

    fn spoil(&mut self) {
        self.sum = f64::NAN;
    }

    fn grow(&mut self, bytes: usize) {
        self.text = "x".repeat(bytes);
    }

    fn forget(&mut self) {
        self.forgotten = 1;
    }

    fn scrawl(&mut self) {
        self.mark = Some(Mark::Unreadable);
    }

    fn look(&self) {
        self.looks.set(self.looks.get() + 1);
    }

    fn ratio(&self) -> Vec<f64> {
        vec![0.5, 0.0 / self.sum]
    }

    fn chart(&self) -> BTreeMap<(u8, u8), f64> {
        BTreeMap::from([((1, 2), self.sum)])
    }

    fn recite(&self, bytes: usize) -> String {
        format!("{}{}", self.text, "x".repeat(bytes))
    }

    fn send(&mut self, cx: &mut EntityContext<'_>, to: String, amount: f64, times: u32) {
        self.sum -= amount;
        for _ in 0..times {
            cx.entity::<Clerk>(&to).add(amount).signal();
        }
    }

    #[operation(timeout = "20ms")]
    async fn ponder(&mut self) {
        pending::<()>().await;
    }

    async fn ask_itself(&mut self, cx: OperationContext) -> Result<f64, CallError> {
        cx.client().entity::<Clerk>(cx.key()).add(1.0).await
    }

    fn send_nan(&mut self, cx: &mut EntityContext<'_>, to: String) {
        self.sum += 1.0;
        cx.entity::<Clerk>(to).add(f64::NAN).signal();
    }

    fn send_late(&mut self, cx: &mut EntityContext<'_>, to: String, times: u32) {
        self.sum -= 1.0;
        for _ in 0..times {
            cx.entity::<Clerk>(&to).add(1.0).after(Duration::from_secs(3_600)).signal();
        }
    }

    fn plan(&mut self, cx: &mut EntityContext<'_>, id: String) {
        self.sum += 1.0;
        cx.entity::<Clerk>(cx.key()).add(1.0).after(Duration::from_secs(3_600)).scheduled_as(id).signal();
    }

    fn dictate(&mut self, cx: &mut EntityContext<'_>, to: String, bytes: usize) {
        self.sum += 1.0;
        cx.entity::<Clerk>(to).fall("x".repeat(bytes)).signal();
    }

    fn misdirect(&mut self, cx: &mut EntityContext<'_>, to: String, operation: String) {
        self.sum += 1.0;
        match operation.as_str() {
            "haunt" => cx.entity::<Ghost>(to).haunt().signal(),
            "sing" => cx.entity::<Bell>(to).ask::<()>("sing", ()).signal(),
            _ => cx.entity::<Bell>(to).ask::<()>("ring", "loudly").signal(),
        }
    }

    fn circle(&mut self, cx: &mut EntityContext<'_>) {
        self.sum += 1.0;
        cx.entity::<Clerk>(cx.key()).circle().signal();
    }

    fn run(&mut self, errand: usize) {
        self.sum += 1.0;
        let errand = errands()[errand].clone();
        errand();
    }
}

type Errand = Arc<dyn Fn() + Send + Sync>;

static ERRANDS: Mutex<Vec<Errand>> = Mutex::new(Vec::new());

fn errands() -> std::sync::MutexGuard<'static, Vec<Errand>> {
    ERRANDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves code, which no JSON can carry, for the operation `run`; returns the input that finds it.
pub(crate) fn errand(code: impl Fn() + Send + Sync + 'static) -> usize {
    let mut errands = errands();
    errands.push(Arc::new(code));
    errands.len() - 1
}

/// A type that nobody registers.
#[derive(Entity, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Ghost;

#[operations]
impl Ghost {
    fn haunt(&mut self) {}
}

/// A reference written by hand, which can ask for anything.
#[derive(Clone, Debug)]
pub(crate) struct Anything<P> {
    port: P,
}

impl<P: Port> Reference for Anything<P> {
    type Port = P;
    type Over<Q: Port> = Anything<Q>;

    fn port(&self) -> &P {
        &self.port
    }

    fn over<Q: Port>(port: Q) -> Anything<Q> {
        Anything { port }
    }
}

impl<P: Port> Anything<P> {
    pub(crate) fn ask<R: Serialize + DeserializeOwned>(
        &self,
        operation: &'static str,
        input: impl Serialize,
    ) -> P::Request<R> {
        self.port.request(operation, &input, Returns::value())
    }
}

impl<P: StatePort> Anything<P> {
    pub(crate) fn state(&self) -> P::State<Stranger> {
        self.port.state()
    }
}

/// Entity types written by hand: type, name, operations.
macro_rules! by_hand {
    ($($(#[$doc:meta])* $type:ident, $name:literal, $operations:expr;)*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, Default, Serialize, Deserialize)]
        pub(crate) struct $type(String);

        impl EntityType for $type {
            const NAME: &'static str = $name;
            type Ref<P: Port> = Anything<P>;

            fn refer<P: Port>(port: P) -> Anything<P> {
                Anything { port }
            }
        }

        impl Entity for $type {
            fn initial(_key: &str) -> Self {
                Self::default()
            }

            fn operations() -> Operations<Self> {
                $operations
            }
        })*
    };
}

by_hand! {
    /// It can do one thing.
    Bell, "bell", Operations::new().update("ring", Returns::value(), |_: &mut Self, _, _times: u32| ());
    /// A clerk by name, and something else by its state.
    Stranger, "clerk", Operations::new().update("add", Returns::value(), |_: &mut Self, _, _: f64| 0.0);
    /// Its name is none.
    Shouting, "CLERK", Operations::new();
    /// The name of its operation is none.
    Mumbling, "mumbling", Operations::new().read("two words", Returns::value(), |_: &Self, _, ()| ());
    /// It has an operation twice.
    Stammering, "stammering", Operations::new()
        .read("say", Returns::value(), |_: &Self, _, ()| ())
        .read("say", Returns::value(), |_: &Self, _, ()| ());
}

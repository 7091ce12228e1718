//! How code names activities and orchestrations: by types.

use crate::Context;
use sarsen_protocol::{OrchestrationType, Returns};
use serde::{Serialize, de::DeserializeOwned};

/// The name and the types of an activity: work that may touch the world, run beside the engine, at least once.
///
/// `#[activity] async fn notify(text: String) -> Result<(), NotifyError>` writes:
///
/// ```
/// use sarsen_orchestration::{Activity, ActivityCode, Context};
/// use sarsen_protocol::Returns;
/// # #[derive(Debug, serde::Serialize, serde::Deserialize)]
/// # pub struct NotifyError;
/// # impl std::fmt::Display for NotifyError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("unreachable") }
/// # }
///
/// #[allow(non_camel_case_types)]
/// pub struct notify {}
///
/// pub fn notify() -> notify {
///     notify {}
/// }
///
/// impl notify {
///     pub async fn run(text: String) -> Result<(), NotifyError> {
///         drop(text);
///         Ok(())
///     }
/// }
///
/// impl Activity for notify {
///     const NAME: &'static str = "notify";
///     type Input = String;
///     type Output = Result<(), NotifyError>;
///
///     fn returns() -> Returns<Self::Output> {
///         Returns::fallible()
///     }
/// }
///
/// impl<C: Send> ActivityCode<C> for notify {
///     async fn run(_context: C, text: String) -> Result<(), NotifyError> {
///         notify::run(text).await
///     }
/// }
///
/// # async fn orchestration(cx: Context) -> Result<(), sarsen_protocol::CallError> {
/// let sent: Result<(), NotifyError> = cx.activity(notify, "done").await?;
/// # Ok(()) }
/// ```
///
/// The type and the function share a name, and only the function stands among values: a unit struct would take
/// the name away from every variable. Unit tests call the marker's own `run`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no activity",
    note = "an activity is made by `#[activity]` on an `async fn`"
)]
pub trait Activity: 'static {
    /// The name under which it is recorded and found: `[a-z][a-z0-9_]{0,63}`.
    const NAME: &'static str;

    /// What it takes: `()`, a value, or a tuple of several.
    type Input: Serialize + DeserializeOwned;

    /// What it returns.
    type Output: 'static;

    /// How its output is written and read.
    fn returns() -> Returns<Self::Output>;
}

/// The code of an activity that runs with a context of type `C`: the host's, which is not known here.
///
/// [`run`](Self::run) is called off the shard, on any thread, at least once for each command; its panic is a failure.
#[diagnostic::on_unimplemented(
    message = "activity `{Self}` does not run with a `{C}`",
    note = "an activity takes `cx: ActivityContext` first, or no context"
)]
pub trait ActivityCode<C>: Activity {
    /// The code.
    fn run(context: C, input: Self::Input) -> impl Future<Output = Self::Output> + Send;
}

/// The types and the code of an orchestration; its name and its input stand in [`OrchestrationType`].
///
/// `#[orchestration] async fn greet(cx: Context, name: String) -> String` writes:
///
/// ```
/// use sarsen_orchestration::{Context, Orchestration, Typed};
/// use sarsen_protocol::{OrchestrationType, Returns};
/// use std::time::Duration;
///
/// #[allow(non_camel_case_types)]
/// pub struct greet {}
///
/// pub fn greet() -> greet {
///     greet {}
/// }
///
/// impl greet {
///     pub async fn run(cx: Context, name: String) -> String {
///         cx.timer(Duration::from_secs(1)).await;
///         format!("hello, {name}")
///     }
/// }
///
/// impl OrchestrationType for greet {
///     const NAME: &'static str = "greet";
///     type Input = String;
/// }
///
/// impl Orchestration for greet {
///     type Output = String;
///
///     fn returns() -> Returns<String> {
///         Returns::value()
///     }
///
///     async fn run(cx: Context, name: String) -> String {
///         greet::run(cx, name).await
///     }
/// }
///
/// assert!(Typed::<greet>::new().is_ok());
/// ```
///
/// # The contract
///
/// [`run`](Self::run) is called once for each activation of an execution, on the thread of its shard, and its future
/// is polled there. After an eviction or a restart it is called again with the same input, and what it does is
/// compared with the history. So it depends on its input and its context alone: time, randomness, ids, waiting and
/// the world come from the context. What it awaits otherwise is found, by name, and parks the execution.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no orchestration",
    note = "an orchestration is made by `#[orchestration]` on an `async fn`"
)]
pub trait Orchestration: OrchestrationType {
    /// What it returns.
    type Output: 'static;

    /// How its output is written and read.
    fn returns() -> Returns<Self::Output>;

    /// The code.
    fn run(cx: Context, input: Self::Input) -> impl Future<Output = Self::Output>;
}

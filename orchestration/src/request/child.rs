//! Children, and runs that nobody waits for.

use super::decode;
use crate::{
    Command, Labels, Launch, Orchestration, RetryPolicy,
    awaited::Awaited,
    core::{Core, Plan, Wanted},
};
use sarsen_protocol::{CallError, OrchestrationName, Payload, RunId};
use std::{fmt, marker::PhantomData, rc::Rc};

/// Another run that is asked for, from [`Context::child`](crate::Context::child).
///
/// Awaited, it is a child. [`detach`](Self::detach) starts it on its own instead.
#[must_use = "a child does not start before it is awaited, joined, started or detached"]
pub struct ChildRequest<O> {
    core: Rc<Core>,
    input: Result<Payload, CallError>,
    id: Option<String>,
    tags: Vec<(String, String)>,
    policy: Option<RetryPolicy>,
    _orchestration: PhantomData<fn() -> O>,
}

impl<O: Orchestration> ChildRequest<O> {
    pub(crate) fn new(core: &Rc<Core>, input: &O::Input) -> Self {
        let input = core.encode(input, || format!("the input of orchestration `{}`", O::NAME));
        let (core, tags) = (Rc::clone(core), Vec::new());
        Self { core, input, id: None, tags, policy: None, _orchestration: PhantomData }
    }

    /// Gives the run its id. Without it, the id is made of this execution's id and the command's, `{execution}-{command}`:
    /// like the execution's it names a slot, so that the child lives in the slot of its parent.
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// Gives the run a tag, a free word under a name, by which it can be listed. A name that is given again has its last
    /// word.
    pub fn tag(mut self, name: impl Into<String>, word: impl Into<String>) -> Self {
        let name = name.into();
        self.tags.retain(|(given, _)| *given != name);
        self.tags.push((name, word.into()));
        self
    }

    /// Starts it again when it has failed or was terminated, under the same id: the run that failed gives its place to the
    /// next. Of no effect on a run that is detached.
    pub fn retry(self, policy: RetryPolicy) -> Self {
        Self { policy: Some(policy), ..self }
    }

    /// Starts it, to be awaited later.
    pub fn start(self) -> Awaited<Result<O::Output, CallError>> {
        if let Err(error) = self.core.may_await_child(O::NAME) {
            return Awaited::refused(Err(error.into()));
        }
        let (input, id) = match (self.input, checked(self.id)) {
            (Ok(input), Ok(id)) => (input, id),
            (Err(error), _) | (_, Err(error)) => return Awaited::refused(Err(error)),
        };
        let core = self.core;
        let launch = launch::<O>(&core, id, input, self.tags);
        let run = launch.run.clone();
        let plan = Plan { policy: self.policy, ..Plan::default() };
        let waiter = core.request_planned(Wanted::Child(launch), plan);
        Awaited::new(&core, waiter, move |outcome| {
            let failed = |failure| CallError::ChildFailed { orchestration: O::NAME.to_owned(), run, failure };
            decode(O::returns(), outcome, failed, || format!("orchestration `{}`", O::NAME))
        })
    }

    /// Starts it on its own: nobody waits for its result. Allowed inside a critical section too.
    ///
    /// # Errors
    /// [`CallError::InvalidRun`] when the id that was given is none; [`CallError::Unsendable`] when the input has no
    /// JSON or is over its limit.
    pub fn detach(self) -> Result<RunId, CallError> {
        let (input, id) = (self.input?, checked(self.id)?);
        let launch = launch::<O>(&self.core, id, input, self.tags);
        let run = launch.run.clone();
        self.core.act(Command::Detached(launch));
        Ok(run)
    }
}

fn checked(id: Option<String>) -> Result<Option<RunId>, CallError> {
    Ok(id.map(|id| RunId::new(&id)).transpose()?)
}

/// What the next command starts.
fn launch<O: Orchestration>(
    core: &Core,
    id: Option<RunId>,
    input: Payload,
    tags: Vec<(String, String)>,
) -> Launch {
    let run = id.unwrap_or_else(|| {
        let id = format!("{}-{}", core.start.execution, core.look().next());
        RunId::new(&id).expect("it has 32 digits, a hyphen and at most 10 digits")
    });
    Launch { run, name: OrchestrationName::of(O::NAME), input, labels: Labels { tags, ..core.labels() } }
}

impl<O: Orchestration> IntoFuture for ChildRequest<O> {
    type Output = Result<O::Output, CallError>;
    type IntoFuture = Awaited<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start()
    }
}

impl<O: Orchestration> fmt::Debug for ChildRequest<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildRequest")
            .field("name", &O::NAME)
            .field("input", &self.input)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

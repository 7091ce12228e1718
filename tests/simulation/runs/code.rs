//! The orchestration of the simulation: does what its program says, and keeps what it sees.

use super::{
    account::{Account, AccountRef, Answer, Op},
    act::{Act, Asking, By, Deed, EVENTS, Ending, Node, Program, Retry, Sent},
    activity::{self, work},
    stage::{self, CodeFault},
};
use crate::ledger::PANIC;
use sarsen_orchestration::{
    Again, Attempted, Awaited, Branch, Caller, Completions, Context, EventError, Guard, Orchestration,
    RetryPolicy, join_all, select, select_all,
};
use sarsen_protocol::{
    CallError, ExecutionId, Failure, FailureKind, OrchestrationType, Returns, RunId, content_hash,
};
use serde::{Deserialize, Serialize};
use std::{
    cell::{Cell, RefCell},
    fmt::{self, Debug},
    panic::resume_unwind,
    pin::Pin,
    rc::Rc,
    time::Duration,
};

/// What a run returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The events that it has taken, in order.
    pub(crate) taken: Vec<Sent>,
    /// What its last execution has seen.
    pub(crate) digest: u64,
    pub(crate) generation: u32,
}

/// The error with which a program ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stopped(pub(crate) Report);

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped with {:x}", self.0.digest)
    }
}

/// The marker of the orchestration, as `#[orchestration]` would write it.
#[expect(non_camel_case_types, reason = "a marker is named like its function")]
pub(crate) struct perform {}

pub(crate) fn perform() -> perform {
    perform {}
}

impl OrchestrationType for perform {
    const NAME: &'static str = "perform";
    type Input = Program;
}

impl Orchestration for perform {
    type Output = Result<Report, Stopped>;

    fn returns() -> Returns<Self::Output> {
        Returns::fallible()
    }

    async fn run(cx: Context, program: Program) -> Result<Report, Stopped> {
        play(cx, program).await
    }
}

/// As [`perform`], but of this one only so many may be under way. Its children are those of the other, so that none
/// waits for itself.
#[expect(non_camel_case_types, reason = "a marker is named like its function")]
pub(crate) struct queue {}

pub(crate) fn queue() -> queue {
    queue {}
}

impl OrchestrationType for queue {
    const NAME: &'static str = "queue";
    type Input = Program;
}

impl Orchestration for queue {
    type Output = Result<Report, Stopped>;

    fn returns() -> Returns<Self::Output> {
        Returns::fallible()
    }

    async fn run(cx: Context, program: Program) -> Result<Report, Stopped> {
        play(cx, program).await
    }
}

async fn play(cx: Context, program: Program) -> Result<Report, Stopped> {
    stage::activate(cx.is_replaying());
    if stage::is_broken() && cx.is_replaying() {
        let _ = cx.set_status("code that does not fit");
    }
    if stage::is_armed(CodeFault::ReplaySensitive) && cx.is_replaying() {
        drop(cx.timer(Duration::ZERO));
        let _ = cx.random();
    }
    let scene = Scene::new(cx, &program);
    let ended = all(&scene, &program.acts).await;
    scene.kept.borrow_mut().clear();
    match ended {
        Ok(()) => Ok(scene.report()),
        Err(Stop) => Err(Stopped(scene.report())),
    }
}

/// The program stops by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stop;

type Set = Vec<AccountRef<Caller>>;

/// The section that is open, as the code knows it.
#[derive(Debug)]
struct Inside {
    open: Rc<Cell<Option<u32>>>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.open.set(None);
    }
}

/// A section that is held, and what is in it.
type Held = (Inside, Guard<Set>);

/// What the code has at hand. Cheap to clone, for branches.
#[derive(Clone)]
struct Scene {
    cx: Context,
    execution: ExecutionId,
    digest: Rc<Cell<u64>>,
    seen: Rc<Cell<usize>>,
    taken: Rc<RefCell<Vec<Sent>>>,
    open: Rc<Cell<Option<u32>>>,
    /// Sections that are held to the end.
    kept: Rc<RefCell<Vec<Held>>>,
    generation: u32,
    plain: bool,
    /// Whether others run beside it, so that of a plain program nothing is noted.
    beside: bool,
}

impl Scene {
    fn new(cx: Context, program: &Program) -> Self {
        Self {
            execution: cx.execution_id(),
            cx,
            digest: Rc::default(),
            seen: Rc::default(),
            taken: Rc::new(RefCell::new(program.taken.clone())),
            open: Rc::default(),
            kept: Rc::default(),
            generation: program.generation,
            plain: program.plain,
            beside: false,
        }
    }

    /// Keeps what is seen.
    fn note(&self, seen: impl Debug) {
        if self.plain && self.beside {
            return;
        }
        let text = format!("{:x} {seen:?}", self.digest.get());
        self.digest.set(content_hash("", text.as_bytes()));
        let at = self.seen.replace(self.seen.get() + 1);
        stage::decide(self.execution, at, self.digest.get(), || text);
    }

    /// Keeps an outcome, or of a plain program only whether it is good.
    fn note_outcome<T: Debug, E: Debug>(&self, outcome: &Result<T, E>) {
        if self.plain {
            self.note(outcome.is_ok());
        } else {
            self.note(outcome);
        }
    }

    fn report(&self) -> Report {
        let (taken, digest) = (self.taken.borrow().clone(), self.digest.get());
        Report { taken, digest, generation: self.generation }
    }

    fn op(&self, node: Node, part: u8) -> Op {
        Op { node, execution: self.execution.unique(), part }
    }

    fn account(&self, number: usize) -> AccountRef<Caller> {
        self.cx.entity::<Account>(super::account::key(number))
    }

    fn call(&self, node: Node, part: u8, account: usize, deed: Deed) -> Awaited<Result<Answer, CallError>> {
        let order = (self.op(node, part), self.open.get(), deed);
        self.account(account).perform(&order).start()
    }

    fn branch(&self, acts: &[Act]) -> Branch<Result<(), Stop>> {
        let (scene, acts) = (Self { beside: true, ..self.clone() }, acts.to_vec());
        self.cx.branch(async move { all(&scene, &acts).await })
    }

    fn branches(&self, parts: &[Vec<Act>]) -> Vec<Branch<Result<(), Stop>>> {
        parts.iter().map(|acts| self.branch(acts)).collect()
    }

    /// The activity by its name: its failures are those of any activity.
    async fn named(&self, node: Node, conduct: super::act::Conduct, retry: Option<Retry>) {
        let order = activity::Order { node, execution: self.execution.unique(), conduct };
        let request = self.cx.activity_named::<activity::Performed>("work", &order);
        let request = match retry {
            Some(retry) => request.retry(policy(retry)),
            None => request,
        };
        self.note(request.await.is_ok());
    }

    async fn work(&self, node: Node, conduct: super::act::Conduct, retry: Option<Retry>) {
        let order = activity::Order { node, execution: self.execution.unique(), conduct };
        let mut request = self.cx.activity(work, order);
        if let Some(retry) = retry {
            request = match retry.by {
                By::Policy => request.retry(policy(retry)),
                By::Filter => {
                    let mends = |failure: &Failure| failure.kind != FailureKind::Panicked;
                    request.retry(policy(retry)).retry_if(mends)
                }
                By::Handler => request.retry_with(move |attempt: &Attempted<'_>| {
                    let again = attempt.number < retry.attempts && attempt.elapsed < Duration::from_secs(9);
                    let wait = Duration::from_millis(retry.first_ms) * attempt.number;
                    if again { Again::After(wait) } else { Again::Stop }
                }),
            };
            request = retry.timeout_ms.into_iter().fold(request, |request, ms| request.timeout(millis(ms)));
            request =
                retry.total_ms.into_iter().fold(request, |request, ms| request.total_timeout(millis(ms)));
        }
        let mut outcome = request.await;
        if stage::is_armed(CodeFault::Undecoded)
            && !self.cx.is_replaying()
            && let Ok(Ok(performed)) = &mut outcome
        {
            performed.secret = 1;
        }
        if self.plain {
            self.note(outcome.is_ok_and(|answer| answer.is_ok()));
        } else {
            self.note(outcome);
        }
    }

    fn took(&self, event: Result<Sent, EventError>) {
        if let Ok(sent) = &event {
            self.taken.borrow_mut().push(*sent);
        }
        self.note(event);
    }

    fn ask(&self, accounts: &[usize], asking: Asking) -> Awaited<Result<Guard<Set>, CallError>> {
        let set: Set = accounts.iter().map(|account| self.account(*account)).collect();
        match asking {
            Asking::Wait => self.cx.lock(set),
            Asking::Try => self.cx.try_lock(set),
            Asking::Within(ms) => self.cx.lock(set).timeout(millis(ms)),
        }
    }

    async fn lock(&self, accounts: &[usize], asking: Asking) -> Result<(Inside, Guard<Set>), CallError> {
        let guard = self.ask(accounts, asking).await.inspect_err(stage::refuse)?;
        self.open.set(Some(guard.section().0));
        Ok((Inside { open: Rc::clone(&self.open) }, guard))
    }

    /// On as another execution.
    async fn again(&self, acts: &[Act]) -> Result<(), Stop> {
        let program = Program {
            acts: acts.to_vec(),
            taken: self.taken.borrow().clone(),
            generation: self.generation + 1,
            plain: self.plain,
        };
        self.cx.continue_as_new(&program).await
    }
}

fn policy(retry: Retry) -> RetryPolicy {
    let first = Duration::from_millis(retry.first_ms);
    RetryPolicy { attempts: retry.attempts, backoff: 1.5, ..RetryPolicy::every(first) }
}

type Done<'a> = Pin<Box<dyn Future<Output = Result<(), Stop>> + 'a>>;

fn all<'a>(scene: &'a Scene, acts: &'a [Act]) -> Done<'a> {
    Box::pin(async move {
        for act in acts {
            one(scene, act).await?;
        }
        Ok(())
    })
}

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

async fn one(scene: &Scene, act: &Act) -> Result<(), Stop> {
    let cx = &scene.cx;
    match act {
        Act::Work(node, conduct, retry) => scene.work(*node, *conduct, *retry).await,
        Act::Named(node, conduct, retry) => scene.named(*node, *conduct, *retry).await,
        Act::Events(name, count, ms) => {
            let request = cx.event::<Sent>(EVENTS[usize::from(*name)]).times(*count);
            let events = match ms {
                Some(ms) => request.timeout(millis(*ms)).await,
                None => request.await,
            };
            if let Ok(events) = &events {
                scene.taken.borrow_mut().extend(events);
            }
            scene.note(events);
        }
        Act::Sleep(ms) => cx.timer(millis(*ms)).await,
        Act::Event(name, None) => scene.took(cx.event(EVENTS[usize::from(*name)]).await),
        Act::Event(name, Some(ms)) => {
            scene.took(cx.event(EVENTS[usize::from(*name)]).timeout(millis(*ms)).await);
        }
        Act::Send(node, to, name) => {
            let (to, sent) = (RunId::new(to), Sent(*node, scene.execution.unique()));
            let to = to.expect("the generator gives run ids");
            scene.note(cx.send_event(&to, EVENTS[usize::from(*name)], &sent));
        }
        Act::Call(node, account, deed) => {
            let answer = scene.call(*node, 0, *account, deed.clone()).await;
            scene.note_outcome(&answer);
        }
        Act::Signal(node, account, deed, ms) => {
            let order = (scene.op(*node, 0), None, deed.clone());
            scene.note(scene.account(*account).perform(&order).after(millis(*ms)).signal());
        }
        Act::Calls(calls) => {
            let calls = calls.iter().map(|(node, account)| scene.call(*node, 0, *account, Deed::Note));
            for answer in join_all(calls.collect::<Vec<_>>()).await {
                scene.note_outcome(&answer);
            }
        }
        Act::Status => scene.note(cx.set_status(&scene.digest.get())),
        Act::Draw if scene.plain => {}
        Act::Draw => scene.note((cx.now(), cx.random(), cx.uuid(), cx.section())),
        Act::Panic => resume_unwind(Box::new(PANIC)),
        Act::Fail => return Err(Stop),
        Act::Again(acts) => return scene.again(acts).await,
        Act::Child(..) | Act::Detach(..) | Act::Insist(..) => return started(scene, act).await,
        Act::Transfer(..) | Act::Section(..) | Act::Hasty(..) => return locked(scene, act).await,
        Act::Join(_) | Act::Race(_) | Act::Limit(..) | Act::Stream(_) | Act::Ahead(..) => {
            return composed(scene, act).await;
        }
    }
    Ok(())
}

async fn started(scene: &Scene, act: &Act) -> Result<(), Stop> {
    let (Act::Child(id, acts) | Act::Detach(id, acts) | Act::Insist(id, acts, _)) = act else {
        unreachable!("{act:?} starts nothing");
    };
    let program = Program { plain: scene.plain, ..Program::new(acts.clone()) };
    let request = scene.cx.child(perform, program);
    let request = match id {
        Some(id) => request.id(id),
        None => request,
    };
    let request = match act {
        Act::Insist(_, _, attempts) => {
            let policy = RetryPolicy { attempts: *attempts, ..RetryPolicy::every(millis(30)) };
            request.tag("kind", "insist").retry(policy)
        }
        _ => request,
    };
    if matches!(act, Act::Child(..) | Act::Insist(..)) {
        let result = request.await;
        scene.note_outcome(&result);
    } else {
        scene.note_outcome(&request.detach());
    }
    Ok(())
}

async fn locked(scene: &Scene, act: &Act) -> Result<(), Stop> {
    match act {
        Act::Hasty(accounts, asking) => drop(scene.ask(accounts, *asking)),
        Act::Transfer(node, [from, to], amount, between) => {
            let held = match scene.lock(&[*from, *to], Asking::Wait).await {
                Ok(held) => held,
                Err(error) => {
                    scene.note(error);
                    return Ok(());
                }
            };
            let taken = scene.call(*node, 0, *from, Deed::Move(-amount)).await;
            scene.note_outcome(&taken);
            if let Ok(Ok(_)) = taken {
                all(scene, between).await?;
                scene.note_outcome(&scene.call(*node, 1, *to, Deed::Move(*amount)).await);
            }
            drop(held);
        }
        Act::Section(node, accounts, asking, acts, ending) => {
            let held = scene.lock(accounts, *asking).await;
            return section(scene, *node, (accounts, held), acts, *ending).await;
        }
        other => unreachable!("{other:?} locks nothing"),
    }
    Ok(())
}

async fn section(
    scene: &Scene,
    node: Node,
    (accounts, held): (&[usize], Result<Held, CallError>),
    acts: &[Act],
    ending: Ending,
) -> Result<(), Stop> {
    let (inside, guard) = match held {
        Ok(held) => held,
        Err(error) => {
            scene.note(error);
            return Ok(());
        }
    };
    let order = |part: usize| {
        let op = scene.op(node, u8::try_from(part).expect("a section has few accounts"));
        (op, Some(guard.section().0), Deed::Note)
    };
    let refs = guard.refs();
    let once = accounts.iter().enumerate().filter(|(at, account)| !accounts[..*at].contains(account));
    let calls: Vec<_> = once.map(|(at, _)| refs[at].perform(&order(at)).start()).collect();
    drop(refs);
    for answer in join_all(calls).await {
        scene.note_outcome(&answer);
    }
    all(scene, acts).await?;
    match ending {
        Ending::Release => {
            drop(inside);
            guard.release();
            scene.note(scene.cx.section());
        }
        Ending::Drop => {}
        Ending::Fail => return Err(Stop),
        Ending::Panic => resume_unwind(Box::new(PANIC)),
        Ending::Keep => scene.kept.borrow_mut().push((inside, guard)),
        Ending::Again => return scene.again(&[]).await,
    }
    Ok(())
}

async fn composed(scene: &Scene, act: &Act) -> Result<(), Stop> {
    let cx = &scene.cx;
    match act {
        Act::Join(parts) => scene.note(join_all(scene.branches(parts)).await),
        Act::Race(parts) => scene.note(select_all(scene.branches(parts)).await),
        Act::Limit(acts, ms) => scene.note(select(scene.branch(acts), cx.timer(millis(*ms))).await),
        Act::Stream(nodes) => {
            let order = |node: Node| activity::Order {
                node,
                execution: scene.execution.unique(),
                conduct: super::act::Conduct::Well(0),
            };
            let (first, rest) = nodes.split_at(nodes.len().min(2));
            let mut rest = rest.iter();
            let mut running: Completions<_> =
                first.iter().map(|node| cx.activity(work, order(*node))).collect();
            while let Some(answer) = running.next().await {
                scene.note_outcome(&answer);
                running.extend(rest.next().map(|node| cx.activity(work, order(*node))));
            }
        }
        Act::Ahead(node, acts, keep) => {
            let conduct = super::act::Conduct::Well(1);
            let order = activity::Order { node: *node, execution: scene.execution.unique(), conduct };
            let (work, timer) = (cx.activity(work, order).start(), cx.timer(millis(300)).start());
            let event = cx.event::<Sent>(EVENTS[0]).timeout(millis(900)).start();
            all(scene, acts).await?;
            if *keep {
                scene.note_outcome(&work.await);
                scene.took(event.await);
            }
            drop(timer);
        }
        simple => unreachable!("{simple:?} is not composed"),
    }
    Ok(())
}

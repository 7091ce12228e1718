//! What the clients of a seed ask for, and when they ask again.

use super::{
    account::Op,
    act::Node,
    clients::{self, Look},
    generate::Generator,
    oracle::{Asked, AskedId, What},
    plan::Plan,
    watch::Shared,
};
use sarsen_runtime::{Client, Reuse};
use sarsen_testing::{Random, VirtualHost, World};
use std::time::Duration;

/// After so many attempts a client stops to ask.
const ATTEMPTS_MAX: usize = 40;

/// The tag that each run has.
const TEAMS: [&str; 2] = ["blue", "red"];

/// The ids that runs of a seed are given.
pub(crate) fn ids(plan: &Plan) -> Vec<String> {
    (0..plan.ids).map(|number| format!("run-{number}")).collect()
}

/// The clients of a seed.
pub(crate) struct Workload {
    plan: Plan,
    random: Random,
    generator: Generator,
    shared: Shared,
    ids: Vec<String>,
    handles: Vec<(u32, Client)>,
    next_handle: u32,
    /// The process to which the handles belong.
    process: u64,
    starts: usize,
    requests: usize,
}

impl Workload {
    pub(crate) fn new(plan: Plan, mut random: Random, shared: Shared) -> Self {
        let ids = ids(&plan);
        Self {
            generator: Generator::new(random.fork(), ids.clone()),
            plan,
            random,
            shared,
            ids,
            handles: Vec::new(),
            next_handle: 0,
            process: 0,
            starts: 0,
            requests: 0,
        }
    }

    /// Whether all has been asked for.
    pub(crate) fn is_done(&self) -> bool {
        self.starts >= self.plan.starts && self.requests >= self.plan.requests
    }

    /// Asks for something, perhaps.
    pub(crate) fn step<W: World>(&mut self, host: &mut VirtualHost<W>) {
        self.refresh(host);
        if !self.random.one_in(self.plan.ask_one_in) || host.futures() >= self.plan.futures_max {
            return;
        }
        match self.random.below(100) {
            0..10 => self.ask_again(host),
            10..20 => self.look(host),
            20..30 => self.wait(host),
            30..55 if self.starts < self.plan.starts => {
                self.starts += 1;
                let start = self.start();
                self.ask(host, start);
            }
            _ if self.requests < self.plan.requests => {
                self.requests += 1;
                let what = self.request();
                self.ask(host, what);
            }
            _ => {}
        }
    }

    /// Takes handles of the process that runs.
    fn refresh<W: World>(&mut self, host: &VirtualHost<W>) {
        if self.process == host.restarts() {
            return;
        }
        self.process = host.restarts();
        self.handles.clear();
        self.shared.runs.borrow_mut().clear();
        for _ in 0..self.plan.handles {
            self.next_handle += 1;
            self.handles.push((self.next_handle, host.client()));
        }
    }

    fn id(&mut self) -> String {
        let at = self.random.below(self.ids.len());
        self.ids[at].clone()
    }

    /// The id of a run that may be rewound. No other run has one of those.
    fn brittle_id(&mut self) -> String {
        format!("brittle-{}", self.random.below(2))
    }

    fn any_id(&mut self) -> String {
        if self.random.one_in(4) { self.brittle_id() } else { self.id() }
    }

    fn start(&mut self) -> What {
        if !self.plan.contended && self.random.one_in(5) {
            let id = (!self.random.one_in(6)).then(|| self.brittle_id());
            return What::StartBrittle { id, stages: self.generator.stages(1) };
        }
        let acts = if self.plan.contended {
            self.generator.contending()
        } else {
            self.generator.program(self.plan.acts_max)
        };
        let id = (!self.random.one_in(6)).then(|| self.id());
        let reuse = if self.random.one_in(self.plan.end_one_in) {
            self.random.pick(&[Reuse::ReplaceFinished, Reuse::TerminateAndReplace])
        } else {
            self.random.pick(&[Reuse::Fail, Reuse::Return])
        };
        let queued = self.random.one_in(3) && !self.plan.contended;
        let team = self.random.pick(&TEAMS);
        let begin_ms = self.random.one_in(4).then(|| self.random.pick(&[0, 5, 300, 4_000]));
        What::Start { id, reuse, acts, queued, begin_ms, team }
    }

    fn node(&mut self) -> Node {
        self.generator.node()
    }

    fn request(&mut self) -> What {
        if self.random.one_in(self.plan.manage_one_in) {
            return self.management();
        }
        if self.plan.contended {
            return self.interference();
        }
        match self.random.below(20) {
            0..9 => {
                let name = self.random.pick(&[0, 0, 0, 1, 2]);
                let before_start_ms = self.random.one_in(3).then(|| self.random.pick(&[5, 300, 4_000]));
                What::Raise { run: self.id(), name, event: self.node(), before_start_ms }
            }
            9 | 10 => What::Suspend { run: self.any_id() },
            11..13 => What::Resume { run: self.any_id() },
            13 | 14 if self.random.one_in(self.plan.end_one_in) => {
                What::Terminate { run: self.any_id(), recurse: self.random.one_in(2) }
            }
            15 if self.random.one_in(self.plan.end_one_in) => What::Purge { run: self.any_id() },
            16 => What::Rewind { run: self.brittle_id() },
            _ => {
                let op = Op { node: self.node(), execution: 0, part: 0 };
                What::Note { account: self.generator.account(), op, call: self.random.one_in(2) }
            }
        }
    }

    /// What comes over runs that hold locks and want them.
    fn interference(&mut self) -> What {
        let run = if self.random.one_in(3) { None } else { self.contender() };
        let run = run.unwrap_or_else(|| self.id());
        match self.random.below(20) {
            0..4 => What::Raise { run, name: 0, event: self.node(), before_start_ms: None },
            4..7 => What::Suspend { run },
            7..10 => What::Resume { run },
            10..14 if self.random.one_in(self.plan.end_one_in) => {
                What::Terminate { run, recurse: self.random.one_in(2) }
            }
            14 => What::Purge { run },
            _ => {
                let op = Op { node: self.node(), execution: 0, part: 0 };
                What::Note { account: self.generator.account(), op, call: self.random.one_in(2) }
            }
        }
    }

    /// A run that holds locks or wants them, rather one that cannot go on.
    fn contender(&mut self) -> Option<String> {
        let sight = self.shared.sight.borrow();
        let (stuck, others) = sight.met.contenders();
        let from = if stuck.is_empty() || self.random.one_in(3) { others } else { stuck };
        let at = self.random.below(from.len().max(1));
        from.get(at).map(ToString::to_string)
    }

    /// What starts runs again, or ends many of them.
    fn management(&mut self) -> What {
        if self.random.one_in(3) {
            return What::PurgeTeam { team: self.random.pick(&TEAMS), with_children: self.random.one_in(2) };
        }
        let (run, id) = (self.id(), self.id());
        What::Restart { run, id: self.random.one_in(2).then_some(id) }
    }

    fn ask<W: World>(&mut self, host: &mut VirtualHost<W>, what: What) {
        let repeatable = matches!(what, What::Start { .. } | What::Raise { .. } | What::Note { .. });
        let key = (repeatable && self.random.one_in(3)).then(|| {
            let node = self.node();
            format!("key-{}", node.0)
        });
        // Two of a handle, one right behind the other, show that their order is kept.
        let next = match &what {
            What::Terminate { run, .. } if self.plan.contended => Some(What::Purge { run: run.clone() }),
            What::Raise { run, name, before_start_ms, .. } if key.is_none() && self.random.one_in(2) => {
                let (run, name, before_start_ms) = (run.clone(), *name, *before_start_ms);
                Some(What::Raise { run, name, event: self.node(), before_start_ms })
            }
            _ => None,
        };
        let at = self.random.below(self.handles.len());
        for what in [Some(what), next].into_iter().flatten() {
            let id = self.shared.oracle.borrow_mut().ask(what, key.clone());
            self.attempt_by(host, at, id);
        }
    }

    fn attempt<W: World>(&mut self, host: &mut VirtualHost<W>, id: AskedId) {
        let at = self.random.below(self.handles.len());
        self.attempt_by(host, at, id);
    }

    fn attempt_by<W: World>(&mut self, host: &mut VirtualHost<W>, at: usize, id: AskedId) {
        let (handle, client) = self.handles[at].clone();
        let timeout = self.random.one_in(12).then(|| Duration::from_micros(self.random.below(4_000) as u64));
        host.note(|| {
            let oracle = self.shared.oracle.borrow();
            let Asked { what, key, attempts } = oracle.get(id);
            format!("handle {handle} asks under {key:?} for the {}th time for {what:?}", attempts.len() + 1)
        });
        let future = clients::attempt(&self.shared, client, handle, id, timeout);
        self.spawn(host, future);
    }

    fn spawn<W: World>(&mut self, host: &mut VirtualHost<W>, future: impl Future<Output = ()> + 'static) {
        if self.random.one_in(self.plan.drop_one_in) {
            let polls = self.random.pick(&[0, 1, 1, 2]);
            host.spawn_and_drop(future, polls);
        } else {
            host.spawn(future);
        }
    }

    /// Asks again for something of which nobody knows what became.
    fn ask_again<W: World>(&mut self, host: &mut VirtualHost<W>) {
        let open = self.shared.oracle.borrow().open();
        if open.is_empty() {
            return;
        }
        let id = open[self.random.below(open.len())];
        if self.shared.oracle.borrow().get(id).attempts.len() < ATTEMPTS_MAX {
            self.attempt(host, id);
        }
    }

    /// Asks again for whatever nobody knows the outcome of. Returns whether there was anything.
    pub(crate) fn settle<W: World>(&mut self, host: &mut VirtualHost<W>) -> bool {
        self.refresh(host);
        self.plan.drop_one_in = 0;
        let open = !self.shared.oracle.borrow().open().is_empty();
        for _ in 0..3 {
            self.ask_again(host);
        }
        open
    }

    fn wait<W: World>(&mut self, host: &mut VirtualHost<W>) {
        let runs = self.shared.runs.borrow();
        if runs.is_empty() {
            return;
        }
        let run = runs[self.random.below(runs.len())].clone();
        drop(runs);
        let timeout = self.random.one_in(3).then(|| Duration::from_millis(self.random.below(5_000) as u64));
        let future = clients::result(&self.shared, run, timeout);
        self.spawn(host, future);
    }

    fn look<W: World>(&mut self, host: &mut VirtualHost<W>) {
        let looks = [
            Look::Status,
            Look::History,
            Look::Listing,
            Look::Pages,
            Look::Recent,
            Look::CustomStatus,
            Look::Why,
            Look::Export,
            // What concerns locks; see below.
            Look::Locks,
            Look::ForceRelease,
            Look::Balance,
            Look::State,
        ];
        let looks = if self.plan.contended && self.random.one_in(2) { &looks[8..10] } else { &looks[..] };
        let (look, run, account) = (self.random.pick(looks), self.id(), self.generator.account());
        let at = self.random.below(self.handles.len());
        let client = self.handles[at].1.clone();
        let future = clients::look(&self.shared, client, look, run, account);
        self.spawn(host, future);
    }
}

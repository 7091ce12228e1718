//! What the clients of a run ask for, and when they ask again.

use crate::{
    clients,
    ledger::{Child, Deed, OperationId},
    oracle::{Asked, Asker, Form, HandleId, Outcome, Promise},
    plan::Plan,
    watch::Shared,
};
use sarsen_protocol::CallError;
use sarsen_runtime::Client;
use sarsen_testing::{Random, Situation, VirtualHost, World};
use std::time::Duration;

/// The longest that a signal is delayed.
pub(crate) const DELAY_MS_MAX: usize = 4_000;
/// So many producers.
const PRODUCERS: usize = 3;
/// After so many attempts a client stops to ask.
const ATTEMPTS_MAX: usize = 60;

/// The clients of a run.
#[derive(Debug)]
pub(crate) struct Workload {
    plan: Plan,
    random: Random,
    shared: Shared,
    handles: Vec<(HandleId, Client)>,
    next_handle: u32,
    /// The process to which the handles belong.
    process: u64,
    asked: usize,
    erases: usize,
    /// The last number of each producer for each ledger.
    numbers: Vec<(String, String, u64)>,
    /// Operations whose clients do not know yet what became of them.
    open: Vec<OperationId>,
}

impl Workload {
    pub(crate) fn new(plan: Plan, random: Random, shared: Shared) -> Self {
        Self {
            plan,
            random,
            shared,
            handles: Vec::new(),
            next_handle: 0,
            process: 0,
            asked: 0,
            erases: 0,
            numbers: Vec::new(),
            open: Vec::new(),
        }
    }

    /// The ledgers' keys.
    pub(crate) fn ledgers(&self) -> &[String] {
        &self.plan.ledgers
    }

    /// Whether all has been asked for.
    pub(crate) fn is_done(&self) -> bool {
        self.asked >= self.plan.requests
    }

    /// Asks for something, perhaps.
    pub(crate) fn step<W: World>(&mut self, host: &mut VirtualHost<W>) {
        self.refresh(host);
        if self.random.one_in(self.plan.ask_one_in) && host.futures() < self.plan.futures_max {
            match self.random.below(100) {
                0..25 if !self.open.is_empty() => self.again(host),
                0..35 => self.look(host),
                _ => self.ask(host),
            }
        }
    }

    /// Asks again whatever nobody knows the outcome of. Returns whether there was anything.
    pub(crate) fn ask_again<W: World>(&mut self, host: &mut VirtualHost<W>) -> bool {
        self.refresh(host);
        self.forget_settled();
        // Without a crash and without a fault nobody gives up any more.
        (self.plan.drop_one_in, self.plan.timeout_one_in) = (0, 0);
        self.give_up_hopeless();
        let open = !self.open.is_empty();
        for _ in 0..self.open.len().min(3) {
            self.again(host);
        }
        open
    }

    /// Gives up on requests that will be refused for as long as keys are remembered.
    fn give_up_hopeless(&mut self) {
        let oracle = &mut *self.shared.oracle.borrow_mut();
        for id in &self.open {
            let asked = oracle.asked.get_mut(id).expect("it was asked for");
            let last = asked.attempts.last().map(|attempt| &attempt.outcome);
            if let Some(Outcome::NotDone(CallError::Busy { what, .. })) = last {
                asked.given_up |= what.contains("key") || what.contains("producer");
            }
        }
    }

    /// Takes handles of the process that runs.
    fn refresh<W: World>(&mut self, host: &VirtualHost<W>) {
        if self.process == host.restarts() {
            return;
        }
        self.process = host.restarts();
        self.shared.process.set(self.process);
        self.handles.clear();
        for _ in 0..self.plan.handles {
            self.next_handle += 1;
            self.handles.push((HandleId(self.next_handle), host.client()));
        }
    }

    fn ask<W: World>(&mut self, host: &mut VirtualHost<W>) {
        self.asked += 1;
        let to = self.ledger();
        let id = self.shared.oracle.borrow_mut().new_id();
        let deed = self.deed();
        let form = self.form(id, &to);
        let wants_delay = self.random.one_in(6) && !form.is_call();
        let delayed = wants_delay && !matches!(form, Form::Produced { .. });
        let delay_ms = if delayed { self.delay_ms() } else { 0 };
        let children = self.children(&to, 0);
        let asked = Asked {
            to,
            deed,
            by: Asker::Client,
            delayed,
            delay_ms,
            form,
            children,
            attempts: Vec::new(),
            process: self.process,
            given_up: false,
        };
        self.shared.oracle.borrow_mut().add(id, asked);
        self.open.push(id);
        self.attempt(id, host);
    }

    fn ledger(&mut self) -> String {
        let at = self.random.below(self.plan.ledgers.len());
        self.plan.ledgers[at].clone()
    }

    fn deed(&mut self) -> Deed {
        match self.random.below(100) {
            0..10 => Deed::Fail,
            10..13 => Deed::Panic,
            13..17 => Deed::Spoil,
            17..20 if self.erases < self.plan.erases_max => {
                self.erases += 1;
                if self.plan.elsewhere && self.random.one_in(3) { Deed::FetchErase } else { Deed::Erase }
            }
            20..25 if self.plan.elsewhere => Deed::Fetch,
            25..27 if self.plan.elsewhere => Deed::FetchFail,
            27 if self.plan.elsewhere => Deed::FetchPanic,
            28..30 if self.plan.elsewhere => Deed::Grind,
            30..33 if self.plan.elsewhere => Deed::Late,
            33 if self.plan.elsewhere => Deed::Hang,
            _ => Deed::Append,
        }
    }

    fn delay_ms(&mut self) -> u64 {
        let most = self.random.pick(&[5, 300, DELAY_MS_MAX]);
        self.random.between(1, most) as u64
    }

    fn form(&mut self, id: OperationId, to: &str) -> Form {
        match self.random.weighted(self.plan.forms.into_iter()) {
            None | Some(0) => Form::Signal,
            Some(1) => Form::Call,
            Some(2) => Form::KeyedSignal(self.key(id, to)),
            Some(3) => Form::KeyedCall(self.key(id, to)),
            Some(_) => self.produced(id, to),
        }
    }

    /// A key of its own, or now and then one that was used for another operation.
    fn key(&mut self, id: OperationId, to: &str) -> String {
        let oracle = &mut *self.shared.oracle.borrow_mut();
        if self.random.one_in(8) {
            let used = oracle.keys.iter().filter(|(_, first)| oracle.asked[first].to == to).min();
            if let Some((key, _)) = used {
                return key.clone();
            }
        }
        let key = format!("key-{}", id.0);
        oracle.keys.insert(key.clone(), id);
        key
    }

    /// The next number of a producer, or now and then one too far.
    fn produced(&mut self, id: OperationId, to: &str) -> Form {
        let producer = format!("producer-{}", self.random.below(PRODUCERS));
        let at = self.numbers.iter().position(|(name, at, _)| *name == producer && at == to);
        let at = at.unwrap_or_else(|| {
            self.numbers.push((producer.clone(), to.to_owned(), 0));
            self.numbers.len() - 1
        });
        if self.random.one_in(10) {
            let number = self.numbers[at].2 + 1_000;
            return Form::Produced { producer, number };
        }
        self.numbers[at].2 += 1;
        let number = self.numbers[at].2;
        self.shared.oracle.borrow_mut().produced.insert((producer.clone(), to.to_owned(), number), id);
        Form::Produced { producer, number }
    }

    /// What an operation sends: mostly nothing, to a depth of two.
    fn children(&mut self, from: &str, depth: usize) -> Vec<Child> {
        let count = match self.random.below(100) {
            0..75 => 0,
            75..93 => 1,
            _ => 3,
        };
        if depth == 2 {
            return Vec::new();
        }
        (0..count)
            .map(|_| {
                let to = if self.random.one_in(4) { from.to_owned() } else { self.ledger() };
                let id = self.shared.oracle.borrow_mut().new_id();
                let delay_ms = if self.random.one_in(4) { self.delay_ms() } else { 0 };
                let deed = match () {
                    () if self.random.one_in(6) => Deed::Fail,
                    () if self.plan.elsewhere && self.random.one_in(6) => Deed::Fetch,
                    () => Deed::Append,
                };
                let children = self.children(&to, depth + 1);
                Child { id, to, deed, delay_ms, children }
            })
            .collect()
    }

    /// Begins an attempt, perhaps one that is given up early.
    fn attempt<W: World>(&mut self, id: OperationId, host: &mut VirtualHost<W>) {
        let at = self.random.below(self.handles.len());
        let (handle, client) = self.handles[at].clone();
        let asked = self.shared.oracle.borrow().asked[&id].clone();
        let timeout = self.random.one_in(self.plan.timeout_one_in);
        let timeout = timeout.then(|| Duration::from_micros(self.random.below(4_000) as u64));
        let Asked { to, deed, form, delay_ms, .. } = &asked;
        host.note(|| {
            format!("handle {} asks {to} for {id:?}: {deed:?}, {form:?}, delay {delay_ms} ms", handle.0)
        });
        let future = clients::attempt(&self.shared, client, handle, id, asked, timeout);
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

    /// Asks again for an operation of which nobody knows what became, or now and then of one that is done.
    fn again<W: World>(&mut self, host: &mut VirtualHost<W>) {
        if !self.random.one_in(self.plan.repeat_one_in) {
            self.forget_settled();
        }
        let Some(chosen) = self.open.len().checked_sub(1) else { return };
        let id = self.open[self.random.between(0, chosen)];
        let oracle = self.shared.oracle.borrow();
        let asked = &oracle.asked[&id];
        let again = asked.form.is_repeatable() && asked.attempts.len() < ATTEMPTS_MAX;
        let known = !matches!(asked.promise(), Promise::AtMostOnce | Promise::Never);
        let situation = match (&asked.form, known) {
            (Form::KeyedSignal(_) | Form::KeyedCall(_), true) => Some(Situation::KeyRepeatedDone),
            (Form::KeyedSignal(_) | Form::KeyedCall(_), false) => Some(Situation::KeyRepeatedPending),
            (Form::Produced { .. }, true) => Some(Situation::ProducerRepeated),
            _ => None,
        };
        drop(oracle);
        if again {
            self.shared.situations.borrow_mut().count(situation.unwrap_or(Situation::ProducerRepeated));
            self.attempt(id, host);
        }
    }

    /// Forgets operations of which the client knows what became, and those that it will never know.
    fn forget_settled(&mut self) {
        let oracle = &mut *self.shared.oracle.borrow_mut();
        for id in &self.open {
            let asked = oracle.asked.get_mut(id).expect("it was asked for");
            let used = match &asked.form {
                Form::KeyedSignal(key) | Form::KeyedCall(key) => oracle.keys.get(key) != Some(id),
                Form::Produced { number, .. } => *number > 1_000,
                Form::Signal | Form::Call => false,
            };
            asked.given_up |= asked.attempts.len() >= ATTEMPTS_MAX || (used && !asked.attempts.is_empty());
        }
        self.open.retain(|id| !oracle.asked[id].is_settled());
    }

    /// Reads a ledger, lists them all, asks for figures, or settles a dead letter.
    fn look<W: World>(&mut self, host: &mut VirtualHost<W>) {
        let at = self.random.below(self.handles.len());
        let client = self.handles[at].1.clone();
        let of = self.ledger();
        let shared = self.shared.clone();
        match self.random.below(12) {
            10.. => {
                let (place, page) = (self.random.below(100), self.random.between(1, 8));
                let discards = self.random.one_in(4);
                self.spawn(host, clients::settle_letter(&shared, client, (place, page), discards));
            }
            0 => self.spawn(host, clients::stats(client)),
            1 => {
                let page = self.random.between(1, 3);
                self.spawn(host, clients::list(&shared, client, page));
            }
            2..6 => self.spawn(host, clients::read(&shared, client, of, false)),
            _ => self.spawn(host, clients::read(&shared, client, of, true)),
        }
    }
}

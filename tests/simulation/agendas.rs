//! Agendas: entities at which signals are scheduled under ids, by their own operations, by each other and by clients.
//!
//! An agenda writes down what its operations schedule and cancel, and what comes; so what may come is known by its own log,
//! in its order. Clients leave no trace in the log: what they were promised is in `promised`. They run beside the ledgers
//! in some seeds, with odds of their own.

mod entity;
mod log;
mod promised;
mod told;

use crate::{
    invariants::{Checked, Violation, audited, scheduled},
    persist::{persist, read_audit},
    plan::{ALL, AUDIT_AGE},
    watch::Shared,
};
use entity::{AgendaRef, Archive};
use promised::{Act, Promised};
use sarsen_engine::{AuditEntry, Limits};
use sarsen_entities::{EntityOptions, EntityType};
use sarsen_protocol::{Address, Body, Keyspace, Message, Timestamp};
use sarsen_runtime::{Client, ClientPort};
use sarsen_testing::{Random, Situation, VirtualHost, World};
use std::{cell::RefCell, collections::BTreeSet, rc::Rc, time::Duration};

pub(crate) use entity::{Agenda, Archive as AgendaArchive};

/// The longest time before something is due, and the longest period.
const TIME_MS_MAX: usize = 3_000;
/// Requests in all.
pub(crate) const REQUESTS_MAX: usize = 60;

/// What is known of agendas, by their clients and by whoever watches the host.
pub(crate) type Known = Rc<RefCell<Promised>>;

/// The clients of the agendas of a seed.
#[derive(Debug)]
pub(crate) struct Agendas {
    random: Random,
    known: Known,
    keys: Vec<String>,
    asked: usize,
    wanted: usize,
    audited: bool,
}

impl Agendas {
    /// The clients, who ask for so many things at most, in a seed that has agendas; a third of the seeds have.
    pub(crate) fn of(seed: u64, shared: &Shared, most: usize) -> Option<Self> {
        let mut random = Random::new(seed ^ 0x00a6_e4da);
        let keys = (0..random.between(1, 3)).map(|number| format!("agenda-{number}")).collect();
        let wanted = random.between(most.min(10), most);
        let known = Rc::clone(&shared.agendas);
        has_agendas(seed).then_some(Self { random, known, keys, asked: 0, wanted, audited: is_audited(seed) })
    }

    /// Asks for something, perhaps.
    pub(crate) fn step<W: World>(&mut self, host: &mut VirtualHost<W>) {
        self.known.borrow_mut().see(host.now());
        if self.asked == self.wanted || !self.random.one_in(12) || host.futures() > 40 {
            return;
        }
        self.asked += 1;
        let key = self.key();
        let to = host.client().entity::<Agenda>(&key);
        let act = self.act(&key);
        host.note(|| format!("{key} is asked for {act:?}"));
        let (known, client) = (Rc::clone(&self.known), host.client());
        let number = known.borrow_mut().begin(&key, act.clone());
        let future = ask(known, client, to, number, act);
        if self.random.one_in(12) {
            host.spawn_and_drop(future, 1);
        } else {
            host.spawn(future);
        }
    }

    fn act(&mut self, key: &str) -> Act {
        let id = self.known.borrow_mut().new_id();
        let delay = self.time();
        let every = self.random.one_in(3).then(|| Duration::from_millis(400).max(self.time()));
        let own = format!("own-{}", self.random.below(2));
        match self.random.below(100) {
            0..40 => Act::Plan { name: own, id, delay, every, fails: self.random.one_in(5) },
            40..50 => Act::Drop { name: own },
            50..60 => Act::Tell { to: self.key(), id, delay },
            60..64 if key == self.keys[0] => Act::Erase,
            60..85 => Act::Schedule { name: format!("out-{}", self.random.below(2)), id, delay, every },
            _ => Act::Cancel { name: format!("out-{}", self.random.below(2)) },
        }
    }

    fn key(&mut self) -> String {
        let at = self.random.below(self.keys.len());
        self.keys[at].clone()
    }

    fn time(&mut self) -> Duration {
        let most = self.random.pick(&[0, 20, 500, TIME_MS_MAX]);
        Duration::from_millis(self.random.below(most + 1) as u64)
    }

    /// Lets all come that is to come, ends the reminders, and compares what came with what may and must have.
    pub(crate) fn finish<W: World>(self, host: &mut VirtualHost<W>, shared: &Shared) -> Vec<Violation> {
        let longest = Duration::from_millis(2 * TIME_MS_MAX as u64);
        // The clock may have gone back since something was scheduled.
        let left = self.known.borrow().latest_due().since(host.now());
        host.skip(left);
        host.advance(longest);
        self.known.borrow_mut().come_to_rest();
        host.advance(longest);
        for key in &self.keys {
            for name in ["own-0", "own-1", "out-0", "out-1"] {
                let cancel = |client: Client| {
                    let agenda = client.entity::<Agenda>(key);
                    async move {
                        client.cancel_scheduled(&agenda, name).await?;
                        client.scheduled(&agenda).await
                    }
                };
                let left = persist(host, cancel);
                assert!(left.iter().all(|one| one.id != name), "{name} is cancelled");
            }
        }
        host.settle();
        let mut lives = Vec::new();
        for key in &self.keys {
            let read = |client: Client| {
                let (agenda, archive) = (client.entity::<Agenda>(key), client.entity::<Archive>(key));
                async move { Ok((agenda.state().await?, archive.state().await?)) }
            };
            let (agenda, archive) = persist(host, read);
            let mut logs = archive.map(|archive| archive.kept).unwrap_or_default();
            logs.push(agenda.map(|agenda| agenda.log).unwrap_or_default());
            lives.push((key.clone(), logs));
        }
        let audits: Vec<_> = self.keys.iter().map(|key| self.audit(host, key)).collect();
        for key in &self.keys {
            for name in [Agenda::NAME, Archive::NAME] {
                host.evict(&Address::entity(name, key).expect("the keys are valid"));
            }
        }
        let given_up = given_up(host);
        let known = self.known.borrow();
        let (mut found, count) = (Vec::new(), |situation: Situation| shared.count(situation));
        let mut note = |invariant, checked: Checked| {
            found.extend(checked.err().map(|what| Violation { invariant, what }));
        };
        for ((key, logs), audit) in lives.iter().zip(&audits) {
            note(scheduled::NAME, log::check(&known, &given_up, key, logs, count));
            note(scheduled::NAME, promised::check(&known, &given_up, key, logs, count));
            if let Some(entries) = audit {
                note(audited::NAME, told::check(&known, key, logs, entries));
            }
        }
        found
    }
}

impl Agendas {
    /// What the audit of an agenda tells, from the oldest entry on, if it has one.
    fn audit<W: World>(&self, host: &mut VirtualHost<W>, key: &str) -> Option<Vec<AuditEntry>> {
        let read = |client: Client| {
            let address = Address::entity(Agenda::NAME, key).expect("the keys are valid");
            async move { read_audit(&client, &address).await }
        };
        self.audited.then(|| persist(host, read))
    }
}

/// What is chosen for the agendas of a seed: in half of the seeds all of an audit.
pub(crate) fn options(seed: u64, options: EntityOptions) -> EntityOptions {
    if is_audited(seed) { options.audit(|audit| audit.keep(ALL).age(AUDIT_AGE)) } else { options }
}

fn is_audited(seed: u64) -> bool {
    Random::new(seed ^ 0x0a0d).one_in(2)
}

/// Whether a seed has agendas.
pub(crate) fn has_agendas(seed: u64) -> bool {
    seed % 3 == 1
}

/// Sees to it that the log of a seed's agendas tells all: nothing of theirs fails by a limit, or is a dead letter that goes.
pub(crate) fn adapt(seed: u64, limits: &mut Limits) {
    if !has_agendas(seed) {
        return;
    }
    let other = Limits::default();
    limits.timers_max = other.timers_max;
    limits.dead_letters_max = other.dead_letters_max;
    limits.state_bytes_max = other.state_bytes_max;
    limits.messages_per_operation_max = other.messages_per_operation_max;
    limits.schedules_per_entity_max = if seed.is_multiple_of(2) { 2 } else { other.schedules_per_entity_max };
}

/// Whether a dead letter is one of an agenda's.
pub(crate) fn is_agendas(message: &Message) -> bool {
    message.to.name() == Agenda::NAME
}

/// The ids of what was not scheduled because there was too much.
fn given_up<W: World>(host: &VirtualHost<W>) -> BTreeSet<u64> {
    let letters = host
        .rows(Keyspace::Dead)
        .into_iter()
        .map(|row| sarsen_engine::read_dead(&row.value).expect("a dead letter can be read").message);
    letters
        .filter_map(|message| match &message.body {
            Body::Schedule(request) if is_agendas(&message) => {
                Some(sarsen_protocol::json::decode::<u64>(&request.input).expect("an id"))
            }
            _ => None,
        })
        .collect()
}

/// One request of a client, and what it learns.
async fn ask(known: Known, client: Client, to: AgendaRef<ClientPort>, number: usize, act: Act) {
    let told = match act {
        Act::Plan { name, id, delay, every, fails } => {
            to.plan(&(name, id, millis(delay), every.map(millis), fails)).signal().await.map(|()| None)
        }
        Act::Drop { name } => to.cancel(&name).signal().await.map(|()| None),
        Act::Tell { to: other, id, delay } => {
            to.tell(&(other, id, millis(delay))).signal().await.map(|()| None)
        }
        Act::Erase => to.erase().signal().await.map(|()| None),
        Act::Schedule { name, id, delay, every } => {
            let request = to.come(id).after(delay);
            let request = match every {
                Some(every) => request.every(every).scheduled_as(name),
                None => request.scheduled_as(name),
            };
            request.signal().await.map(|()| None)
        }
        Act::Cancel { name } => client.cancel_scheduled(&to, name).await.map(Some),
    };
    known.borrow_mut().end(number, told);
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).expect("it is short")
}

/// Notes a time that a shard has seen, and that nothing has come before its time.
pub(crate) fn turned(known: &Known, latest: Timestamp) {
    let mut known = known.borrow_mut();
    known.see(latest);
    for did in entity::take_done() {
        known.did(did);
    }
}

/// Notes when a client's signal is due, as it was sent.
pub(crate) fn note_due(known: &Known, message: &Message, latest: Timestamp) {
    let mut known = known.borrow_mut();
    known.see(latest);
    if let Body::Schedule(request) = &message.body
        && is_agendas(message)
        && let Ok(id) = sarsen_protocol::json::decode::<u64>(&request.input)
    {
        known.due.insert(id, request.due);
    }
}

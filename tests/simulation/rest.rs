//! What is there when everything has come to rest.

use crate::{
    agendas::is_agendas,
    durable::{id_of, ids_in},
    invariants::audited,
    ledger::{Ledger, OperationId, WITNESS, Witness},
    persist::{persist, read_audit},
    plan::Leeway,
    runs::record::GROWN,
    workload::DELAY_MS_MAX,
};
use bytes::Bytes;
use sarsen_engine::{AuditEntry, read_dead};
use sarsen_entities::EntityType;
use sarsen_protocol::{Address, Body, FailureKind, Keyspace, Message, record::decode_since};
use sarsen_testing::{VirtualHost, World};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// Where an operation stands: the life of the ledger, and the place in its list, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) life: usize,
    pub(crate) index: usize,
}

/// A dead letter.
#[derive(Clone, Debug)]
pub(crate) struct Dead {
    /// The key of its row.
    pub(crate) key: Bytes,
    pub(crate) id: Option<OperationId>,
    pub(crate) operation: String,
    pub(crate) kind: FailureKind,
}

/// The end of a run.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// The lists of each ledger: one for each time that it was erased or expired, and the last one.
    pub(crate) lives: BTreeMap<String, Vec<Vec<OperationId>>>,
    /// What the witness has been given, for each ledger that was erased.
    pub(crate) erased: BTreeMap<String, Vec<Vec<OperationId>>>,
    /// Where each operation stands; more than one place is one too many.
    pub(crate) places: HashMap<OperationId, Vec<(String, Place)>>,
    pub(crate) dead: Vec<Dead>,
    /// Rows of messages that wait, by keyspace.
    pub(crate) waiting: Vec<(Keyspace, usize)>,
    /// Futures of clients that are not done.
    pub(crate) futures: usize,
    /// Callers that wait for a shard.
    pub(crate) callers: usize,
    /// Requests that no shard has taken.
    pub(crate) in_lanes: usize,
    pub(crate) idle: bool,
    /// Where each shard stands.
    pub(crate) shards: Vec<String>,
    /// The ledgers as they are listed.
    pub(crate) listed: BTreeMap<String, Vec<OperationId>>,
    /// The ledgers as each of them says.
    pub(crate) states: BTreeMap<String, Vec<OperationId>>,
    /// What the audit of each ledger tells, from the oldest entry on.
    pub(crate) audits: BTreeMap<String, Vec<AuditEntry>>,
    /// What the figures say of keys, timers and dead letters, and what the rows say.
    pub(crate) counted: Vec<(&'static str, u64, u64)>,
}

impl Rest {
    /// Lets the host come to rest, and looks at these ledgers.
    pub(crate) fn of<W: World>(host: &mut VirtualHost<W>, ledgers: &[String], leeway: Leeway) -> Self {
        host.advance(Duration::from_millis(2 * DELAY_MS_MAX as u64));
        // The clock may have gone back while signals waited, or operations ran that have a time.
        for _ in 0..100 {
            if soon(host) == 0 && host.stats().operations_running == 0 {
                break;
            }
            host.advance(Duration::from_secs(60));
        }
        if let Some(time) = leeway.time_to_live {
            outlive(host, time);
        }
        let mut rest = Self {
            futures: host.futures(),
            callers: host.callers(),
            in_lanes: host.in_lanes(),
            idle: host.is_idle(),
            shards: host.describe(),
            dead: dead(host),
            ..Self::default()
        };
        for keyspace in [Keyspace::Mailbox, Keyspace::Inbox] {
            rest.waiting.push((keyspace, host.rows(keyspace).len()));
        }
        rest.waiting.push((Keyspace::Timers, soon(host)));
        let stats = host.stats();
        let timers = host.rows(Keyspace::Timers).len() as u64;
        let counted = if leeway.cancels { stats.timers.max(timers) } else { stats.timers };
        rest.counted = vec![
            ("keys", stats.keys, host.rows(Keyspace::Keys).len() as u64),
            ("timers", counted, timers),
            ("messages that wait", stats.pending, 0),
            ("parked entities", stats.parked, 0),
            ("dead letters", stats.dead_letters, host.rows(Keyspace::Dead).len() as u64),
        ];
        if rest.futures == 0 && rest.idle {
            rest.read_audits(host, ledgers);
            rest.read(host, leeway);
            rest.leave(host, ledgers);
        }
        rest
    }

    /// Has every entity leave memory, and counts what stays.
    fn leave<W: World>(&mut self, host: &mut VirtualHost<W>, ledgers: &[String]) {
        host.settle();
        let ledgers = ledgers.iter().map(|key| Address::entity(Ledger::NAME, key));
        for address in ledgers.chain([Address::entity(Witness::NAME, WITNESS)]) {
            host.evict(&address.expect("the keys are valid"));
        }
        let stats = host.stats();
        self.counted.push(("entities in memory", stats.activations, 0));
        self.counted.push(("bytes of entities in memory", stats.cache_bytes, 0));
    }

    fn read<W: World>(&mut self, host: &mut VirtualHost<W>, leeway: Leeway) {
        self.listed = persist(host, |client| async move {
            let mut listing = client.entities::<Ledger>().with_state();
            let mut listed = BTreeMap::new();
            while let Some(next) = listing.next().await {
                let next = next?;
                listed.insert(next.key, next.state.list);
            }
            Ok(listed)
        });
        let listed = persist(host, |client| async move { client.dead_letters().page_size(2).count().await });
        let rows = host.rows(Keyspace::Dead).len() as u64;
        self.counted.push(("dead letters in the listing", listed, rows));
        for key in self.listed.keys() {
            let state = persist(host, |client| client.entity::<Ledger>(key).state().into_future());
            self.states.insert(key.clone(), state.map(|state| state.list).unwrap_or_default());
        }
        let witness = persist(host, |client| client.entity::<Witness>(WITNESS).state().into_future());
        self.tell(witness.unwrap_or_default(), leeway);
    }

    fn read_audits<W: World>(&mut self, host: &mut VirtualHost<W>, ledgers: &[String]) {
        for key in ledgers {
            let address = Address::entity(Ledger::NAME, key).expect("the keys are valid");
            let entries = persist(host, |client| {
                let address = address.clone();
                async move { read_audit(&client, &address).await }
            });
            self.audits.insert(key.clone(), entries);
        }
    }

    /// Puts the lives of the ledgers together.
    fn tell(&mut self, witness: Witness, leeway: Leeway) {
        for (key, list) in witness.kept {
            self.erased.entry(key).or_default().push(list);
        }
        if leeway.time_to_live.is_some() {
            // An audit that cannot be retold is told of by its own invariant.
            let retold = |entries| audited::retell(entries, u64::MAX).unwrap_or_default();
            let lists = |entries| retold(entries).into_iter().map(|life| life.list).collect();
            self.lives = self.audits.iter().map(|(key, entries)| (key.clone(), lists(entries))).collect();
        } else {
            self.lives = self.erased.clone();
            for (key, list) in &self.states {
                self.lives.entry(key.clone()).or_default().push(list.clone());
            }
        }
        for (key, lives) in &self.lives {
            for (life, list) in lives.iter().enumerate() {
                for (index, id) in list.iter().enumerate() {
                    self.places.entry(*id).or_default().push((key.clone(), Place { life, index }));
                }
            }
        }
    }

    /// Where an operation of a ledger stands, if it stands in one place.
    pub(crate) fn place(&self, id: OperationId, of: &str) -> Option<Place> {
        match self.places.get(&id)?.as_slice() {
            [(key, place)] if key == of => Some(*place),
            _ => None,
        }
    }

    /// All operations that were applied to a ledger, in order.
    pub(crate) fn applied(&self, to: &str) -> impl Iterator<Item = OperationId> {
        self.lives.get(to).into_iter().flatten().flatten().copied()
    }
}

/// Lets the time of all ledgers be over.
fn outlive<W: World>(host: &mut VirtualHost<W>, time: Duration) {
    for _ in 0..100 {
        let rows = host.rows(Keyspace::Instances);
        let is_ledger = |key: &[u8]| key[2..].starts_with(b"ledger\0");
        if !rows.iter().any(|row| is_ledger(&row.key) && ids_in(&row.value).next().is_some()) {
            return;
        }
        host.advance(time + Duration::from_secs(60));
    }
}

/// How many signals wait for their time. Alarms of entities do not count: what they end has long to live.
fn soon<W: World>(host: &VirtualHost<W>) -> usize {
    let rows = host.rows(Keyspace::Timers);
    let message = |value: &Bytes| decode_since::<Message>(1, GROWN, value).expect("a timer can be read").0;
    rows.iter().filter(|row| !matches!(message(&row.value).body, Body::Expire { .. })).count()
}

fn dead<W: World>(host: &VirtualHost<W>) -> Vec<Dead> {
    let rows = host.rows(Keyspace::Dead);
    let letters =
        rows.into_iter().map(|row| (read_dead(&row.value).expect("a dead letter can be read"), row.key));
    letters
        .filter(|(letter, _)| !is_agendas(&letter.message))
        .map(|(letter, key)| Dead {
            key,
            id: id_of(&letter.message),
            operation: letter.message.body.to_string(),
            kind: letter.failure.kind,
        })
        .collect()
}

//! Cases that were found by thinking, each on a host whose odds leave open only what the case is about.

mod cancel;
mod delivery;
mod disk;
mod loads;
mod restless;
mod runs;
mod sections;
mod talking;
mod withheld;

use crate::ledger::{Answer, Book, BookRef, Child, Deed, Ledger, OperationId, Witness};
use sarsen_engine::Limits;
use sarsen_entities::EntityType;
use sarsen_protocol::{Address, CallError};
use sarsen_runtime::{Client, ClientPort};
use sarsen_testing::{Builder, MemoryWorld, Odds, VirtualHost, World};
use std::{cell::RefCell, rc::Rc};

/// A host that evicts nothing by itself, with so many shards at each open.
fn host(shards: &[u16], limits: impl FnOnce(&mut Limits)) -> VirtualHost {
    host_in(MemoryWorld::new(), shards, limits)
}

fn host_in<W: World>(world: W, shards: &[u16], limits: impl FnOnce(&mut Limits)) -> VirtualHost<W> {
    crate::hush();
    let mut odds = Odds::calm();
    odds.shards = shards.to_vec();
    odds.evict_one_in = 0;
    Builder::new(world).odds(odds).limits(limits).entity::<Ledger>().entity::<Witness>().open()
}

fn id(number: u64) -> OperationId {
    OperationId(OperationId::FIRST.0 + number)
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<OperationId> {
    numbers.into_iter().map(id).collect()
}

/// An operation of `to` that only adds itself.
fn child(number: u64, to: &str) -> Child {
    Child { id: id(number), to: to.to_owned(), deed: Deed::Append, delay_ms: 0, children: Vec::new() }
}

fn ledger(client: &Client, key: &str) -> BookRef<ClientPort> {
    client.entity::<Ledger>(key)
}

fn address(key: &str) -> Address {
    Address::entity(Book::<Vec<OperationId>>::NAME, key).expect("a valid key")
}

/// Two ledgers that live in different shards of two.
fn strangers() -> (String, String) {
    let half = |key: &str| address(key).slot().number() / 2048;
    let far = (0..100).map(|number| format!("b{number}")).find(|key| half(key) != half("a"));
    ("a".to_owned(), far.expect("both shards have ledgers"))
}

/// What a future will have returned.
type Returned<T> = Rc<RefCell<Option<T>>>;

/// Adds a future whose output can be looked for.
fn begin<W: World, T: 'static>(
    host: &mut VirtualHost<W>,
    future: impl Future<Output = T> + 'static,
) -> Returned<T> {
    let place = Returned::default();
    let output = Rc::clone(&place);
    host.spawn(async move {
        let returned = future.await;
        *output.borrow_mut() = Some(returned);
    });
    place
}

/// Calls an operation that only adds itself.
fn append<W: World>(host: &mut VirtualHost<W>, number: u64, to: &str) -> Result<Answer, CallError> {
    let client = host.client();
    host.run(ledger(&client, to).ask(Deed::Append, &(id(number), Vec::new())).into_future())
}

/// The list of a ledger.
fn list<W: World>(host: &mut VirtualHost<W>, key: &str) -> Vec<OperationId> {
    let client = host.client();
    host.run(ledger(&client, key).read().into_future()).expect("a ledger can be read")
}

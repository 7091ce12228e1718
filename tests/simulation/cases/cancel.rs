//! Each public future of the client may be dropped at any time.

use super::{host, id, ledger};
use crate::ledger::{Deed, Ledger};
use sarsen_runtime::Client;
use sarsen_testing::{Crash, VirtualHost};
use std::{future::Future, pin::Pin, time::Duration};

type Dropped = Pin<Box<dyn Future<Output = ()>>>;

/// One of each kind of future, by its name, each with an operation of its own.
fn every_future(client: &Client) -> Vec<(&'static str, Dropped)> {
    let a = ledger(client, "a");
    let ask = |number| a.ask(Deed::Append, &(id(number), vec![]));
    let second = Duration::from_secs(1);
    let produced = client.producer("p").entity::<Ledger>("a").ask(Deed::Append, &(id(5), vec![])).number(1);
    let mut listing = client.entities::<Ledger>();
    let mut states = client.entities::<Ledger>().with_state();
    let asking = client.clone();
    let call = ask(1).into_future();
    let timed = ask(6).timeout(second).into_future();
    let keyed = ask(4).idempotency_key("k").into_future();
    let state = a.state().into_future();
    vec![
        ("call", Box::pin(drop_output(call))),
        ("signal", Box::pin(drop_output(ask(2).signal()))),
        ("delayed signal", Box::pin(drop_output(ask(3).after(second).signal()))),
        ("keyed call", Box::pin(drop_output(keyed))),
        ("numbered signal", Box::pin(drop_output(produced.signal()))),
        ("call with a timeout", Box::pin(drop_output(timed))),
        ("state", Box::pin(drop_output(state))),
        ("listing", Box::pin(async move { while listing.next().await.is_some() {} })),
        ("listing of states", Box::pin(async move { while states.next().await.is_some() {} })),
        ("stats", Box::pin(async move { drop(asking.stats().await) })),
    ]
}

async fn drop_output<T>(future: impl Future<Output = T>) {
    drop(future.await);
}

/// How often the operation of the `at`th future was applied.
fn applied(host: &mut VirtualHost, at: usize) -> usize {
    let list = super::list(host, "a");
    list.iter().filter(|applied| **applied == id(at as u64 + 1)).count()
}

#[test]
fn each_future_of_the_client_may_be_dropped_after_no_poll_one_or_two() {
    let kinds = every_future(&host(&[1], |_| {}).client()).len();
    for (at, polls) in (0..kinds).flat_map(|at| [0, 1, 2].map(|polls| (at, polls))) {
        let mut host = host(&[1, 2], |_| {});
        let client = host.client();
        let (name, future) = every_future(&client).swap_remove(at);
        host.odds().poll_idle_one_in = 2;
        host.spawn_and_drop(future, polls);
        for _ in 0..200 {
            host.step();
        }
        host.advance(Duration::from_secs(5));
        assert_eq!(host.futures(), 0, "{name} after {polls} polls");
        assert_eq!((host.callers(), host.is_idle()), (0, true), "{name} after {polls} polls");
        let times = applied(&mut host, at);
        assert!(times <= usize::from(polls > 0), "{name} after {polls} polls is applied {times} times");
        host.crash(Crash::Power);
        assert_eq!(applied(&mut host, at), times, "{name} after {polls} polls");
        super::append(&mut host, 100, "a").expect("the host goes on").expect("it does not fail");
    }
}

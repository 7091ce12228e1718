//! What may not leave before it is durable, and what fails alone.

use super::{begin, host, id, ids, ledger, list};
use crate::ledger::{Deed, Ledger};
use sarsen_engine::read_dead;
use sarsen_protocol::{CallError, FailureKind, Keyspace};
use sarsen_testing::Situation;

#[test]
fn a_read_a_duplicate_a_refusal_that_saw_uncommitted_state_is_withheld() {
    let mut host = host(&[1], |_| {});
    let client = host.client();
    // Everything runs; nothing becomes durable.
    host.odds().commit = 0;
    let a = ledger(&client, "a");
    let keyed = |number| a.ask(Deed::Append, &(id(number), vec![])).idempotency_key("k");
    let numbered = |number, n| {
        client.producer("p").entity::<Ledger>("a").ask(Deed::Append, &(id(number), vec![])).number(n)
    };
    let first = begin(&mut host, keyed(1).into_future());
    host.settle();
    let produced = begin(&mut host, numbered(2, 1).signal());
    host.settle();
    let read = begin(&mut host, a.read().into_future());
    let state = begin(&mut host, a.state().into_future());
    host.settle();
    let duplicate = begin(&mut host, keyed(1).into_future());
    let reused = begin(&mut host, keyed(3).into_future());
    let repeated = begin(&mut host, numbered(2, 1).signal());
    let skipped = begin(&mut host, numbered(4, 7).signal());
    let listed = begin(&mut host, {
        let client = client.clone();
        async move { client.entities::<Ledger>().next().await }
    });
    host.settle();
    assert_eq!(host.rows(Keyspace::Instances).len(), 0);
    assert_eq!(host.callers(), 8, "each of them has run and none is answered");
    assert!(matches!(*listed.borrow(), Some(None)), "a listing sees what is durable and does not wait");
    host.odds().commit = 4;
    host.settle();
    assert_eq!(host.callers(), 0);
    assert_eq!(*first.borrow(), Some(Ok(Ok(1))));
    assert_eq!(*produced.borrow(), Some(Ok(())));
    assert_eq!(*read.borrow(), Some(Ok(ids([1, 2]))));
    assert!(matches!(&*state.borrow(), Some(Ok(Some(state))) if state.list == ids([1, 2])));
    assert_eq!(*duplicate.borrow(), Some(Ok(Ok(1))));
    assert!(matches!(*reused.borrow(), Some(Err(CallError::KeyReused { .. }))));
    assert_eq!(*repeated.borrow(), Some(Ok(())));
    assert!(
        matches!(&*skipped.borrow(), Some(Err(CallError::OutOfSequence { expected, .. })) if expected.0 == 2)
    );
}

#[test]
fn nan_fails_its_operation_only() {
    for run in [1, 2, 1000] {
        let mut host = host(&[1], |limits| limits.run_operations_max = run);
        // All of them are in one run, or in several.
        host.odds().answer = 0;
        let client = host.client();
        let a = ledger(&client, "a");
        let ask = |deed, number| a.ask(deed, &(id(number), vec![super::child(100 + number, "b")]));
        let first = begin(&mut host, ask(Deed::Append, 1).into_future());
        let signalled = begin(&mut host, ask(Deed::Spoil, 2).signal());
        let called = begin(&mut host, ask(Deed::Spoil, 3).into_future());
        let last = begin(&mut host, ask(Deed::Append, 4).into_future());
        host.settle();
        host.odds().answer = 4;
        host.settle();
        assert_eq!(*first.borrow(), Some(Ok(Ok(1))));
        assert_eq!(*signalled.borrow(), Some(Ok(())));
        let called = called.borrow();
        let Some(Err(CallError::Failed { failure, .. })) = &*called else { panic!("{called:?}") };
        assert_eq!(failure.kind, FailureKind::Unencodable);
        assert_eq!(*last.borrow(), Some(Ok(Ok(2))));
        assert_eq!(list(&mut host, "a"), ids([1, 4]));
        assert_eq!(list(&mut host, "b"), ids([101, 104]));
        let dead = host.rows(Keyspace::Dead);
        let [dead] = &dead[..] else { panic!("one dead letter, not {}", dead.len()) };
        let dead = read_dead(&dead.value).expect("it was just written");
        assert_eq!(dead.failure.kind, FailureKind::Unencodable);
        assert_eq!(host.situations().of(Situation::DeadByFailure), 1);
    }
}

use super::*;
use crate::record::{Act, After, AuditSpan, Caller, Extras, InstanceHeader};
use bytes::Bytes;
use sarsen_protocol::{Payload, Row, Timestamp};
use std::{collections::BTreeMap, time::Duration};

type Store = BTreeMap<(Keyspace, Bytes), Bytes>;

const MEBIBYTE: usize = 1 << 20;

fn address() -> Address {
    Address::entity("account", "alice").expect("valid")
}

/// A store with an audit whose rows tell states of so many bytes.
fn store(states: &[usize]) -> Store {
    let (mut span, mut store) = (AuditSpan::default(), Store::new());
    for state in states {
        let row = span.append(Timestamp::default(), Duration::from_secs(60));
        let after = After::State(Payload::copy_of(&vec![b'7'; *state]));
        let value = record::write_audit(Timestamp::default(), Caller::Expiry, Act::Expired, after);
        store.insert((Keyspace::Audit, record::audit_key(&address(), row)), value);
    }
    let extras = Extras { audit: Some(span), ..Extras::default() };
    let header = InstanceHeader { extras: Some(Box::new(extras)), ..InstanceHeader::default() };
    let value = record::write_instance(&header, b"");
    store.insert((Keyspace::Instances, record::instance_key(&address())), value);
    store
}

/// The page that a store answers, which need not look whether a record follows.
fn page(store: &Store, read: &Read) -> Page {
    let (mut page, mut bytes) = (Page::default(), 0);
    for ((_, key), value) in store.range((read.keyspace, read.from.clone())..(read.keyspace, read.to.clone()))
    {
        bytes += key.len() + value.len();
        page.rows.push(Row { key: key.clone(), value: value.clone() });
        page.more = page.rows.len() >= read.rows_max || bytes >= read.bytes_max;
        if page.more {
            break;
        }
    }
    page
}

/// Walks an audit and holds that it is read whole, in order, and no read over the bound. Returns how many reads it took.
fn check(states: &[usize], newest_first: bool, page_rows: usize) -> usize {
    let store = store(states);
    let mut listing = AuditListing::new(address(), newest_first, page_rows);
    let (mut told, mut reads) = (Vec::new(), 0);
    while let Some(read) = listing.next_read() {
        let page = page(&store, &read);
        let bytes = |rows: &[Row]| rows.iter().map(|row| row.key.len() + row.value.len()).sum::<usize>();
        let before_last = page.rows.split_last().map_or(0, |(_, rows)| bytes(rows));
        assert!(before_last < MEBIBYTE, "a read of {} bytes", bytes(&page.rows));
        told.extend(listing.take(&page).expect("whole").into_iter().map(|entry| entry.sequence));
        reads += 1;
    }
    let mut rows: Vec<u64> = (1..).take(states.len()).collect();
    if newest_first {
        rows.reverse();
    }
    assert_eq!(told, rows);
    reads
}

/// A page was bounded in rows alone, and 64 of them may hold a gibibyte.
#[test]
fn no_read_of_an_audit_is_over_its_bound_and_the_whole_is_read_in_order() {
    let states = [MEBIBYTE; 64];
    assert_eq!(check(&states, false, 64), 1 + 64, "the record, and a row each");
    assert_eq!(
        check(&states, true, 64),
        1 + 64 + 1,
        "and one that was full before it had come to the newest"
    );
}

#[test]
fn an_audit_of_small_and_large_states_is_read_from_either_end() {
    let mixed: Vec<usize> =
        (0..200).map(|row| [10, 100_000, 10, MEBIBYTE, 500_000][row * row / 7 % 5]).collect();
    let late: Vec<usize> = (0..200).map(|row| if row % 50 == 49 { MEBIBYTE } else { 10 }).collect();
    for page_rows in [1, 2, 3, 64, 1_000] {
        for newest_first in [false, true] {
            check(&mixed, newest_first, page_rows);
            check(&late, newest_first, page_rows);
        }
    }
}

#[test]
fn a_small_audit_is_read_a_page_at_a_time() {
    for newest_first in [false, true] {
        assert_eq!(check(&[10; 200], newest_first, 64), 1 + 4);
    }
}

#[test]
fn rows_that_go_while_an_audit_is_read_are_left_out() {
    for newest_first in [false, true] {
        let mut store = store(&[MEBIBYTE; 8]);
        let mut listing = AuditListing::new(address(), newest_first, 4);
        let mut told = Vec::new();
        while let Some(read) = listing.next_read() {
            told.extend(
                listing.take(&page(&store, &read)).expect("whole").into_iter().map(|entry| entry.sequence),
            );
            store.retain(|(keyspace, key), _| {
                *keyspace != Keyspace::Audit || *key >= record::audit_key(&address(), 5)
            });
        }
        assert_eq!(told, if newest_first { [8, 7, 6, 5] } else { [5, 6, 7, 8] });
    }
}

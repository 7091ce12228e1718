//! Golden bytes: a change here is a change of the format on disk.

use super::*;
use sarsen_protocol::{FailureKind, ShardId};

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

fn alice() -> Address {
    Address::entity("account", "alice").expect("valid")
}

const ROW: RowId = RowId { epoch: Epoch(2), counter: 3 };

fn message() -> Message {
    Message {
        to: alice(),
        from: Origin::Instance(Address::entity("bank", "b").expect("valid")),
        operation: "add".to_owned().into(),
        input: Payload::from_encoded(Bytes::from_static(b"7")),
        answered: false,
        identity: Identity::Key(IdentityName::new("k").expect("valid")),
        due: Some(Timestamp::from_micros(300)),
        deadline: None,
        trace: Some(Box::new(TraceContext { trace_id: 1, span_id: 2, flags: 1 })),
    }
}

#[test]
fn keys_of_version_1_stand() {
    let slot = Slot::new(0x0102).expect("a slot");
    let source = Source { epoch: Epoch(4), shard: ShardId(5) };
    let timer = TimerId { due: Timestamp::from_micros(6), row: ROW, slot };
    let name = IdentityName::new("k").expect("valid");
    let keys = [
        (instance_key(&alice()), "XX6163636f756e7400616c696365"),
        (mailbox_key(&alice(), ROW), "XX6163636f756e7400616c6963650000000000000000020000000000000003"),
        (inbox_key(slot, source, Sequence(7)), "0102000000000000000400050000000000000007"),
        (timer_key(timer), "0102000000000000000600000000000000020000000000000003"),
        (key_key(&alice(), &name), "XX6163636f756e7400616c696365006b"),
        (dead_key(slot, ROW), "010200000000000000020000000000000003"),
    ];
    let slot = hex(&alice().slot().number().to_be_bytes());
    for (key, golden) in keys {
        assert_eq!(hex(&key), golden.replace("XX", &slot));
    }
}

#[test]
fn keys_are_read_as_they_were_written() {
    let slot = alice().slot();
    let source = Source { epoch: Epoch(4), shard: ShardId(5) };
    let timer = TimerId { due: Timestamp::from_micros(6), row: ROW, slot };
    assert_eq!(read_instance_key(&instance_key(&alice())), Ok(alice()));
    assert_eq!(read_mailbox_key(&mailbox_key(&alice(), ROW)), Ok((alice(), ROW)));
    assert_eq!(read_inbox_key(&inbox_key(slot, source, Sequence(7))), Ok((slot, source, Sequence(7))));
    assert_eq!(read_timer_key(&timer_key(timer)), Ok(timer));
    assert_eq!(read_dead_key(&dead_key(slot, ROW)), Ok(ROW));
    for short in [&b""[..], b"x", b"xx", b"xxaccount"] {
        assert!(read_instance_key(short).is_err());
        assert!(read_mailbox_key(short).is_err());
        assert!(read_inbox_key(short).is_err());
        assert!(read_timer_key(short).is_err());
        assert!(read_dead_key(short).is_err());
    }
}

#[test]
fn mailbox_rows_of_an_address_are_apart_from_those_of_longer_keys() {
    let longer = Address::entity("account", "alice2").expect("valid");
    let (from, to) = mailbox_bounds(&alice(), None);
    let key = |address: &Address| {
        let mut key = mailbox_key(address, ROW).to_vec();
        key[..2].copy_from_slice(&alice().slot().number().to_be_bytes());
        Bytes::from(key)
    };
    assert!((from.clone()..to.clone()).contains(&key(&alice())));
    assert!(!(from..to).contains(&key(&longer)));
    let (behind, _) = mailbox_bounds(&alice(), Some(ROW));
    assert!(behind > mailbox_key(&alice(), ROW));
    assert!(behind <= mailbox_key(&alice(), RowId { counter: 4, ..ROW }));
}

#[test]
fn timers_of_a_moment_belong_to_the_window_that_ends_there() {
    let slot = Slot::new(1).expect("a slot");
    let key = |due| timer_key(TimerId { due: Timestamp::from_micros(due), row: ROW, slot });
    let (from, to) = timer_bounds(slot, Some(Timestamp::from_micros(5)), Timestamp::from_micros(9));
    let inside: Vec<u64> = (0..20).filter(|due| (from.clone()..to.clone()).contains(&key(*due))).collect();
    assert_eq!(inside, [6, 7, 8, 9]);
    let (from, to) = timer_bounds(slot, None, Timestamp::MAX);
    assert!((from.clone()..to.clone()).contains(&key(0)) && (from..to).contains(&key(u64::MAX)));
}

#[test]
fn values_of_version_1_stand_and_come_back() {
    let header = InstanceHeader {
        exists: true,
        producers: vec![Producer { name: "p".to_owned(), number: Sequence(9), seen_secs: 10 }],
    };
    let instance = write_instance(&header, b"{}");
    assert_eq!(hex(&instance), "010101017009 0a7b7d".replace(' ', ""));
    let state = Payload::from_encoded(Bytes::from_static(b"{}"));
    assert_eq!(read_instance(&instance), Ok((header, Some(state))));

    let written = write_message(&message());
    assert_eq!(hex(&written), MESSAGE_V1.replace([' ', '\n'], ""));
    assert_eq!(read_message(&written), Ok(message()));

    let outcome = KeyOutcome { answer: Ok(Payload::null()), expires: Timestamp::from_micros(1) };
    let key = KeyRecord { content: 2, outcome: Some(outcome) };
    assert_eq!(hex(&write_key(&key)), "010201 0004 6e756c6c 01".replace(' ', ""));
    assert_eq!(read_key(&write_key(&key)), Ok(key));

    let failure = Failure::new(FailureKind::Panicked, "x");
    let dead = write_dead(Timestamp::from_micros(1), &failure, &message());
    let (_, body) = MESSAGE_V1.split_at(2);
    assert_eq!(hex(&dead), format!("0101010178 00{body}").replace([' ', '\n'], ""));
    let letter = DeadLetter { at: Timestamp::from_micros(1), failure, message: message() };
    assert_eq!(read_dead(&dead), Ok(letter));
}

const MESSAGE_V1: &str =
    "01 0d6163636f756e7400616c696365 01 0662616e6b0062 03616464 0137 00 01016b 01fb2c01 00 01010201";

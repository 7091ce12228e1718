use super::*;
use crate::samples::{events, grown_events, newest_events, scheduling_events};

/// Each event as the first of a chunk, in version 1, behind the chunk's head.
const GOLDEN_V1: &[&str] = &[
    "0001",
    "0101721000000000000000000000000000000001016f0132030101701000000000000000000000000000000002040171000105010176010174017501010203060708",
    "020001000131",
    "0200010100026e6f010131",
    "020101",
    "020201000131",
    "0202010100026e6f010131",
    "020301000131",
    "0203010100026e6f010131",
    "020401",
    "020501650131",
    "0206010173",
    "020700",
    "02080100026e6f010131",
    "03090001740131010176010174017501010203",
    "030901fb2c01",
    "03090201",
    "0309030163016f0132000000",
    "0309040163016f0132000000",
    "030905017201650131",
    "0309060361006b017801310102",
    "0309070361006b017801310108",
    "030908010361006b",
    "03090909",
    "03090a0131",
    "04000131",
    "040100026e6f010131",
    "04020131",
    "040301013101",
];

/// What there is since version 2.
const GOLDEN_V2: &[&str] = &[
    "02090100026e6f020101310154010163010135",
    "03090b017401310101760101740175010102030201030104010135",
    "020a010173",
];

/// What there is since version 3.
const GOLDEN_V3: &[&str] = &["03090c010361006b"];

/// What there is since version 4.
const GOLDEN_V4: &[&str] = &["03090d0361006b0173017801310201fbe8030108", "03090e0361006b017300"];

#[test]
fn every_event_keeps_its_bytes() {
    let hex = |event: &Event| {
        let mut bytes = Cursor::default().write(std::slice::from_ref(event));
        assert_eq!(bytes[..4], [VERSION, 0, 0, 1], "version, chunk, first event, number of events");
        for version in 1..=VERSION {
            bytes[0] = version;
            assert_eq!(Cursor::default().read(&bytes).as_deref(), Ok(std::slice::from_ref(event)));
        }
        bytes[4..].iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    };
    let versions = [
        (events(), GOLDEN_V1),
        (grown_events(), GOLDEN_V2),
        (newest_events(), GOLDEN_V3),
        (scheduling_events(), GOLDEN_V4),
    ];
    for (events, golden) in versions {
        let written: Vec<String> = events.iter().map(hex).collect();
        assert_eq!(
            written, golden,
            "bytes on disk have changed: raise the version and keep reading this one"
        );
    }
}

#[test]
fn a_history_comes_back_chunk_by_chunk() {
    let events = events();
    let (mut writing, mut reading) = (Cursor::default(), Cursor::default());
    for events in events.chunks(5) {
        let chunk = writing.write(events);
        assert_eq!(reading.read(&chunk).unwrap(), events);
    }
    assert_eq!(reading, writing);
    assert_eq!((reading.chunk(), reading.event()), (ChunkNumber(6), EventNumber(events.len() as u64)));
}

#[test]
fn a_missing_doubled_or_damaged_chunk_is_named() {
    let events = events();
    let mut writing = Cursor::default();
    let chunks: Vec<Vec<u8>> = events.chunks(10).map(|events| writing.write(events)).collect();
    let mut reading = Cursor::default();
    reading.read(&chunks[0]).unwrap();
    let order = |found| {
        let chunk = ChunkNumber(found);
        HistoryError::Order {
            expected: ChunkNumber(1),
            expected_event: EventNumber(10),
            found: chunk,
            found_event: EventNumber(u64::from(found) * 10),
        }
    };
    assert_eq!(reading.read(&chunks[0]), Err(order(0)));
    assert_eq!(reading.read(&chunks[2]), Err(order(2)));
    let cut = reading.read(&chunks[1][..9]);
    assert!(matches!(cut, Err(HistoryError::Record { chunk: ChunkNumber(1), .. })), "{cut:?}");
    let longer = reading.read(&[&chunks[1][..], &[0]].concat());
    assert!(matches!(longer, Err(HistoryError::Record { .. })), "{longer:?}");
    reading.read(&chunks[1]).unwrap();
}

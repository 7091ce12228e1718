//! Checks of what a read returns.

use super::Harness;
use super::steps::{Finding, ROWS, Rows, all, filled, page, pages, put, range, rows, same, texts};
use sarsen_protocol::{Keyspace, Read, Write};

/// The records `a` to `e` with the values `1` to `5`.
fn letters() -> Vec<Write> {
    (b'a'..=b'e').map(|letter| put(ROWS, &[letter], &[letter - b'a' + b'1'])).collect()
}

pub(super) fn order(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    // Byte order is neither the order of lengths nor that of signed or decimal numbers.
    let mut keys: Vec<&[u8]> =
        vec![b"b", b"\xff", b"a\x00", b"ab", b"\x00", b"a", b"10", b"9", b"a\xff", b"\x7f"];
    let writes: Vec<Write> = keys.iter().map(|key| put(ROWS, key, b"")).collect();
    filled(&*store, writes)?;
    keys.sort_unstable();
    let expected: Rows = keys.into_iter().map(|key| (key.to_vec(), Vec::new())).collect();
    same("the records", rows(&*store, ROWS)?, expected)
}

pub(super) fn bounds(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    filled(&*store, letters())?;
    let expect = |from: &[u8], to: &[u8], expected: &[(&str, &str)]| {
        same(&format!("{from:?}..{to:?}"), page(&*store, range(from, to))?, (texts(expected), false))
    };
    expect(b"b", b"d", &[("b", "2"), ("c", "3")])?;
    expect(b"a\x00", b"b\x00", &[("b", "2")])?;
    expect(b"c", b"c\x00", &[("c", "3")])?;
    expect(b"bb", b"bb\x00", &[])?;
    expect(b"", b"b", &[("a", "1")])?;
    expect(b"e", b"\xff", &[("e", "5")])
}

pub(super) fn empty_ranges(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    filled(&*store, letters())?;
    for (from, to) in [(b"b", b"b"), (b"d", b"b"), (b"x", b"z")] {
        same(&format!("{from:?}..{to:?}"), page(&*store, range(from, to))?, (Vec::new(), false))?;
    }
    same("\"\"..\"\"", page(&*store, range(b"", b""))?, (Vec::new(), false))
}

pub(super) fn rows_max(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    filled(&*store, letters())?;
    for (limit, rows, more) in [(0, 0, true), (1, 1, true), (4, 4, true), (5, 5, true), (6, 5, false)] {
        let (found, limited) = page(&*store, Read { rows_max: limit, ..all(ROWS) })?;
        same(
            &format!("rows and more of a read with rows_max {limit}"),
            (found.len(), limited),
            (rows, more),
        )?;
    }
    let one = Read { rows_max: 1, ..range(b"c", b"c\x00") };
    same("one key with rows_max 1", page(&*store, one)?, (texts(&[("c", "3")]), true))
}

pub(super) fn bytes_max(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    filled(&*store, letters())?;
    for (limit, rows, more) in
        [(0, 1, true), (1, 1, true), (2, 1, true), (3, 2, true), (10, 5, true), (11, 5, false)]
    {
        let (found, limited) = page(&*store, Read { bytes_max: limit, ..all(ROWS) })?;
        same(
            &format!("rows and more of a read with bytes_max {limit}"),
            (found.len(), limited),
            (rows, more),
        )?;
    }
    Ok(())
}

pub(super) fn without_values(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    filled(&*store, letters())?;
    let keys = Read { values: false, ..range(b"b", b"d") };
    same("the range", page(&*store, keys)?, (texts(&[("b", ""), ("c", "")]), false))?;
    let key = Read { values: false, ..range(b"b", b"b\x00") };
    same("the key", page(&*store, key)?, (texts(&[("b", "")]), false))?;
    let limited = Read { values: false, bytes_max: 2, ..all(ROWS) };
    same("the keys up to 2 bytes", page(&*store, limited)?, (texts(&[("a", ""), ("b", "")]), true))
}

pub(super) fn keyspaces(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    let writes: Vec<Write> =
        Keyspace::ALL.into_iter().map(|keyspace| put(keyspace, b"key", &[keyspace as u8])).collect();
    filled(&*store, writes)?;
    for keyspace in Keyspace::ALL {
        let expected = vec![(b"key".to_vec(), vec![keyspace as u8])];
        same(&format!("{keyspace:?}"), rows(&*store, keyspace)?, expected)?;
    }
    Ok(())
}

pub(super) fn many(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    filled(&*store, letters())?;
    same("the pages of no read", pages(&*store, &[])?, Vec::new())?;
    let reads = [range(b"d", b"e"), all(Keyspace::Dead), range(b"a", b"c"), range(b"d", b"d\x00")];
    let lengths: Vec<usize> = pages(&*store, &reads)?.iter().map(|page| page.rows.len()).collect();
    same("the rows of four reads", lengths, vec![1, 0, 2, 1])
}

pub(super) fn large(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    let key = [0xab; 600];
    // No run of the value equals another, so parts that are swapped or cut do not go unnoticed.
    let value: Vec<u8> = (0..300_000u32).flat_map(u32::to_be_bytes).collect();
    filled(&*store, [put(ROWS, &key, &value), put(ROWS, b"small", b"")])?;
    let found = rows(&*store, ROWS)?;
    let expected: Rows = vec![(b"small".to_vec(), Vec::new()), (key.to_vec(), value)];
    // Not by `same`: nobody wants a megabyte in a message.
    if found == expected { Ok(()) } else { Err("a record of a megabyte came back changed".to_owned()) }
}

//! Dead letters by their receiver and by why they were given up, and one by its id.

use super::walk::Walk;
use crate::record::{self, DeadLetter};
use sarsen_protocol::{Address, FailureKind, Keyspace, LetterId, Page, Read, Row, record::RecordError};

/// A dead letter that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLetter {
    /// Its id.
    pub id: LetterId,
    /// What it holds.
    pub letter: DeadLetter,
}

/// Which dead letters are wanted. What is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Those for entities of the type of this name.
    pub entity: Option<String>,
    /// Those for entities with this key.
    pub key: Option<String>,
    /// Those for the run with this id.
    pub run: Option<String>,
    /// Those that were given up because of one of these; all without.
    pub kinds: Vec<FailureKind>,
}

impl LetterFilter {
    fn wants(&self, letter: &DeadLetter) -> bool {
        let to = &letter.message.to;
        let is = |wanted: &Option<String>, is_run: bool, part: fn(&Address) -> &str| {
            wanted.as_deref().is_none_or(|wanted| to.is_run() == is_run && part(to) == wanted)
        };
        is(&self.entity, false, Address::name)
            && is(&self.key, false, Address::key)
            && is(&self.run, true, Address::key)
            && (self.kinds.is_empty() || self.kinds.contains(&letter.failure.kind))
    }
}

/// A walk over dead letters. Each is found once: by slot, and in each slot the oldest first.
#[derive(Clone, Debug)]
pub struct LetterListing {
    walk: Walk,
    filter: LetterFilter,
}

impl LetterListing {
    /// A walk that aims at `page_rows` letters a page.
    pub fn new(filter: LetterFilter, page_rows: usize) -> Self {
        Self { walk: Walk::new(Keyspace::Dead, "", page_rows), filter }
    }

    /// What to read next, from one state of the store; `None` when the walk is over.
    pub fn next_read(&self) -> Option<Vec<Read>> {
        self.walk.next_read()
    }

    /// Takes in what was read and moves on.
    ///
    /// # Errors
    /// [`RecordError`] when a record is damaged or newer than this build.
    pub fn take(&mut self, pages: &[Page]) -> Result<Vec<ListedLetter>, RecordError> {
        let filter = &self.filter;
        self.walk.take(pages, |row| Ok(Some(listed(row)?).filter(|found| filter.wants(&found.letter))))
    }
}

/// Finds one dead letter.
#[derive(Clone, Copy, Debug)]
pub struct LetterLookup {
    letter: LetterId,
}

impl LetterLookup {
    /// Of this id.
    pub fn new(letter: LetterId) -> Self {
        Self { letter }
    }

    /// What to read.
    pub fn read(&self) -> Read {
        let (from, to) = record::exactly(&record::dead_key(self.letter));
        Read { keyspace: Keyspace::Dead, from, to, rows_max: 1, bytes_max: usize::MAX, values: true }
    }

    /// What was found; `None` when there is no such letter.
    ///
    /// # Errors
    /// [`RecordError`] when the record is damaged or newer than this build.
    pub fn take(&self, page: &Page) -> Result<Option<ListedLetter>, RecordError> {
        page.rows.first().map(listed).transpose()
    }
}

fn listed(row: &Row) -> Result<ListedLetter, RecordError> {
    Ok(ListedLetter { id: record::read_dead_key(&row.key)?, letter: record::read_dead(&row.value)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use sarsen_protocol::{
        Body, Epoch, Failure, Message, OperationName, Payload, RunId, Slot, SlotRange, Timestamp,
    };
    use std::collections::BTreeMap;

    type Rows = BTreeMap<Bytes, Bytes>;

    fn answer(rows: &Rows, read: &Read) -> Page {
        let mut found = rows.range(read.from.clone()..read.to.clone());
        let rows: Vec<Row> = found
            .by_ref()
            .take(read.rows_max)
            .map(|(key, value)| Row { key: key.clone(), value: value.clone() })
            .collect();
        Page { rows, more: found.next().is_some() }
    }

    fn entity(name: &str, key: &str) -> Address {
        Address::entity(name, key).expect("valid")
    }

    /// Three letters for each receiver, two because of a failure and one because of a full mailbox; the last of them
    /// lies in another slot.
    fn store() -> Rows {
        let run = Address::run(&RunId::new("a").expect("valid"));
        let receivers = [entity("word", "a"), entity("word", "b"), entity("other", "a"), run];
        let mut rows = Rows::new();
        for (number, to) in (0..).zip(receivers.iter().cycle().take(12)) {
            let kind = if number < 8 { FailureKind::Returned } else { FailureKind::MailboxFull };
            let body = Body::operation(OperationName::of("add"), Payload::null(), false);
            let message = Message::one_way(to.clone(), to.clone(), body);
            let slot = if number < 8 { to.slot() } else { SlotRange::ALL.iter().next().expect("a slot") };
            let letter = LetterId::new(slot, Epoch(1), number);
            let at = Timestamp::from_micros(number);
            let value = record::write_dead(at, &Failure::new(kind, "x"), &message);
            rows.insert(record::dead_key(letter), value);
        }
        rows
    }

    #[test]
    fn a_filter_by_receiver_and_kind_finds_those_for_which_all_of_it_holds() {
        let rows = store();
        let check = |filter: LetterFilter, expect: &[u64]| {
            for page_rows in [1, 2, 100] {
                let mut listing = LetterListing::new(filter.clone(), page_rows);
                let mut found = Vec::new();
                while let Some(reads) = listing.next_read() {
                    let pages: Vec<Page> = reads.iter().map(|read| answer(&rows, read)).collect();
                    found
                        .extend(listing.take(&pages).expect("whole").into_iter().map(|one| one.id.counter()));
                }
                found.sort_unstable();
                assert_eq!(found, expect, "{filter:?}, {page_rows} a page");
            }
        };
        let text = |text: &str| Some(text.to_owned());
        let (all, full) = (LetterFilter::default(), vec![FailureKind::MailboxFull]);
        check(all.clone(), &(0..12).collect::<Vec<_>>());
        check(LetterFilter { entity: text("word"), ..all.clone() }, &[0, 1, 4, 5, 8, 9]);
        check(LetterFilter { key: text("a"), ..all.clone() }, &[0, 2, 4, 6, 8, 10]);
        check(LetterFilter { run: text("a"), ..all.clone() }, &[3, 7, 11]);
        check(LetterFilter { run: text("a"), key: text("a"), ..all.clone() }, &[]);
        check(LetterFilter { kinds: full.clone(), ..all.clone() }, &[8, 9, 10, 11]);
        check(LetterFilter { entity: text("word"), key: text("b"), kinds: full, ..all }, &[9]);
    }

    #[test]
    fn a_letter_is_found_by_its_id() {
        let rows = store();
        let slot = entity("word", "a").slot();
        for (counter, expect) in [(0, true), (1, false), (4, true), (12, false)] {
            let lookup = LetterLookup::new(LetterId::new(slot, Epoch(1), counter));
            let found = lookup.take(&answer(&rows, &lookup.read())).expect("whole");
            assert_eq!(found.map(|found| found.id.counter()), expect.then_some(counter));
        }
        let none = LetterLookup::new(LetterId::new(Slot::new(0).expect("a slot"), Epoch(2), 8));
        assert_eq!(none.take(&answer(&rows, &none.read())), Ok(None));
    }
}

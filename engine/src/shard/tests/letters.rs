//! Dead letters that are sent again or discarded.

use super::{desk::Desk, limits};
use crate::{LetterFate, LetterRequest, Limits, Request, record};
use sarsen_protocol::{Answer, Body, CallError, FailureKind, Identity, Keyspace, LetterId};
use std::time::Duration;

/// The dead letters that are durable, oldest first.
fn letters(desk: &Desk) -> Vec<LetterId> {
    let mut letters: Vec<LetterId> =
        desk.keys(Keyspace::Dead).iter().map(|key| record::read_dead_key(key).expect("whole")).collect();
    letters.sort_unstable();
    letters
}

/// Asks for something to become of a letter, with the message that was in it or, when it is gone, in any other.
fn ask(desk: &mut Desk, letter: LetterId, fate: LetterFate) -> u64 {
    let rows = desk.keys(Keyspace::Dead).into_iter().zip(desk.values(Keyspace::Dead));
    let key = record::dead_key(letter);
    let own = rows.max_by_key(|(row, _)| *row == key);
    let message = own.map(|(_, value)| record::read_dead(&value).expect("whole").message);
    let message = message.expect("there is some letter");
    desk.ask(|session, request| {
        Request::Letter(Box::new(LetterRequest { letter, message, fate, session, request }))
    })
}

fn is_gone(desk: &Desk, request: u64, letter: LetterId) -> bool {
    desk.refusal(request) == Some(&CallError::LetterGone { letter })
}

/// A desk with an entity `x` whose mailbox was too full for some of 40 additions.
fn flooded(shards: u16) -> Desk {
    let mut desk = Desk::new(shards, limits(|limits| limits.mailbox_messages_max = 1));
    desk.signal("y", "flood", "40", Identity::None);
    desk.rest();
    assert!(desk.rows(Keyspace::Dead) > 8, "{} letters", desk.rows(Keyspace::Dead));
    assert_eq!(desk.sum("x") + desk.rows(Keyspace::Dead), 40);
    desk
}

#[test]
fn letters_that_are_sent_again_are_done_once_over_crashes_and_other_numbers_of_shards() {
    for (before, after) in [(1, 1), (1, 3), (3, 1), (3, 7)] {
        let mut desk = flooded(before);
        // Dies after so many rounds of turns and a commit, and now and then with a batch that is not durable.
        for crash in 0..8 {
            desk.reopen(if crash % 2 == 0 { after } else { before });
            desk.rest();
            let asked: Vec<(LetterId, u64)> = letters(&desk)
                .into_iter()
                .take(2)
                .map(|letter| (letter, ask(&mut desk, letter, LetterFate::SentAgain)))
                .collect();
            (0..crash / 2).for_each(|_| desk.step());
            desk.turns();
            for (letter, request) in asked {
                let told = desk.answer(request) == Some(&Answer::Acknowledged);
                assert!(!told || !letters(&desk).contains(&letter), "what was acknowledged is durable");
            }
        }
        desk.reopen(after);
        desk.rest();
        assert_eq!(desk.sum("x") + desk.rows(Keyspace::Dead), 40);
        for letter in letters(&desk) {
            ask(&mut desk, letter, LetterFate::SentAgain);
            desk.rest();
        }
        assert_eq!((desk.sum("x"), desk.rows(Keyspace::Dead), desk.stats().dead_letters), (40, 0, 0));
        assert_eq!(desk.rows(Keyspace::Mailbox) + desk.rows(Keyspace::Inbox), 0);
    }
}

#[test]
fn a_letter_goes_in_the_commit_that_accepts_its_message_anew() {
    let mut desk = flooded(1);
    desk.reopen(1);
    desk.rest();
    let letter = letters(&desk)[0];
    let (before, dead) = (desk.batches, desk.rows(Keyspace::Dead));
    let sent = ask(&mut desk, letter, LetterFate::SentAgain);
    let again = ask(&mut desk, letter, LetterFate::SentAgain);
    assert_eq!((desk.answer(sent), desk.answer(again)), (None, None), "nothing is durable");
    desk.commit();
    assert_eq!(desk.batches, before + 1);
    assert_eq!((desk.rows(Keyspace::Dead), desk.rows(Keyspace::Mailbox)), (dead - 1, 1));
    assert_eq!(desk.answer(sent), Some(&Answer::Acknowledged));
    assert!(is_gone(&desk, again, letter));
}

#[test]
fn a_message_that_fails_again_is_another_letter() {
    let mut desk = Desk::new(1, Limits::default());
    desk.signal("x", "refuse", "null", super::key("k"));
    desk.rest();
    for shards in [1, 2, 5] {
        desk.reopen(shards);
        desk.rest();
        let letter = letters(&desk)[0];
        let sent = ask(&mut desk, letter, LetterFate::SentAgain);
        desk.rest();
        assert_eq!(desk.answer(sent), Some(&Answer::Acknowledged));
        assert_eq!(letters(&desk).len(), 1);
        assert_ne!(letters(&desk)[0], letter);
        let again = ask(&mut desk, letter, LetterFate::SentAgain);
        desk.rest();
        assert!(is_gone(&desk, again, letter));
    }
    assert_eq!((desk.letters.len(), desk.rows(Keyspace::Keys)), (4, 1));
}

#[test]
fn a_letter_is_discarded_once_and_its_message_is_never_done() {
    let mut desk = flooded(2);
    let (done, given_up) = (desk.sum("x"), letters(&desk));
    let asked: Vec<[u64; 2]> = given_up
        .iter()
        .map(|letter| [LetterFate::Discarded; 2].map(|fate| ask(&mut desk, *letter, fate)))
        .collect();
    desk.rest();
    for (letter, [first, second]) in given_up.into_iter().zip(asked) {
        assert_eq!(desk.answer(first), Some(&Answer::Acknowledged));
        assert!(is_gone(&desk, second, letter));
    }
    desk.reopen(1);
    desk.rest();
    assert_eq!((desk.sum("x"), desk.rows(Keyspace::Dead), desk.stats().dead_letters), (done, 0, 0));
}

/// A letter for an entity of another shard lies with the shard of its sender, which is another one at another open.
#[test]
fn a_letter_that_lies_with_its_sender_is_found_at_any_number_of_shards() {
    for (before, after) in [(1, 1), (2, 1), (7, 2), (2, 7)] {
        let mut desk = Desk::new(before, Limits::default());
        desk.signal("x", "stray", "null", Identity::None);
        desk.rest();
        desk.reopen(after);
        desk.rest();
        let [again, discarded] = letters(&desk)[..] else { panic!("{:?}", letters(&desk)) };
        let asked = [(again, LetterFate::SentAgain), (discarded, LetterFate::Discarded)]
            .map(|(letter, fate)| ask(&mut desk, letter, fate));
        desk.rest();
        assert_eq!(asked.map(|request| desk.answer(request)), [Some(&Answer::Acknowledged); 2]);
        assert_eq!(letters(&desk).len(), 1, "the type is still not registered");
        assert_eq!(desk.letters.last().map(|failure| failure.kind), Some(FailureKind::UnknownEntity));
    }
}

#[test]
fn an_event_that_was_given_up_comes_to_a_run_that_is_there_since() {
    let mut desk = Desk::new(1, Limits::default());
    desk.raise("r", "e x", Some(Duration::from_secs(10)));
    desk.rest();
    desk.now = desk.now.after(Duration::from_secs(11));
    desk.rest();
    let [early] = letters(&desk)[..] else { panic!("it has expired") };
    ask(&mut desk, early, LetterFate::SentAgain);
    desk.rest();
    let [letter] = letters(&desk)[..] else { panic!("there is still no run") };
    assert_eq!(desk.letters.last().map(|failure| failure.kind), Some(FailureKind::RunNotFound));
    desk.start("r", "event e");
    desk.rest();
    ask(&mut desk, letter, LetterFate::SentAgain);
    desk.rest();
    assert_eq!((desk.stands("r"), desk.rows(Keyspace::Dead)), ("completed: x".to_owned(), 0));
}

#[test]
fn a_start_that_was_given_up_begins_once_its_id_is_free() {
    for restless in [false, true] {
        let mut desk = Desk::new(2, Limits::default());
        desk.restless = restless;
        desk.start("r", "say first");
        desk.rest();
        desk.signal("x", "begin", r#"["r", "say second"]"#, Identity::None);
        desk.rest();
        let [letter] = letters(&desk)[..] else { panic!("the id is taken") };
        desk.manage("r", Body::Purge);
        desk.rest();
        ask(&mut desk, letter, LetterFate::SentAgain);
        desk.rest();
        assert_eq!((desk.stands("r"), desk.rows(Keyspace::Dead)), ("completed: second".to_owned(), 0));
    }
}

#[test]
fn a_delayed_signal_that_is_sent_again_is_not_done_before_its_time() {
    let mut desk = Desk::new(1, limits(|limits| limits.timers_max = 1));
    desk.signal("a", "later", "1", Identity::None);
    desk.signal("b", "later", "2", Identity::None);
    desk.rest();
    let [letter] = letters(&desk)[..] else { panic!("one of the two is too many") };
    ask(&mut desk, letter, LetterFate::SentAgain);
    desk.rest();
    let [letter] = letters(&desk)[..] else { panic!("one of the two is still too many") };
    assert_eq!((desk.sum("z"), desk.rows(Keyspace::Timers)), (0, 1));
    desk.now = desk.now.after(Duration::from_millis(1));
    desk.rest();
    ask(&mut desk, letter, LetterFate::SentAgain);
    desk.rest();
    assert_eq!((desk.sum("z"), desk.rows(Keyspace::Dead)), (3, 0));
}

#[test]
fn a_letter_that_is_gone_makes_room_for_another() {
    let mut desk = Desk::new(1, limits(|limits| limits.dead_letters_max = 2));
    for entity in ["a", "b", "c"] {
        desk.signal(entity, "refuse", "null", Identity::None);
        desk.rest();
        if entity == "b" {
            let oldest = letters(&desk)[0];
            ask(&mut desk, oldest, LetterFate::Discarded);
            desk.rest();
        }
    }
    assert_eq!(desk.dead(), ["@sum@b", "@sum@c"]);
    assert_eq!((desk.stats().dead_letters, desk.stats().dead_letters_dropped), (2, 0));
}

#[test]
fn what_a_lost_section_was_to_schedule_is_scheduled_when_it_is_sent_again() {
    let mut desk = Desk::new(1, Limits::default());
    desk.start("r", "lock x; event e; plan x b 2 9; unlock");
    desk.rest();
    desk.force("x", "r");
    desk.raise("r", "e on", None);
    desk.rest();
    let [letter] = letters(&desk)[..] else { panic!("it has lost its lock") };
    assert_eq!(desk.letters.last().map(|failure| failure.kind), Some(FailureKind::LockLost));
    ask(&mut desk, letter, LetterFate::SentAgain);
    desk.rest();
    assert_eq!((desk.scheduled("x"), desk.rows(Keyspace::Dead)), (vec!["b: log in 9".to_owned()], 0));
}

#[test]
fn a_start_of_an_orchestration_that_is_not_there_is_another_letter_until_it_is() {
    let mut desk = Desk::new(2, Limits::default());
    desk.registered = false;
    desk.reopen(2);
    desk.signal("x", "begin", r#"["r", "say hello"]"#, Identity::None);
    desk.rest();
    for registered in [false, true] {
        desk.registered = registered;
        desk.reopen(2);
        desk.rest();
        let [letter] = letters(&desk)[..] else { panic!("nobody has begun it") };
        assert_eq!(desk.letters.last().map(|failure| failure.kind), Some(FailureKind::UnknownOrchestration));
        assert!(desk.run("r").is_none(), "its id is free");
        ask(&mut desk, letter, LetterFate::SentAgain);
        desk.rest();
        assert!(!letters(&desk).contains(&letter));
    }
    assert_eq!((desk.stands("r"), desk.rows(Keyspace::Dead)), ("completed: hello".to_owned(), 0));
}

#[test]
fn wishes_of_instances_to_cancel_are_bounded_and_kept_as_their_signals_are() {
    let mut desk = Desk::new(1, limits(|limits| limits.mailbox_messages_max = 3));
    desk.start("r", "lock x; event e; unlock");
    desk.rest();
    for _ in 0..50 {
        desk.signal("y", "unplan", "\"x\"", Identity::None);
        desk.rest();
    }
    assert_eq!((desk.rows(Keyspace::Mailbox), desk.rows(Keyspace::Dead)), (30, 20));
    desk.signal("y", "stray_unplan", "null", Identity::None);
    desk.rest();
    let kinds: Vec<FailureKind> = desk.letters.iter().map(|failure| failure.kind).collect();
    assert_eq!(kinds[..20], [FailureKind::MailboxFull; 20]);
    assert_eq!(kinds[20..], [FailureKind::UnknownEntity]);
    desk.raise("r", "e on", None);
    desk.rest();
    for letter in &letters(&desk)[..20] {
        ask(&mut desk, *letter, LetterFate::SentAgain);
    }
    desk.rest();
    assert_eq!((desk.rows(Keyspace::Mailbox), desk.rows(Keyspace::Dead)), (0, 1));
}

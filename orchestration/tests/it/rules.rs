//! The rules of critical sections, one after the other: what is forbidden and by which error, word for word; what is
//! allowed; and that what is forbidden leaves nothing: no command is issued for it, so no message leaves.

use crate::support::{activity, check, orchestration};
use sarsen_orchestration::{Caller, Context, join};
use sarsen_protocol::{Address, AddressError, CallError, Port, Returns, SectionError, json};
use std::{fmt::Debug, time::Duration};

activity!(none: () => (), value);

orchestration!(child, |_cx, n: u32| -> u32 { n });

fn account(key: &str) -> Result<Address, AddressError> {
    Address::entity("account", key)
}

fn address(key: &str) -> Address {
    account(key).unwrap()
}

fn add(cx: &Context, key: &str) -> sarsen_orchestration::EntityRequest<u32> {
    let caller: Caller = cx.caller(account(key));
    caller.request("add", &1, Returns::value())
}

/// What is refused, and in which words.
fn refused<T: Debug>(result: Result<T, CallError>) -> (SectionError, String) {
    let Err(error @ CallError::Section(_)) = result else { panic!("no rule forbade it: {result:?}") };
    let text = error.to_string();
    let CallError::Section(rule) = error else { unreachable!("it was looked at") };
    (rule, text)
}

orchestration!(bound, |cx, case: String| -> (SectionError, String) {
    let set = || [account("a"), account("b")];
    let (place, what) = case.split_once(' ').unwrap();
    match place {
        "free" => attempt(&cx, what).await,
        "pending" => {
            let _waits = cx.lock_addresses(set());
            attempt(&cx, what).await
        }
        _ => {
            let _held = cx.lock_addresses(set()).await.unwrap();
            attempt(&cx, what).await
        }
    }
});

/// Breaks a rule. Whoever breaks it may go on.
async fn attempt(cx: &Context, what: &str) -> (SectionError, String) {
    let none: [Result<Address, AddressError>; 0] = [];
    match what {
        "lock" => refused(cx.lock_addresses([account("c"), account("a")]).await),
        "try" => refused(cx.try_lock_addresses([account("c")]).await),
        "nothing" => refused(cx.lock_addresses(none).await),
        "child" => refused(cx.child(child, 1).await),
        "signal" => refused(add(cx, "b").signal()),
        "later" => refused(add(cx, "b").after(Duration::from_secs(1)).signal()),
        "call" => refused(add(cx, "a").await),
        "another" => refused(add(cx, "c").await),
        _ => {
            let _first = add(cx, "a").start();
            refused(add(cx, "a").await)
        }
    }
}

const ASKED: &str = "0 a section over @account@a, @account@b";

/// What is forbidden, in whichever of these places; `commands`: what is issued by what is allowed beside it.
#[track_caller]
fn forbidden(cases: &[&str], commands: &str, rule: &SectionError, text: &str) {
    for case in cases {
        let told = json::encode(&(rule, text)).unwrap();
        let told = format!("the end with {}", String::from_utf8_lossy(told.as_bytes()));
        let (given, commands) = (format!("{case:?}"), commands.to_owned());
        match case.split_once(' ').unwrap().0 {
            "free" => check::<bound>(&given, &[("", &told)]),
            "pending" => {
                check::<bound>(&given, &[("", &format!("{ASKED}; 1 the end of section 0; {told}"))]);
            }
            _ => {
                let held = format!("{commands}{told}");
                check::<bound>(&given, &[("", ASKED), ("grant 0", &held)]);
            }
        }
    }
}

/// Rule 1.
#[test]
fn a_second_section_is_refused_while_one_is_held_or_waited_for() {
    let nested = |entity| SectionError::Nested { entity: address(entity), held: address("a") };
    let text =
        "while the section over @account@a is open: lock all in one section, or release that one first";
    let cases = ["pending lock", "held lock"];
    forbidden(&cases, END, &nested("a"), &format!("cannot lock @account@a {text}"));
    let cases = ["pending try", "held try"];
    forbidden(&cases, END, &nested("c"), &format!("cannot lock @account@c {text}"));
}

/// The guard goes with the code that holds it.
const END: &str = "1 the end of section 0; ";

/// Rule 2.
#[test]
fn a_child_is_not_awaited_in_a_section() {
    let rule = SectionError::Child { orchestration: "child".to_owned(), held: address("a") };
    let text = "cannot await orchestration `child` while the section over @account@a is open: release it first, or \
                start it detached";
    forbidden(&["pending child", "held child"], END, &rule, text);
}

/// Rule 3.
#[test]
fn an_entity_of_the_section_is_not_signalled() {
    let rule = SectionError::SignalToLocked { entity: address("b") };
    let text = "cannot signal @account@b, which the open section locks: call it instead";
    forbidden(&["pending signal", "held signal", "pending later", "held later"], END, &rule, text);
}

/// Rule 5.
#[test]
fn a_second_call_to_a_locked_entity_waits_for_the_first() {
    let rule = SectionError::CallPending { entity: address("a") };
    let text = "cannot call @account@a while an earlier call to it is not answered: await that one first";
    let first = "1 call `add` of @account@a with 1 in section 0; 2 the end of section 0; ";
    forbidden(&["held twice"], first, &rule, text);
}

/// Rule 6.
#[test]
fn an_entity_that_is_not_in_the_section_is_not_called() {
    let rule = SectionError::NotLocked { entity: address("c") };
    let text = "cannot call @account@c while a section is open that does not lock it: add it to the section, or \
                signal it";
    forbidden(&["held another"], END, &rule, text);
}

/// Rule 7.
#[test]
fn no_entity_is_called_before_the_lock_is_granted() {
    for (case, key) in [("pending call", "a"), ("pending another", "c")] {
        let rule = SectionError::NotGranted { entity: address(key) };
        let text = format!("cannot call @account@{key} before the lock is granted: await the lock first");
        forbidden(&[case], END, &rule, &text);
    }
}

/// Rule 11.
#[test]
fn a_section_over_no_entity_is_refused() {
    let text = "a section over no entity: name at least one to lock";
    forbidden(&["free nothing", "pending nothing", "held nothing"], END, &SectionError::Empty, text);
}

/// Rules 4, 8, 9, 10 and 12: a set that names an entity twice is a set; one call at a time to each of its entities, in
/// parallel to different ones; signals to others; activities, timers, events, statuses, runs that nobody awaits.
#[test]
fn what_is_allowed_in_a_section_is_done() {
    orchestration!(diligent, |cx, _input: ()| -> u32 {
        let set = [account("b"), account("a"), account("b")];
        let _held = cx.lock_addresses(set).await.unwrap();
        let (a, b) = join((add(&cx, "a"), add(&cx, "b"))).await;
        let again = add(&cx, "a").await.unwrap();
        add(&cx, "c").signal().unwrap();
        cx.set_status(&"inside").unwrap();
        cx.send_event(cx.run_id(), "e", &1).unwrap();
        cx.child(child, 1).id("d").detach().unwrap();
        cx.event::<u32>("e").await.unwrap();
        cx.timer(Duration::from_secs(1)).await;
        cx.activity(none, ()).await.unwrap();
        a.unwrap() + b.unwrap() + again
    });
    let outside = "4 signal `add` to @account@c with 1; 5 status \"inside\"; 6 event `e` to run `run` with 1; \
                   7 detached orchestration `child` as run `d` with 1";
    check::<diligent>(
        "null",
        &[
            ("", ASKED),
            (
                "grant 0",
                "1 call `add` of @account@a with 1 in section 0; 2 call `add` of @account@b with 1 in section 0",
            ),
            ("2 = 20; 1 = 10", "3 call `add` of @account@a with 1 in section 0"),
            ("3 = 12", outside),
            ("raise e 1", "8 a timer for 105.000000s"),
            ("fire 8", "9 activity `none` with null"),
            ("9 = null", "10 the end of section 0; the end with 42"),
        ],
    );
}

/// Rule 14, and that whoever is refused may go on: nothing is over because of it.
#[test]
fn a_release_ends_a_section_once_and_who_was_refused_goes_on() {
    orchestration!(twice, |cx, _input: ()| -> Option<Vec<Address>> {
        let held = cx.lock_addresses([account("a")]).await.unwrap();
        refused(add(&cx, "a").signal());
        refused(cx.child(child, 1).await);
        held.release();
        add(&cx, "a").signal().unwrap();
        let again = cx.lock_addresses([account("a")]).await.unwrap();
        drop(again);
        cx.section()
    });
    check::<twice>(
        "null",
        &[
            ("", "0 a section over @account@a"),
            (
                "grant 0",
                "1 the end of section 0; 2 signal `add` to @account@a with 1; 3 a section over @account@a",
            ),
            ("grant 3", "4 the end of section 3; the end with null"),
        ],
    );
}

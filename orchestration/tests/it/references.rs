//! Entities by their types: references, and what becomes of them inside a section.

use crate::support::{Script, check, orchestration, payload, start};
use sarsen_orchestration::{
    Branch, Caller, Context, End, EntityType, Event, Guard, Locked, Port, Reference, join, join_all,
};
use sarsen_protocol::{CallError, Returns, SectionError, Timestamp};
use std::{rc::Rc, time::Duration};

/// An entity type and its reference, as the macros would write them.
macro_rules! entity {
    ($name:ident $text:literal, $reference:ident) => {
        struct $name;

        #[derive(Clone, Debug)]
        struct $reference<P> {
            port: P,
        }

        impl EntityType for $name {
            const NAME: &'static str = $text;
            type Ref<P: Port> = $reference<P>;

            fn refer<P: Port>(port: P) -> $reference<P> {
                $reference { port }
            }
        }

        impl<P: Port> $reference<P> {
            fn add(&self, n: u32) -> P::Request<u32> {
                self.port.request("add", &n, Returns::value())
            }
        }

        impl<P: Port> Reference for $reference<P> {
            type Port = P;
            type Over<Q: Port> = $reference<Q>;

            fn port(&self) -> &P {
                &self.port
            }

            fn over<Q: Port>(port: Q) -> $reference<Q> {
                $reference { port }
            }
        }
    };
}

entity!(Account "account", AccountRef);
entity!(Bank "bank", BankRef);
entity!(Misnamed "Misnamed", MisnamedRef);

const LOCKED: (&str, &str) = ("", "0 a section over @account@a, @account@b");

#[test]
fn an_entity_is_called_and_signalled_by_its_type() {
    orchestration!(talk, |cx, _input: ()| -> u32 {
        let (account, bank) = (cx.entity::<Account>("a"), cx.entity::<Bank>(String::from("b")));
        account.add(1).signal().unwrap();
        bank.add(2).after(Duration::from_secs(1)).signal().unwrap();
        drop(bank.add(3));
        let earlier = bank.clone().add(4).start();
        account.add(5).await.unwrap() + earlier.await.unwrap()
    });
    check::<talk>(
        "null",
        &[
            (
                "",
                "0 signal `add` to @account@a with 1; 1 signal `add` to @bank@b with 2 for 101.000000s; 2 call `add` of \
                 @bank@b with 4; 3 call `add` of @account@a with 5",
            ),
            ("2 = 4; 3 = 5", "the end with 9"),
        ],
    );
}

#[test]
fn an_address_that_is_none_is_told_by_what_is_asked_for() {
    orchestration!(lost, |cx, _input: ()| -> Vec<String> {
        let (keyless, nameless) = (cx.entity::<Account>("\n"), cx.entity::<Misnamed>("a"));
        vec![
            keyless.add(1).await.unwrap_err().to_string(),
            keyless.add(1).signal().unwrap_err().to_string(),
            nameless.add(1).await.unwrap_err().to_string(),
            cx.lock((keyless, nameless)).await.unwrap_err().to_string(),
        ]
    });
    let key = r"the key `\\n` has a control character: use printable characters only";
    let name = "`Misnamed` is no entity name: use a lower-case letter followed by up to 63 of a-z, 0-9 and _";
    let mut script = Script::new::<lost>(start("lost", "null"));
    let end = script.turn_of("").unwrap().end().cloned();
    let told = format!("[\"{key}\",\"{key}\",\"{name}\",\"cannot lock: {key}\"]");
    assert_eq!(end, Some(End::Returned(payload(&told))));
    script.check_replays();
}

#[test]
fn locked_references_come_back_as_they_were_given() {
    orchestration!(several, |cx, _input: ()| -> (u32, u32, u32) {
        let held =
            cx.lock((cx.entity::<Bank>("x"), cx.entity::<Account>("b"), cx.entity::<Account>("a"))).await;
        let held = held.unwrap();
        let (bank, b, a) = held.refs();
        let a_first = a.add(1).start();
        let (in_bank, in_b) = join((bank.add(2), b.add(3))).await;
        let totals = (a_first.await.unwrap(), in_b.unwrap(), in_bank.unwrap());
        held.release();
        totals
    });
    let in_section = |id: u32, call: &str| format!("{id} call `add` of {call} in section 0");
    let calls = [
        in_section(1, "@account@a with 1"),
        in_section(2, "@bank@x with 2"),
        in_section(3, "@account@b with 3"),
    ];
    check::<several>(
        "null",
        &[
            ("", "0 a section over @account@a, @account@b, @bank@x"),
            ("grant 0", &calls.join("; ")),
            ("3 = 3; 2 = 2; 1 = 1", "4 the end of section 0; the end with [1,3,2]"),
        ],
    );
}

#[test]
fn a_list_and_an_array_can_be_locked_with_repeats() {
    orchestration!(list, |cx, keys: Vec<String>| -> u32 {
        let accounts: Vec<_> = keys.iter().map(|key| cx.entity::<Account>(key)).collect();
        let held = match cx.lock(accounts).await {
            Ok(held) => held,
            Err(error) => panic!("{error}"),
        };
        let refs: Vec<AccountRef<_>> = held.refs();
        let first = join_all([refs[0].add(1), refs[1].add(2)]).await;
        // The same entity twice: one lock, and one call at a time.
        let again = refs[2].add(3).start();
        assert!(refs[1].add(4).await.is_err());
        first.into_iter().map(Result::unwrap).sum::<u32>() + again.await.unwrap()
    });
    check::<list>(
        "[\"b\",\"a\",\"a\"]",
        &[
            LOCKED,
            (
                "grant 0",
                "1 call `add` of @account@b with 1 in section 0; 2 call `add` of @account@a with 2 in section 0",
            ),
            ("1 = 1; 2 = 2", "3 call `add` of @account@a with 3 in section 0"),
            ("3 = 4", "4 the end of section 0; the end with 7"),
        ],
    );
    let none = "the failure `panicked: a section over no entity: name at least one to lock`";
    check::<list>("[]", &[("", none)]);
    orchestration!(array, |cx, _input: ()| -> usize {
        let held = cx.lock(["b", "a"].map(|key| cx.entity::<Account>(key))).await.unwrap();
        let refs: [AccountRef<_>; 2] = held.refs();
        join_all(refs.iter().map(|account| account.add(1))).await.len()
    });
    let calls =
        "1 call `add` of @account@b with 1 in section 0; 2 call `add` of @account@a with 1 in section 0";
    check::<array>(
        "null",
        &[LOCKED, ("grant 0", calls), ("1 = 1; 2 = 1", "3 the end of section 0; the end with 2")],
    );
}

#[test]
fn branches_share_a_section_by_its_guard() {
    type Given = AccountRef<Caller>;
    async fn twice(account: Locked<'_, Given>) -> u32 {
        account.add(1).await.unwrap() + account.add(1).await.unwrap()
    }
    fn branch(cx: &Context, held: &Rc<Guard<[Given; 2]>>, index: usize) -> Branch<u32> {
        let held = Rc::clone(held);
        cx.branch(async move { twice(held.refs()[index].clone()).await })
    }
    orchestration!(beside, |cx, _input: ()| -> u32 {
        let held = cx.lock(["a", "b"].map(|key| cx.entity::<Account>(key))).await.unwrap();
        let held = Rc::new(held);
        let (a, b) = join((branch(&cx, &held, 0), branch(&cx, &held, 1))).await;
        a + b
    });
    let call = |id: u32, key: &str| format!("{id} call `add` of @account@{key} with 1 in section 0");
    check::<beside>(
        "null",
        &[
            LOCKED,
            ("grant 0", &format!("{}; {}", call(1, "a"), call(2, "b"))),
            ("2 = 1; 1 = 1", &format!("{}; {}", call(3, "b"), call(4, "a"))),
            ("4 = 2; 3 = 2", "5 the end of section 0; the end with 6"),
        ],
    );
}

/// Asks for a lock and says what became of it, now or after an event.
async fn told(cx: &Context, wait: bool) -> String {
    let lock = cx.lock((cx.entity::<Bank>("x"), cx.entity::<Account>("a")));
    if wait {
        cx.event::<()>("go").await.unwrap();
    }
    match lock.await {
        Ok(held) => format!("held {}", held.section()),
        Err(CallError::Section(SectionError::Unavailable { entity, reason })) => format!("{entity} {reason}"),
        Err(error) => error.to_string(),
    }
}

const ASKED: (&str, &str) = ("", "0 a section over @account@a, @bank@x");

#[test]
fn a_section_that_is_refused_is_told_and_not_held() {
    orchestration!(unlucky, |cx, wait: bool| -> (String, bool, String, u32) {
        let refused = told(&cx, wait).await;
        let open = cx.section().is_some();
        // Outside of a section everything is allowed, another section too.
        let called = cx.entity::<Account>("a").add(1).await.unwrap();
        (refused, open, told(&cx, false).await, called)
    });
    let refused = "refuse 0 no entity `bank` is registered";
    let outside = "1 call `add` of @account@a with 1";
    let last = [
        (
            "1 = 5; grant 0; refuse 0 x",
            "2 a section over @account@a, @bank@x; unapplied LockGranted { id: CommandId(0) }; unapplied LockRefused { id: CommandId(0), failure: Failure { kind: UnknownEntity, message: \"x\", details: None } }",
        ),
        (
            "grant 2",
            "3 the end of section 2; the end with [\"@account@a no entity `bank` is registered\",false,\"held 2\",5]",
        ),
    ];
    check::<unlucky>("false", &[ASKED, (refused, outside), last[0], last[1]]);
    // It arrives before anybody awaits it.
    check::<unlucky>("true", &[ASKED, (refused, ""), ("raise go null", outside), last[0], last[1]]);
}

#[test]
fn nothing_of_a_section_that_is_refused_is_given_back() {
    orchestration!(unlucky, |cx, _input: ()| -> () {
        let _refused = told(&cx, false).await;
        cx.event::<()>("go").await.unwrap();
    });
    let mut script = Script::new::<unlucky>(start("unlucky", "null"));
    script.turn_of("").unwrap();
    assert!(script.execution.outstanding().section().is_some());
    script.turn_of("refuse 0 no").unwrap();
    let outstanding = script.execution.outstanding();
    assert_eq!(outstanding.section(), None);
    let terminated = outstanding.terminate(Timestamp::default(), None, false);
    let ended = Event::Ended(End::Terminated { reason: None, recurse: false });
    assert_eq!(terminated, [Event::TurnStarted { at: outstanding.now() }, ended]);
    script.check_replays();
}

#[test]
fn a_section_that_was_granted_is_not_refused() {
    orchestration!(lucky, |cx, _input: ()| -> String { told(&cx, true).await });
    let late = "unapplied LockRefused { id: CommandId(0), failure: Failure { kind: UnknownEntity, message: \"no\", details: None } }";
    check::<lucky>(
        "null",
        &[
            ASKED,
            ("grant 0; refuse 0 no", late),
            ("raise go null", "1 the end of section 0; the end with \"held 0\""),
        ],
    );
}

#[test]
fn a_lock_that_is_dropped_is_cancelled_before_it_is_refused_and_not_after() {
    orchestration!(hasty, |cx, _input: ()| -> () {
        let lock = cx.lock((cx.entity::<Bank>("x"), cx.entity::<Account>("a")));
        cx.event::<()>("go").await.unwrap();
        drop(lock);
        cx.event::<()>("go").await.unwrap();
    });
    let go = "raise go null";
    let late = "unapplied LockRefused { id: CommandId(0), failure: Failure { kind: UnknownEntity, message: \"no\", details: None } }";
    check::<hasty>(
        "null",
        &[ASKED, (go, "1 the end of section 0"), ("refuse 0 no", late), (go, "the end with null")],
    );
    check::<hasty>("null", &[ASKED, ("refuse 0 no", ""), (go, ""), (go, "the end with null")]);
}

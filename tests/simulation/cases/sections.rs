//! Critical sections: what gives their locks back, and what does not.

use super::{
    begin,
    runs::{Bank, account, bank, node},
};
use crate::runs::{
    account::{Account, Op, key},
    act::{Act, Asking, Conduct, Deed, Ending, Program},
    activity::work,
    code::perform,
    stage,
};
use sarsen_protocol::{CallError, RunId};
use sarsen_runtime::{LockStage, Reuse};
use sarsen_testing::{Builder, Crash, MemoryWorld, Situation, VirtualHost};

/// A section that goes on when an event has come.
fn gated(number: u64, accounts: &[usize], ending: Ending) -> Act {
    let acts = vec![Act::Event(0, None), Act::Call(node(number + 1), accounts[0], Deed::Note)];
    Act::Section(node(number), accounts.to_vec(), Asking::Wait, acts, ending)
}

fn brief(number: u64, accounts: &[usize]) -> Act {
    Act::Section(node(number), accounts.to_vec(), Asking::Wait, Vec::new(), Ending::Release)
}

/// Whether both halves of two shards have accounts among these.
fn is_spread(accounts: &[usize]) -> bool {
    let shard = |number: &usize| account(*number).slot().number() / 2048;
    let first = shard(&accounts[0]);
    accounts.iter().any(|number| shard(number) != first)
}

/// Ends a run in one of the ways that there are.
fn end_by_force(bank: &mut Bank, how: usize) {
    bank.shared.oracle.borrow_mut().clear("a");
    let client = bank.host.client();
    if how == 0 {
        begin(&mut bank.host, client.any_run("a").terminate("enough").into_future());
    } else {
        let start = client.start(perform, Program::new(Vec::new())).id("a").reuse(Reuse::TerminateAndReplace);
        begin(&mut bank.host, start.into_future());
    }
}

/// A request for the locks of five accounts on two shards is on its way when its section ends: after each number of
/// things that the host does, by a termination, by a replacement, and by its own code that no longer waits for it. In
/// every other case the last of the accounts is another's, so that the request goes no further.
#[test]
fn a_release_does_not_overtake_its_forwarded_request() {
    let accounts = [0, 3, 5, 6, 7];
    assert!(is_spread(&accounts));
    let mut cancelled = 0;
    for (done, how) in (0..60).flat_map(|done| [0, 1, 2].map(|how| (done, how))) {
        let mut bank = bank(done as u64, &[2], |_| {});
        let is_held = done % 2 == 1;
        if is_held {
            bank.start("holder", vec![gated(30, &[7], Ending::Release)]);
            bank.host.settle();
        }
        let wanted = brief(10, &accounts);
        let acts = if how == 2 { vec![Act::Limit(vec![wanted], 1)] } else { vec![wanted] };
        let client = bank.host.client();
        begin(&mut bank.host, client.start(perform, Program::new(acts)).id("a").into_future());
        bank.host.act_times(done);
        if how < 2 {
            end_by_force(&mut bank, how);
        } else {
            // The time of the limit comes while the request is under way.
            bank.host.skip(std::time::Duration::from_millis(2));
        }
        bank.advance(1_000);
        if is_held {
            bank.raise("holder", 1);
        }
        bank.check_rest();
        let next = bank.start("b", vec![brief(20, &accounts)]);
        bank.end(&next).expect("it ends").expect("nobody has left a lock");
        bank.check_rest();
        cancelled += bank.host.situations().of(Situation::LockCancelled);
    }
    assert!(cancelled > 40, "{cancelled} cancels on their way are few");
}

#[test]
fn a_terminated_waiter_leaves_no_lock_on_the_path() {
    for seed in 0..40 {
        let mut bank = bank(seed, &[1, 2, 5], |limits| limits.mailbox_window = 2);
        assert!(key(0) < key(3) && key(3) < key(7), "the order of locks");
        let holder = bank.start("a", vec![gated(10, &[7], Ending::Drop)]);
        bank.host.settle();
        let waiter = bank.start("b", vec![brief(20, &[3, 0, 7])]);
        bank.host.settle();
        let name = |run: &str| Some(RunId::new(run).expect("valid"));
        assert_eq!([3, 0, 7].map(|number| bank.holder(number)), [name("b"), name("b"), name("a")]);
        let terminated = bank.host.client().any_run("b").terminate(&()).into_future();
        bank.host.run(terminated).expect("it can be terminated");
        if seed % 2 == 0 {
            bank.host.crash(Crash::Power);
        }
        bank.host.settle();
        assert_eq!([3, 0, 7].map(|number| bank.holder(number)), [None, None, name("a")]);
        let after = bank.start("c", vec![brief(30, &[3, 0])]);
        bank.end(&after).expect("it ends").expect("the path is free");
        bank.raise("a", 1);
        let holder = bank.host.client().run(perform, holder.id());
        bank.end(&holder).expect("it ends").expect("nothing fails");
        let waiter = bank.host.client().run(perform, waiter.id());
        assert!(matches!(bank.end(&waiter), Err(CallError::RunTerminated { .. })));
        bank.check_rest();
    }
}

/// Everything that an execution may await inside a section, each time with the execution and its accounts out of memory
/// as soon as they may leave.
#[test]
fn eviction_at_every_await_inside_a_section_keeps_the_lock() {
    for seed in 0..30 {
        let mut bank = bank(seed, &[1, 3], |limits| limits.mailbox_window = 2);
        bank.host.odds().evict_at_once = true;
        let inside = vec![
            Act::Work(node(2), Conduct::Well(1), None),
            Act::Sleep(20),
            Act::Call(node(3), 1, Deed::Note),
            Act::Calls(vec![(node(4), 1), (node(5), 2)]),
            Act::Event(0, None),
            Act::Join(vec![vec![Act::Sleep(5)], vec![Act::Work(node(6), Conduct::Well(0), None)]]),
        ];
        let acts = vec![Act::Section(node(1), vec![1, 2], Asking::Wait, inside, Ending::Release)];
        let run = bank.start("a", acts);
        let mut others = 0;
        let (mut steps, mut looked) = (0, 0);
        let ended = bank.await_end(&run);
        while ended.borrow().is_none() {
            bank.host.step();
            steps += 1;
            if steps % 10 == 0 && others < 12 {
                others += 1;
                // One in four is done off the shard, without a time.
                let op = Op { node: node(8 * (12 + others) + others % 4), execution: 0, part: 0 };
                let request = bank.host.client().entity::<Account>(key(1)).perform(&(op, None, Deed::Note));
                begin(&mut bank.host, request.signal());
            }
            if steps == 600 {
                let raise = bank.host.client().any_run("a").raise("x", &(node(50), 0));
                begin(&mut bank.host, raise.into_future());
            }
            let looks = bank.shared.sight.borrow().looks;
            if std::mem::replace(&mut looked, looks) == looks {
                continue;
            }
            let (durable, histories) = bank.durable();
            let open = histories.values().next().and_then(|history| history.outstanding.section());
            let held = open.is_some_and(|section| section.granted);
            assert!(durable.locks.len() == 2 || !held, "{:?}", durable.locks);
        }
        assert!(ended.borrow().as_ref().is_some_and(|ended| matches!(ended, Ok(Ok(_)))), "{ended:?}");
        bank.check_rest();
        assert_eq!(bank.log(1).len(), 3 + usize::try_from(others).expect("few"));
        assert!(stage::activations().1 >= 5, "it was replayed at its awaits");
    }
}

/// An account and a run whose mailboxes are full: what comes from the holder of the lock, and what the run waits for, is
/// accepted all the same.
#[test]
fn a_full_mailbox_accepts_a_release_a_grant_a_reply() {
    for seed in 0..20 {
        let mut bank = bank(seed, &[1, 2], |limits| limits.mailbox_messages_max = 1);
        let holder = bank.start("a", vec![gated(10, &[4], Ending::Release)]);
        bank.host.settle();
        let waiter = bank.start("b", vec![gated(20, &[4], Ending::Release)]);
        bank.host.settle();
        let suspend = bank.host.client().any_run("b").suspend("").into_future();
        bank.host.run(suspend).expect("it can be suspended");
        bank.raise("b", 1);
        let refused = |bank: &mut Bank| {
            let raise = bank.host.client().any_run("b").raise("x", &(node(2), 0)).into_future();
            let op = Op { node: node(90), execution: 0, part: 0 };
            let note = bank.host.client().entity::<Account>(key(4)).perform(&(op, None, Deed::Note)).signal();
            let (raised, noted) = (bank.host.run(raise), bank.host.run(note));
            let is_busy = |told: Result<(), CallError>| matches!(told, Err(CallError::Busy { .. }));
            is_busy(raised) && is_busy(noted)
        };
        assert!(refused(&mut bank), "the mailboxes of the run and of the account are full");
        // The holder's call, its reply and the release pass the account, the grant comes to the run.
        bank.raise("a", 3);
        bank.end(&holder).expect("it ends").expect("nothing fails");
        bank.host.settle();
        assert_eq!(bank.holder(4), Some(RunId::new("b").expect("valid")));
        let resume = bank.host.client().any_run("b").resume("").into_future();
        bank.host.run(resume).expect("it can be resumed");
        bank.end(&waiter).expect("it ends").expect("nothing fails");
        bank.check_rest();
    }
}

/// The code of an execution that holds a lock is gone, or does not do what it did. Nothing is given back; when the code
/// is there again, it goes on inside its section.
#[test]
fn a_parked_owner_resumes_inside_its_section() {
    for seed in 0..20 {
        let mut bank = bank(seed, &[1, 2], |_| {});
        bank.start("a", vec![gated(10, &[1, 2], Ending::Release)]);
        bank.host.settle();
        let waiter = bank.start("b", vec![brief(20, &[1])]);
        bank.host.settle();
        bank.restart();
        stage::next_process(2, true);
        bank.raise("a", 1);
        bank.host.settle();
        let info = bank.host.client().any_run("a");
        let info = bank.host.run(async move { info.status().await }).expect("it is there");
        assert!(info.parked.is_some_and(|reason| reason.contains("has changed")));
        assert_eq!(bank.holder(1), Some(RunId::new("a").expect("valid")));
        assert!(bank.log(1).len() < 3, "the waiter has not had its turn");
        bank.restart();
        let run = bank.host.client().run(perform, "a");
        bank.end(&run).expect("it ends").expect("nothing fails");
        let waiter = bank.host.client().run(perform, waiter.id());
        bank.end(&waiter).expect("it ends").expect("nothing fails");
        bank.check_rest();
        let sections: Vec<_> = bank.log(1).iter().map(|entry| entry.op.node).collect();
        assert_eq!(sections, [node(10), node(11), node(20)]);
    }
}

fn open_in(world: MemoryWorld, with_code: bool) -> VirtualHost {
    let builder = Builder::new(world).entity::<Account>().activity(work);
    if with_code { builder.orchestration(perform).open() } else { builder.open() }
}

#[test]
fn an_owner_whose_orchestration_is_not_registered_keeps_its_locks_and_resumes() {
    crate::hush();
    stage::clear(None);
    let world = MemoryWorld::new();
    let mut host = open_in(world.clone(), true);
    let acts = vec![gated(10, &[1, 2], Ending::Release)];
    let start = host.client().start(perform, Program::new(acts)).id("a").into_future();
    host.run(start).expect("it can be started");
    host.settle();
    let mut host = open_in(world.clone(), false);
    let raise = host.client().any_run("a").raise("x", &(node(1), 0)).into_future();
    host.run(raise).expect("it can be raised");
    host.settle();
    let client = host.client();
    let info = host.run(async move { client.any_run("a").status().await }).expect("it is there");
    assert!(info.parked.is_some_and(|reason| reason.contains("no orchestration `perform` is registered")));
    let client = host.client();
    let locks = host.run(async move { client.locks().await }).expect("locks can be listed");
    let held = locks.iter().filter(|lock| lock.stage == LockStage::Held && lock.run.as_str() == "a");
    assert_eq!(held.count(), 2);
    let mut host = open_in(world, true);
    let result = host.client().run(perform, "a").result().into_future();
    host.run(result).expect("it ends").expect("nothing fails");
    let client = host.client();
    assert_eq!(host.run(async move { client.locks().await }), Ok(Vec::new()));
}

/// Five runs hold and want locks over accounts of all shards when the store is opened with another number of shards,
/// again and again, and crashes in between: the holders hold, and who waits has its turn in the order of asking.
#[test]
fn another_number_of_shards_at_reopen_keeps_orders_and_locks() {
    for seed in 0..30 {
        let mut bank = bank(seed, &[1, 2, 3, 4, 7], |limits| limits.mailbox_window = 2);
        let runs = ["a", "b", "c", "d", "e"];
        for (number, run) in runs.iter().enumerate() {
            let number = 10 * (number as u64 + 1);
            let accounts = if run == &"a" { vec![0, 3, 5, 7, 9] } else { vec![5, 7] };
            bank.start(run, vec![gated(number, &accounts, Ending::Release)]);
            bank.host.settle();
        }
        for (turn, run) in runs.iter().enumerate() {
            let more = bank.host.random().below(30);
            bank.host.act_times(more);
            bank.host.crash([Crash::Kill, Crash::Power][turn % 2]);
            bank.host.settle();
            let holder = Some(RunId::new(run).expect("valid"));
            assert_eq!([bank.holder(5), bank.holder(7)], [holder.clone(), holder], "seed {seed}");
            bank.raise(run, 1);
        }
        bank.host.settle();
        bank.check_rest();
        let order: Vec<u64> = bank.log(5).iter().map(|entry| entry.op.node.0 - node(0).0).collect();
        assert_eq!(order, [10, 20, 21, 30, 31, 40, 41, 50, 51], "seed {seed}");
    }
}

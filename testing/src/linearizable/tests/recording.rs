//! What the recorder writes down.

use super::*;
use sarsen_protocol::{Address, CallError};
use std::{sync::Mutex, thread};

#[test]
fn many_threads_record_into_one_history_and_a_real_lock_is_linearizable() {
    let (recorder, shared) = (Recorder::new(), Mutex::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let client = recorder.client();
                for _ in 0..500 {
                    let invoked = client.invoke("a", Add(1));
                    let answer = {
                        let mut balance = shared.lock().unwrap();
                        *balance += 1;
                        *balance
                    };
                    invoked.answered(answer);
                }
            });
        }
    });
    let history = recorder.history();
    assert_eq!(history.operations().len(), 4_000);
    check(&account(), &history).assert();
}

#[test]
fn moments_are_taken_in_the_order_of_the_calls() {
    let recorder = Recorder::new();
    let (ada, ben) = (recorder.client(), recorder.clone().client());
    assert_eq!((ada.number(), ben.number()), (ClientNumber(0), ClientNumber(1)));
    let adding = ada.invoke("a", Add(1));
    let reading = ben.invoke_beside("a", Get);
    adding.acknowledged();
    reading.answered(0);
    drop(ada.clone().invoke("b", Set(1)));
    let expect = [
        client(0, 0, Add(1)).acknowledged(2),
        client(0, 4, Set(1)).of("b"),
        client(1, 1, Get).beside().told(0, 3),
    ];
    assert_eq!(recorder.history().operations(), expect);
}

/// What a call and a signal that end with this error leave.
fn outcomes(error: CallError) -> [Outcome<i64>; 2] {
    let recorder = Recorder::new();
    recorder.client().invoke("a", Get).returned(Err(error.clone()));
    recorder.client().invoke("a", Add(1)).signalled(Err(error));
    let history = recorder.history();
    [0, 1].map(|n| history.operations()[n].outcome.clone())
}

#[test]
fn errors_say_whether_it_may_have_been_done() {
    let unread = || "unread".to_owned();
    for unknown in [CallError::OutcomeUnknown, CallError::Unreadable { reason: unread() }] {
        assert_eq!(outcomes(unknown), [Outcome::Unknown, Outcome::Unknown]);
    }
    for failed in [CallError::Stopped, CallError::UnknownEntity { name: unread() }] {
        assert_eq!(outcomes(failed), [Outcome::Failed, Outcome::Failed]);
    }
    let address = Address::entity("account", "a").unwrap();
    let misfit = CallError::InvalidAnswer { address, operation: unread(), reason: unread() };
    assert!(outcomes(misfit).iter().all(|outcome| matches!(outcome, Outcome::Acknowledged { .. })));
}

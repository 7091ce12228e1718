//! Going on until nothing is left to do.

use super::VirtualHost;
use crate::World;
use std::{cell::RefCell, future::Future, rc::Rc, time::Duration};

/// A host that has not come to rest after so many actions never will.
const ACTIONS_MAX: usize = 1_000_000;

impl<W: World> VirtualHost<W> {
    /// Acts until nothing is pending but what waits for its time.
    ///
    /// # Panics
    /// If that never comes, for example because two entities signal each other for ever.
    pub fn settle(&mut self) {
        for _ in 0..ACTIONS_MAX {
            if !self.act() {
                return;
            }
        }
        panic!("no rest after {ACTIONS_MAX} actions: does an entity signal itself for ever?");
    }

    /// Lets `time` pass: everything that is due on the way happens when it is due.
    pub fn advance(&mut self, time: Duration) {
        let mut left = time;
        loop {
            self.settle();
            let next = self.next_event().unwrap_or(left).min(left);
            self.pass(next);
            left -= next;
            if left.is_zero() {
                self.settle();
                return;
            }
        }
    }

    /// Lets time pass until something happens by itself, but no more than `most`.
    pub fn advance_to_next(&mut self, most: Duration) {
        self.settle();
        if let Some(next) = self.next_event() {
            self.advance(next.min(most));
        }
    }

    /// The time until something happens by itself.
    pub(super) fn next_event(&mut self) -> Option<Duration> {
        let process = self.process.as_ref()?;
        let now = process.now();
        let deadline = process.next_deadline().map(|deadline| deadline.since(now));
        let timeout = process.front.inner().next_timeout();
        let elapsed = process.front.inner().clock.elapsed();
        let answers = [process.work.next_answer(elapsed), process.elsewhere.next_outcome(elapsed)];
        // A deadline that has passed does not move the clock, and a turn has dealt with it by now.
        deadline
            .into_iter()
            .chain(timeout)
            .chain(answers.into_iter().flatten())
            .filter(|left| !left.is_zero())
            .min()
    }

    /// Lets time pass at once, as on a machine that was asleep: what is due on the way happens afterwards.
    pub fn skip(&mut self, time: Duration) {
        self.pass(time);
    }

    /// Lets time pass and does nothing.
    pub(super) fn pass(&mut self, time: Duration) {
        if let Some(process) = &mut self.process {
            process.pass(time);
        }
    }

    /// Runs a future to its end, and everything else beside it. Time passes when nothing else happens.
    ///
    /// # Panics
    /// If the future waits for something that never comes.
    pub fn run<T: 'static>(&mut self, future: impl Future<Output = T> + 'static) -> T {
        let place = Rc::new(RefCell::new(None));
        let answer = Rc::clone(&place);
        self.spawn(async move {
            let output = future.await;
            *answer.borrow_mut() = Some(output);
        });
        for _ in 0..ACTIONS_MAX {
            if let Some(output) = place.borrow_mut().take() {
                return output;
            }
            if self.act() {
                continue;
            }
            match self.next_event() {
                Some(time) => self.pass(time),
                None => panic!("the future waits for something that never comes"),
            }
        }
        panic!("the future is not done after {ACTIONS_MAX} actions");
    }
}

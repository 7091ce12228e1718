//! Events from outside: first in, first out for each name, kept from the start.

use super::{Core, Kind, Outcome, State, Waiter, Waiting};
use crate::{Command, Input, Moment, wait::Awaited};
use sarsen_protocol::{EventName, Payload, Timestamp};
use std::{
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

/// Events that nobody has taken, and who waits for some, by name.
#[derive(Default)]
pub(super) struct Events(BTreeMap<EventName, Inbox>);

#[derive(Default)]
struct Inbox {
    /// Who waits, while nothing is there.
    waiters: VecDeque<Rc<Waiter>>,
    /// What is there, while nobody waits.
    kept: BTreeMap<Moment, Payload>,
    /// What was given to a waiter who has not taken it.
    given: BTreeMap<Moment, Payload>,
}

impl Events {
    /// The waiter waits no longer.
    pub(super) fn leave(&mut self, waiter: &Rc<Waiter>) {
        if let Kind::Event(name) = &waiter.kind
            && let Some(inbox) = self.0.get_mut(name)
        {
            inbox.waiters.retain(|other| !Rc::ptr_eq(other, waiter));
        }
    }

    /// The event of that moment was taken.
    pub(super) fn taken(&mut self, name: &EventName, moment: Moment) {
        if let Some(inbox) = self.0.get_mut(name) {
            inbox.given.remove(&moment);
        }
    }

    /// Pairs the oldest event with the first who waits.
    fn pair(&mut self, name: &EventName) -> Option<(Rc<Waiter>, Moment, Payload)> {
        let inbox = self.0.get_mut(name)?;
        if inbox.kept.is_empty() {
            return None;
        }
        let waiter = inbox.waiters.pop_front()?;
        let (moment, input) = inbox.kept.pop_first()?;
        inbox.given.insert(moment, input.clone());
        Some((waiter, moment, input))
    }

    /// Which events are waited for.
    pub(super) fn awaited(&self) -> impl Iterator<Item = Awaited> {
        let waiters =
            self.0.iter().flat_map(|(name, inbox)| inbox.waiters.iter().map(move |one| (name, one)));
        waiters.map(|(name, waiter)| Awaited::Event { name: name.clone(), timer: waiter.command.get() })
    }

    /// What nobody has taken, in the order in which it came.
    fn untaken(&self) -> BTreeMap<Moment, (&EventName, &Payload)> {
        let mut untaken = BTreeMap::new();
        for (name, inbox) in &self.0 {
            let events = inbox.kept.iter().chain(&inbox.given);
            untaken.extend(events.map(|(moment, input)| (*moment, (name, input))));
        }
        untaken
    }
}

impl Core {
    /// Waits for an event, until a time if one is given; `None` when the execution is over.
    pub(crate) fn request_event(&self, name: &EventName, until: Option<Timestamp>) -> Option<Rc<Waiter>> {
        let state = &mut *self.state();
        if state.mode == super::Mode::Discarded || state.end.is_some() {
            return None;
        }
        let waiter = Waiter::new(Kind::Event(name.clone()), None);
        state.events.0.entry(name.clone()).or_default().waiters.push_back(Rc::clone(&waiter));
        self.deliver(state, name);
        if let (Some(fire_at), false) = (until, waiter.promise.is_settled()) {
            let timer = self.issue(state, Command::Timer { fire_at })?;
            waiter.command.set(Some(timer));
            state.waiting.insert(timer, Waiting::Whole(Rc::clone(&waiter)));
        }
        Some(waiter)
    }

    pub(super) fn event_raised(&self, state: &mut State, name: &EventName, input: Payload) {
        let moment = state.moment;
        state.events.0.entry(name.clone()).or_default().kept.insert(moment, input);
        self.deliver(state, name);
    }

    /// An event that was given to somebody who has not taken it goes to who waits next.
    pub(super) fn put_back(&self, state: &mut State, name: &EventName, moment: Option<Moment>) {
        let Some(inbox) = state.events.0.get_mut(name) else { return };
        if let Some(moment) = moment
            && let Some(input) = inbox.given.remove(&moment)
        {
            inbox.kept.insert(moment, input);
            self.deliver(state, name);
        }
    }

    fn deliver(&self, state: &mut State, name: &EventName) {
        while let Some((waiter, moment, input)) = state.events.pair(name) {
            waiter.promise.settle(moment, Outcome::Answer(Ok(input)));
            if let Some(timer) = waiter.command.get()
                && state.waiting.remove(&timer).is_some()
            {
                self.issue(state, Command::CancelTimer { timer });
            }
        }
    }

    /// The events that nobody has taken, in the order in which they came.
    pub(crate) fn untaken_events(&self) -> Vec<Input> {
        let state = self.state();
        let untaken = state.events.untaken().into_values();
        untaken.map(|(name, input)| Input::EventRaised { name: name.clone(), input: input.clone() }).collect()
    }
}

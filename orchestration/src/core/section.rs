//! Critical sections, and the rules that are checked before anything leaves.

use super::{Core, Kind, Outcome, State, Waiter, Waiting};
use crate::{Command, CommandId};
use sarsen_protocol::{
    Address, Failure, FailureKind, OperationName, Payload, ScheduleRequest, SectionError, Timestamp,
    UnscheduleRequest,
};
use std::{rc::Rc, time::Duration};

/// The one section that an execution holds or waits for.
pub(super) struct Section {
    id: CommandId,
    /// In ascending order.
    entities: Vec<Address>,
    granted: bool,
    /// The timer of the time that it may take until it is granted.
    limit: Option<CommandId>,
    /// Calls to locked entities that are not answered.
    calls: Vec<(CommandId, Address)>,
}

/// A section that was asked for.
pub(crate) struct Asked {
    /// Its name: the command that asked for it.
    pub(crate) section: CommandId,
    /// Its first entity.
    pub(crate) first: Address,
    pub(crate) waiter: Rc<Waiter>,
}

impl Section {
    pub(super) fn id(&self) -> CommandId {
        self.id
    }

    fn first(&self) -> Address {
        self.entities[0].clone()
    }

    fn locks(&self, entity: &Address) -> bool {
        self.entities.binary_search(entity).is_ok()
    }
}

impl State {
    /// A section that is waited for.
    fn waited_for(&mut self, id: CommandId) -> Option<&mut Section> {
        self.section.as_mut().filter(|section| section.id == id && !section.granted)
    }

    /// The timer of a section that is waited for.
    pub(super) fn lock_limit(&self, id: CommandId) -> Option<CommandId> {
        self.section.as_ref().filter(|section| section.id == id).and_then(|section| section.limit)
    }

    pub(super) fn call_ended(&mut self, id: CommandId) {
        if let Some(section) = &mut self.section {
            section.calls.retain(|(call, _)| *call != id);
        }
    }

    /// The entities of the open section that can be called now.
    pub(crate) fn callable(&self) -> Option<Vec<Address>> {
        let section = self.section.as_ref()?;
        let idle = |entity: &&Address| !section.calls.iter().any(|(_, called)| called == *entity);
        Some(section.entities.iter().filter(|_| section.granted).filter(idle).cloned().collect())
    }
}

impl Core {
    /// Asks for a section over `entities` by a command; `None` when the execution is over.
    pub(crate) fn lock(
        &self,
        mut entities: Vec<Address>,
        command: fn(Vec<Address>) -> Command,
    ) -> Result<Option<Asked>, SectionError> {
        entities.sort();
        entities.dedup();
        let first = entities.first().ok_or(SectionError::Empty)?.clone();
        if let Some(open) = &self.state().section {
            return Err(SectionError::Nested { entity: first, held: open.first() });
        }
        let Some(waiter) = self.request(Kind::Lock, command(entities.clone())) else {
            return Ok(None);
        };
        let section = waiter.command.get().expect("a lock is a command");
        let open = Section { id: section, entities, granted: false, limit: None, calls: Vec::new() };
        self.state().section = Some(open);
        Ok(Some(Asked { section, first, waiter }))
    }

    /// Gives a section that is waited for so much time from now on, instead of what it was given before.
    pub(crate) fn limit_lock(&self, waiter: &Waiter, timeout: Duration) {
        let state = &mut *self.state();
        let Some(section) = waiter.command.get() else { return };
        let Some(open) = state.waited_for(section) else { return };
        let before = open.limit.take();
        self.end_limit(state, before);
        let fire_at = state.now.after(timeout);
        if let Some(timer) = self.issue(state, Command::Timer { fire_at }) {
            state.waiting.insert(timer, Waiting::Limit { section, timeout });
            if let Some(open) = state.waited_for(section) {
                open.limit = Some(timer);
            }
        }
    }

    /// Takes back the timer of a section that is no longer waited for, if it has one that has not fired.
    fn end_limit(&self, state: &mut State, limit: Option<CommandId>) {
        if let Some(timer) = limit
            && state.waiting.remove(&timer).is_some()
        {
            self.issue(state, Command::CancelTimer { timer });
        }
    }

    pub(super) fn lock_granted(&self, state: &mut State, id: CommandId) {
        let limit = state.waited_for(id).and_then(|section| {
            section.granted = true;
            section.limit.take()
        });
        state.settle(id, Outcome::Due);
        self.end_limit(state, limit);
    }

    /// The section cannot be had: nothing of it is held.
    pub(super) fn lock_refused(&self, state: &mut State, id: CommandId, failure: Failure) {
        let refused = state.section.take_if(|section| section.id == id);
        state.settle(id, Outcome::Answer(Err(failure)));
        self.end_limit(state, refused.and_then(|section| section.limit));
    }

    /// The time is over: the request is cancelled, as one that nobody awaits any longer.
    pub(super) fn lock_overdue(&self, state: &mut State, id: CommandId, timeout: Duration) {
        let Some(open) = state.waited_for(id) else { return };
        let late = SectionError::TimedOut { entity: open.first(), timeout };
        self.unlock(state, id);
        state.settle(id, Outcome::Answer(Err(late.into_failure(FailureKind::TimedOut))));
    }

    /// Calls an entity; `None` when the execution is over.
    pub(crate) fn call(
        &self,
        to: Address,
        operation: OperationName,
        input: Payload,
    ) -> Result<Option<Rc<Waiter>>, SectionError> {
        let section = self.may_call(&to)?;
        let command = Command::Call { to: to.clone(), operation, input, section };
        Ok(self.request_of(to, command))
    }

    fn may_call(&self, to: &Address) -> Result<Option<CommandId>, SectionError> {
        let state = self.state();
        let Some(section) = &state.section else { return Ok(None) };
        let entity = || to.clone();
        if !section.granted {
            return Err(SectionError::NotGranted { entity: entity() });
        }
        if !section.locks(to) {
            return Err(SectionError::NotLocked { entity: entity() });
        }
        if section.calls.iter().any(|(_, called)| called == to) {
            return Err(SectionError::CallPending { entity: entity() });
        }
        Ok(Some(section.id))
    }

    /// Signals an entity.
    pub(crate) fn signal(
        &self,
        to: Address,
        operation: OperationName,
        input: Payload,
        due: Option<Timestamp>,
    ) -> Result<(), SectionError> {
        if self.state().section.as_ref().is_some_and(|section| section.locks(&to)) {
            return Err(SectionError::SignalToLocked { entity: to });
        }
        self.act(Command::Signal { to, operation, input, due });
        Ok(())
    }

    /// Schedules a signal; in a section that locks the entity it goes there as a call of the section does.
    pub(crate) fn schedule(&self, to: Address, mut request: ScheduleRequest) -> Result<(), SectionError> {
        request.section = match &self.state().section {
            Some(section) if section.locks(&to) && !section.granted => {
                return Err(SectionError::NotGranted { entity: to });
            }
            Some(section) if section.locks(&to) => Some(section.id),
            Some(_) | None => None,
        };
        self.act(Command::Schedule { to, request: Box::new(request) });
        Ok(())
    }

    /// Asks that nothing is scheduled under an id any longer: a call, for the rules. `None` when the execution is over.
    pub(crate) fn unschedule(
        &self,
        to: Address,
        mut request: UnscheduleRequest,
    ) -> Result<Option<Rc<Waiter>>, SectionError> {
        request.section = self.may_call(&to)?;
        let command = Command::Unschedule { to: to.clone(), request: Box::new(request) };
        Ok(self.request_of(to, command))
    }

    /// Issues a call that may be made.
    fn request_of(&self, to: Address, command: Command) -> Option<Rc<Waiter>> {
        let waiter = self.request(Kind::Answer, command);
        if let (Some(section), Some(waiter)) = (&mut self.state().section, &waiter) {
            let id = waiter.command.get().expect("a call is a command");
            section.calls.push((id, to));
        }
        waiter
    }

    /// Whether a child of this orchestration may be awaited now.
    pub(crate) fn may_await_child(&self, orchestration: &str) -> Result<(), SectionError> {
        match &self.state().section {
            Some(section) => {
                Err(SectionError::Child { orchestration: orchestration.to_owned(), held: section.first() })
            }
            None => Ok(()),
        }
    }

    /// Ends a section, unless it has ended.
    pub(crate) fn release(&self, section: CommandId) {
        self.unlock(&mut self.state(), section);
    }

    pub(super) fn unlock(&self, state: &mut State, section: CommandId) {
        let Some(open) = state.section.as_mut().filter(|open| open.id == section) else { return };
        let limit = open.limit.take();
        self.issue(state, Command::Unlock { section });
        // Behind the command: should it be one too many, the end of the execution still gives the locks back.
        state.section = None;
        self.end_limit(state, limit);
    }
}

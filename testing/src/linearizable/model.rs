//! What an entity does when one asks after the other.

use std::{fmt, hash::Hash, marker::PhantomData};

/// What an entity does when one asks after the other: the yardstick of a history.
///
/// The checker calls it in any order and as often as it takes: the same state and operation give the same.
pub trait Model {
    /// What names an entity. Entities know nothing of each other.
    type Entity: Clone + Ord + fmt::Debug;
    /// What is asked of one.
    type Operation: Clone + PartialEq + fmt::Debug;
    /// What it answers.
    type Answer: Clone + PartialEq + fmt::Debug;
    /// What it knows.
    type State: Clone + Eq + Hash + fmt::Debug;

    /// The state of an entity that was never asked.
    fn initial(&self, entity: &Self::Entity) -> Self::State;

    /// Does an operation, and answers.
    fn apply(&self, state: &mut Self::State, operation: &Self::Operation) -> Self::Answer;

    /// Whether an operation changes no state whatever, so that its place takes nothing from others: the search is much
    /// faster if it knows. No, unless this says otherwise.
    fn is_read(&self, operation: &Self::Operation) -> bool {
        let _ = operation;
        false
    }
}

/// A [`Model`] of two functions: the initial state of an entity, and what an operation does and answers.
pub fn model<E, S, O, A, I, F>(initial: I, apply: F) -> FromClosures<E, S, O, A, I, F>
where
    I: Fn(&E) -> S,
    F: Fn(&mut S, &O) -> A,
{
    FromClosures { initial, apply, is_read: |_| false, types: PhantomData }
}

/// What [`model`] makes.
pub struct FromClosures<E, S, O, A, I, F> {
    initial: I,
    apply: F,
    is_read: fn(&O) -> bool,
    types: PhantomData<fn(E, S, O) -> A>,
}

impl<E, S, O, A, I, F> FromClosures<E, S, O, A, I, F> {
    /// Says which operations change nothing: [`Model::is_read`].
    pub fn reads(self, is_read: fn(&O) -> bool) -> Self {
        Self { is_read, ..self }
    }
}

impl<E, S, O, A, I, F> Model for FromClosures<E, S, O, A, I, F>
where
    E: Clone + Ord + fmt::Debug,
    S: Clone + Eq + Hash + fmt::Debug,
    O: Clone + PartialEq + fmt::Debug,
    A: Clone + PartialEq + fmt::Debug,
    I: Fn(&E) -> S,
    F: Fn(&mut S, &O) -> A,
{
    type Entity = E;
    type Operation = O;
    type Answer = A;
    type State = S;

    fn initial(&self, entity: &E) -> S {
        (self.initial)(entity)
    }

    fn apply(&self, state: &mut S, operation: &O) -> A {
        (self.apply)(state, operation)
    }

    fn is_read(&self, operation: &O) -> bool {
        (self.is_read)(operation)
    }
}

impl<E, S, O, A, I, F> fmt::Debug for FromClosures<E, S, O, A, I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromClosures").finish_non_exhaustive()
    }
}

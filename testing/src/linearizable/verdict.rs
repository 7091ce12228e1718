//! The checker, and what it says.

use super::{
    History, Model, Moment, Outcome, Recorded,
    search::{Asked, DeadEnd, Found, Search, known},
};
use std::{collections::BTreeMap, fmt, ptr};

/// The history that a model judges.
pub type HistoryOf<M> = History<<M as Model>::Entity, <M as Model>::Operation, <M as Model>::Answer>;

/// An operation of such a history.
pub type RecordedOf<M> = Recorded<<M as Model>::Entity, <M as Model>::Operation, <M as Model>::Answer>;

/// Decides whether a history is linearizable, each entity by itself.
pub fn check<M: Model>(model: &M, history: &HistoryOf<M>) -> Verdict<M> {
    Checker::new(model).check(history)
}

/// A checker with its limit.
#[derive(Clone, Copy, Debug)]
pub struct Checker<'a, M> {
    model: &'a M,
    configurations_max: usize,
}

impl<'a, M: Model> Checker<'a, M> {
    /// How many configurations it looks at by default, an entity.
    pub const CONFIGURATIONS: usize = 1_000_000;

    /// A checker by this model.
    pub fn new(model: &'a M) -> Self {
        Self { model, configurations_max: Self::CONFIGURATIONS }
    }

    /// Gives up an entity beyond so many configurations: sets of operations that were done, with the state behind them. Each
    /// is kept in memory. 1,000,000 unless this says otherwise.
    pub fn configurations_max(self, configurations_max: usize) -> Self {
        Self { configurations_max, ..self }
    }

    /// Decides whether a history is linearizable. The first entity that is not ends it.
    pub fn check(&self, history: &HistoryOf<M>) -> Verdict<M> {
        let mut entities: BTreeMap<&M::Entity, Vec<&RecordedOf<M>>> = BTreeMap::new();
        for recorded in history.operations() {
            entities.entry(&recorded.entity).or_default().push(recorded);
        }
        let mut undecided = None;
        for (entity, operations) in entities {
            let part = Part { checker: self, entity, operations };
            let asked = part.known(|_| true);
            match part.search(&asked) {
                Found::Order(_) => {}
                Found::None(dead_end) => return Verdict::Violated(Box::new(part.explain(&asked, dead_end))),
                Found::Undecided => undecided = undecided.or(Some((entity, part.operations.len()))),
            }
        }
        match undecided {
            None => Verdict::Linearizable,
            Some((entity, operations)) => Verdict::Undecided {
                entity: entity.clone(),
                operations,
                configurations: self.configurations_max,
            },
        }
    }
}

/// What was asked of one entity.
struct Part<'a, M: Model> {
    checker: &'a Checker<'a, M>,
    entity: &'a M::Entity,
    operations: Vec<&'a RecordedOf<M>>,
}

impl<M: Model> Part<'_, M> {
    fn search(&self, asked: &[Asked<'_, M>]) -> Found<M::State> {
        let Checker { model, configurations_max } = *self.checker;
        Search::new(model, asked, model.initial(self.entity), configurations_max).run()
    }

    /// Finds the first answer that cannot be explained by what was asked and told until then, and an order of what was told
    /// before. Where the limit is in the way, what the whole search has found must do.
    fn explain(&self, all: &[Asked<'_, M>], dead_end: DeadEnd<M::State>) -> Violation<M> {
        let blocked = all[dead_end.blocked].recorded;
        let Some(until) = self.first_misfit() else {
            return self.violation(all, dead_end.order, blocked, dead_end.states);
        };
        let (before, with) = (self.known(|at| at < until), self.known(|at| at <= until));
        let (Found::Order(order), Found::None(end)) = (self.search(&before), self.search(&with)) else {
            return self.violation(all, dead_end.order, blocked, dead_end.states);
        };
        let blocked = with[end.blocked].recorded;
        if blocked.outcome.at() == Some(until) {
            return self.violation(&before, order, blocked, end.states);
        }
        let misfit = self.operations.iter().find(|it| it.outcome.at() == Some(until));
        self.violation(&before, order, misfit.expect("the moment is one of theirs"), Vec::new())
    }

    /// What has no order has none whatever comes later, so the place is halved to.
    fn first_misfit(&self) -> Option<Moment> {
        let answers = self.operations.iter().filter_map(|recorded| match &recorded.outcome {
            Outcome::Answered { at, .. } => Some(*at),
            Outcome::Acknowledged { .. } | Outcome::Unknown | Outcome::Failed => None,
        });
        let mut answers: Vec<Moment> = answers.collect();
        answers.sort_unstable();
        let fits = |until: &Moment| !matches!(self.search(&self.known(|at| at <= *until)), Found::None(_));
        answers.get(answers.partition_point(fits)).copied()
    }

    fn known(&self, told: impl Fn(Moment) -> bool) -> Vec<Asked<'_, M>> {
        known::<M>(&self.operations, told)
    }

    /// Puts together what is told: the misfit beside an order of others, and the states behind which it does not fit.
    fn violation(
        &self,
        asked: &[Asked<'_, M>],
        order: Vec<(usize, M::State)>,
        misfit: &RecordedOf<M>,
        states: Vec<M::State>,
    ) -> Violation<M> {
        let initial = self.checker.model.initial(self.entity);
        let recorded: Vec<&RecordedOf<M>> = order.iter().map(|&(n, _)| asked[n].recorded).collect();
        let place = recorded.iter().position(|it| ptr::eq(*it, misfit));
        // It may stand in the order itself, since its answer was not known there.
        let behind = place.unwrap_or(order.len()).checked_sub(1);
        let state = behind.map_or(&initial, |behind| &order[behind].1).clone();
        let mut expected = Vec::new();
        for mut state in [state].into_iter().chain(states) {
            let answer = self.checker.model.apply(&mut state, &misfit.operation);
            if !expected.contains(&answer) {
                expected.push(answer);
            }
        }
        let told = misfit.outcome.at().unwrap_or(misfit.invoked);
        let is_other = |other: &RecordedOf<M>| {
            other.invoked <= told && !ptr::eq(other, misfit) && !recorded.iter().any(|it| ptr::eq(*it, other))
        };
        let others = self.operations.iter().copied().filter(|other| is_other(other));
        let mut others: Vec<RecordedOf<M>> = others.cloned().collect();
        others.sort_by_key(|recorded| recorded.invoked);
        let step = |(n, state): (usize, M::State)| Step { operation: asked[n].recorded.clone(), state };
        let (entity, misfit) = (self.entity.clone(), misfit.clone());
        Violation { entity, initial, misfit, expected, others, order: order.into_iter().map(step).collect() }
    }
}

/// What the checker says of a history.
#[must_use = "a verdict that nobody looks at judges nothing"]
pub enum Verdict<M: Model> {
    /// Each entity's operations have an order that explains all answers.
    Linearizable,
    /// An entity's have none.
    Violated(Box<Violation<M>>),
    /// Nobody knows: the search was given up. Record shorter histories, fewer clients, or fewer unknown outcomes, or raise
    /// [`Checker::configurations_max`].
    Undecided {
        /// The first entity whose search was given up.
        entity: M::Entity,
        /// How many operations it has.
        operations: usize,
        /// How many configurations were seen.
        configurations: usize,
    },
}

impl<M: Model> Verdict<M> {
    /// Whether there is an order.
    pub fn is_linearizable(&self) -> bool {
        matches!(self, Self::Linearizable)
    }

    /// The entity that is not linearizable.
    pub fn violation(&self) -> Option<&Violation<M>> {
        match self {
            Self::Violated(violation) => Some(violation),
            Self::Linearizable | Self::Undecided { .. } => None,
        }
    }

    /// For tests: goes on if there is an order.
    ///
    /// # Panics
    /// If there is none, and if that is not known; with the verdict as its text.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.is_linearizable(), "{self}");
    }
}

/// Why an entity's operations have no order: the shortest part of the history, from its begin on, that has none.
pub struct Violation<M: Model> {
    /// The entity.
    pub entity: M::Entity,
    /// Its state before.
    pub initial: M::State,
    /// The longest part that can be explained, in an order that does.
    pub order: Vec<Step<M>>,
    /// The operation whose answer has no place, in this order or any other. Until it was told, it may have happened.
    pub misfit: RecordedOf<M>,
    /// What it would have answered at the ends of such orders; some of them.
    pub expected: Vec<M::Answer>,
    /// What else was asked for until then: under way, unknown or failed.
    pub others: Vec<RecordedOf<M>>,
}

/// An operation of an order.
pub struct Step<M: Model> {
    /// What was asked and told.
    pub operation: RecordedOf<M>,
    /// The state behind it.
    pub state: M::State,
}

/// How many steps, and how many other operations, are written out.
const WRITTEN_MAX: usize = 20;

impl<M: Model> fmt::Display for Violation<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "entity {:?} is not linearizable; until the misfit this order explains it:",
            self.entity
        )?;
        let hidden = self.order.len().saturating_sub(WRITTEN_MAX);
        match hidden.checked_sub(1) {
            None => writeln!(f, "  {:?}, before", self.initial)?,
            Some(last) => writeln!(f, "  {:?}, behind {hidden} operations", self.order[last].state)?,
        }
        for Step { operation, state } in &self.order[hidden..] {
            writeln!(f, "  {state:?}, behind {operation}")?;
        }
        writeln!(f, "this does not fit:\n  {}", self.misfit)?;
        write!(f, "it could have answered:")?;
        for answer in &self.expected {
            write!(f, " {answer:?}")?;
        }
        if !self.others.is_empty() {
            write!(f, "\nwithout effect in this order, and under way, unknown or failed:")?;
            for other in self.others.iter().take(WRITTEN_MAX) {
                write!(f, "\n  {other}")?;
            }
        }
        let more = self.others.len().saturating_sub(WRITTEN_MAX);
        if more > 0 { write!(f, "\n  and {more} more") } else { Ok(()) }
    }
}

impl<M: Model> fmt::Display for Verdict<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linearizable => f.write_str("linearizable"),
            Self::Violated(violation) => write!(f, "{violation}"),
            Self::Undecided { entity, operations, configurations } => write!(
                f,
                "undecided: the {operations} operations of entity {entity:?} have more than {configurations} configurations: record fewer at the same time, or raise `configurations_max`"
            ),
        }
    }
}

impl<M: Model> fmt::Debug for Verdict<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<M: Model> fmt::Debug for Violation<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<M: Model> fmt::Debug for Step<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, behind {}", self.state, self.operation)
    }
}

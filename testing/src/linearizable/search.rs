//! The search for an order of one entity's operations.
//!
//! Requests and answers stand in a list in the order of time. An operation whose request stands before the first answer can
//! have been done first: it is done, its request and answer are taken out of the list, and the search goes on at the list's
//! begin. At an answer whose operation has not been done the order so far is a dead end; the last choice is taken back and
//! the next one tried.

use super::{Model, Moment, Outcome, RecordedOf, Way};
use sarsen_protocol::HashSet;
use std::mem;

/// An operation of the entity, with what is demanded of it.
#[derive(Debug)]
pub(super) struct Asked<'a, M: Model> {
    pub(super) recorded: &'a RecordedOf<M>,
    pub(super) demand: Demand<'a, M::Answer>,
}

/// What must be true of an operation in an order.
#[derive(Debug)]
pub(super) enum Demand<'a, A> {
    /// It is done before the moment, with this answer.
    Answer(&'a A, Moment),
    /// It is done before what is queued behind the moment.
    Done(Moment),
    /// Nothing: it need not be done.
    Nothing,
}

impl<A> Demand<'_, A> {
    fn until(&self) -> Option<Moment> {
        match self {
            Self::Answer(_, at) | Self::Done(at) => Some(*at),
            Self::Nothing => None,
        }
    }
}

/// The operations that count when `told` says what is known: what is told later is not known yet. In the order of their
/// requests.
pub(super) fn known<'a, M: Model>(
    all: &[&'a RecordedOf<M>],
    told: impl Fn(Moment) -> bool,
) -> Vec<Asked<'a, M>> {
    let begun = all.iter().filter(|recorded| told(recorded.invoked));
    let asked = begun.filter_map(|&recorded| {
        let demand = match &recorded.outcome {
            Outcome::Answered { answer, at } if told(*at) => Demand::Answer(answer, *at),
            Outcome::Acknowledged { at } if told(*at) => Demand::Done(*at),
            Outcome::Answered { .. } | Outcome::Acknowledged { .. } | Outcome::Unknown => Demand::Nothing,
            Outcome::Failed => return None,
        };
        Some(Asked { recorded, demand })
    });
    let mut asked: Vec<Asked<'a, M>> = asked.collect();
    asked.sort_by_key(|asked| (asked.recorded.invoked, asked.recorded.client));
    asked
}

/// What the search has come to.
#[derive(Debug)]
pub(super) enum Found<S> {
    /// There is an order, with the state behind each operation.
    Order(Vec<(usize, S)>),
    /// There is none.
    None(DeadEnd<S>),
    /// It has seen as many configurations as it may.
    Undecided,
}

/// Where the search came furthest.
#[derive(Debug)]
pub(super) struct DeadEnd<S> {
    /// The operation whose answer does not fit.
    pub(super) blocked: usize,
    /// An order of operations that explains all answers before, with the state behind each.
    pub(super) order: Vec<(usize, S)>,
    /// The states behind the orders that come so far; some of them.
    pub(super) states: Vec<S>,
}

/// How many states a dead end keeps.
const STATES_MAX: usize = 8;

pub(super) struct Search<'a, M: Model> {
    model: &'a M,
    asked: &'a [Asked<'a, M>],
    list: List,
    state: M::State,
    done: Bits,
    /// How many operations must be done and are not.
    left: usize,
    /// For each operation of which nothing is demanded, the one before that is its equal.
    twins: Vec<Option<usize>>,
    choices: Vec<Choice<M::State>>,
    seen: HashSet<(Span, M::State)>,
    seen_max: usize,
    furthest: Option<(usize, DeadEnd<M::State>)>,
}

/// An operation that was done next.
struct Choice<S> {
    operation: usize,
    before: S,
    /// Whether an acknowledgement was passed on the way to its request.
    passed: bool,
    /// It changes nothing in any state and its answer fits: nothing is won by taking it back.
    certain: bool,
}

impl<'a, M: Model> Search<'a, M> {
    pub(super) fn new(model: &'a M, asked: &'a [Asked<'a, M>], initial: M::State, seen_max: usize) -> Self {
        let left = asked.iter().filter(|asked| asked.demand.until().is_some()).count();
        Self {
            model,
            asked,
            list: List::new(asked.iter().map(|it| (it.recorded.invoked, it.demand.until()))),
            state: initial,
            done: Bits::new(asked.len()),
            left,
            twins: twins(asked),
            choices: Vec::new(),
            seen: HashSet::default(),
            seen_max,
            furthest: None,
        }
    }

    pub(super) fn run(mut self) -> Found<M::State> {
        let (mut at, mut passed) = (self.list.first(), false);
        while self.left > 0 {
            let goes_on = match self.list.event(at) {
                Some(Event::Request(operation)) if self.choose(operation, passed) => {
                    (at, passed) = (self.list.first(), false);
                    true
                }
                Some(Event::Answer(operation)) if self.blocks(operation) => {
                    self.note(at, operation);
                    false
                }
                Some(Event::Answer(_)) => {
                    (at, passed) = (self.list.next(at), true);
                    true
                }
                Some(Event::Request(_)) => {
                    at = self.list.next(at);
                    true
                }
                None => false,
            };
            if self.seen.len() > self.seen_max {
                return Found::Undecided;
            }
            if !goes_on {
                let Some(next) = self.take_back() else {
                    let (_, dead_end) = self.furthest.expect("only an answer stops the search");
                    return Found::None(dead_end);
                };
                (at, passed) = next;
            }
        }
        Found::Order(self.order())
    }

    /// Whether nothing behind the answer of this operation can be done before it. What goes beside the mailbox can be
    /// done before what is acknowledged.
    fn blocks(&self, operation: usize) -> bool {
        matches!(self.asked[operation].demand, Demand::Answer(..))
    }

    /// Does an operation next, if it fits and leads to something new.
    fn choose(&mut self, operation: usize, passed: bool) -> bool {
        let Asked { recorded, demand } = &self.asked[operation];
        if passed && recorded.way == Way::Queued {
            return false;
        }
        let mut after = self.state.clone();
        let answer = self.model.apply(&mut after, &recorded.operation);
        let fits = match demand {
            Demand::Answer(expected, _) => answer == **expected,
            Demand::Done(_) => true,
            Demand::Nothing => {
                let twin_is_done = self.twins[operation].is_none_or(|twin| self.done.has(twin));
                twin_is_done && after != self.state
            }
        };
        if !fits {
            return false;
        }
        self.done.flip(operation);
        if !self.seen.insert((self.done.span(), after.clone())) {
            self.done.flip(operation);
            return false;
        }
        self.left -= usize::from(demand.until().is_some());
        self.list.take(operation);
        let before = mem::replace(&mut self.state, after);
        let certain = self.model.is_read(&recorded.operation);
        self.choices.push(Choice { operation, before, passed, certain });
        true
    }

    /// Takes back the last choice that may be wrong, and says where to go on.
    fn take_back(&mut self) -> Option<(usize, bool)> {
        loop {
            let Choice { operation, before, passed, certain } = self.choices.pop()?;
            self.state = before;
            self.done.flip(operation);
            self.list.put_back(operation);
            self.left += usize::from(self.asked[operation].demand.until().is_some());
            if !certain {
                return Some((self.list.next(self.list.request(operation)), passed));
            }
        }
    }

    /// What was chosen so far, with the state behind each.
    fn order(&self) -> Vec<(usize, M::State)> {
        let states = self.choices.iter().skip(1).map(|choice| &choice.before).chain([&self.state]);
        self.choices.iter().map(|choice| choice.operation).zip(states.cloned()).collect()
    }

    /// Notes that the order so far does not explain the answer at this place of the list.
    fn note(&mut self, at: usize, blocked: usize) {
        let reached = self.furthest.as_ref().map(|(reached, _)| *reached);
        if reached > Some(at) {
            return;
        }
        if reached < Some(at) {
            self.furthest = Some((at, DeadEnd { blocked, order: self.order(), states: Vec::new() }));
        }
        if let Some((_, dead_end)) = &mut self.furthest
            && dead_end.states.len() < STATES_MAX
            && !dead_end.states.contains(&self.state)
        {
            dead_end.states.push(self.state.clone());
        }
    }
}

/// Of each operation that need not be done, the one before that is its equal.
fn twins<M: Model>(asked: &[Asked<'_, M>]) -> Vec<Option<usize>> {
    let free: Vec<usize> =
        (0..asked.len()).filter(|&it| matches!(asked[it].demand, Demand::Nothing)).collect();
    let mut twins = vec![None; asked.len()];
    for (place, &operation) in free.iter().enumerate() {
        let this = asked[operation].recorded;
        twins[operation] = free[..place].iter().rev().copied().find(|&other| {
            let other = asked[other].recorded;
            other.way == this.way && other.operation == this.operation
        });
    }
    twins
}

/// An event of the list, with its operation.
#[derive(Clone, Copy, Debug)]
enum Event {
    Request(usize),
    Answer(usize),
}

/// Requests and answers in the order of time, doubly linked, so that an operation is taken out and put back at once.
struct List {
    /// The places begin with 1; 0 stands before the first and behind the last.
    events: Vec<Event>,
    next: Vec<usize>,
    previous: Vec<usize>,
    /// The places of each operation's request and answer.
    places: Vec<(usize, Option<usize>)>,
}

impl List {
    fn new(operations: impl Iterator<Item = (Moment, Option<Moment>)>) -> Self {
        let mut events = Vec::new();
        let mut count = 0;
        for (operation, (invoked, until)) in operations.enumerate() {
            // What has the same moment is at the same time: requests stand first.
            events.push(((invoked, false), Event::Request(operation)));
            events.extend(until.map(|until| ((until, true), Event::Answer(operation))));
            count += 1;
        }
        events.sort_by_key(|(moment, _)| *moment);
        let mut places = vec![(0, None); count];
        for (n, (_, event)) in events.iter().enumerate() {
            match *event {
                Event::Request(operation) => places[operation].0 = n + 1,
                Event::Answer(operation) => places[operation].1 = Some(n + 1),
            }
        }
        let length = events.len() + 1;
        Self {
            events: events.into_iter().map(|(_, event)| event).collect(),
            next: (1..length).chain([0]).collect(),
            previous: [length - 1].into_iter().chain(0..length - 1).collect(),
            places,
        }
    }

    fn first(&self) -> usize {
        self.next[0]
    }

    fn next(&self, place: usize) -> usize {
        self.next[place]
    }

    fn request(&self, operation: usize) -> usize {
        self.places[operation].0
    }

    fn event(&self, place: usize) -> Option<Event> {
        place.checked_sub(1).map(|n| self.events[n])
    }

    fn take(&mut self, operation: usize) {
        let (request, answer) = self.places[operation];
        for place in [Some(request), answer].into_iter().flatten() {
            let (before, behind) = (self.previous[place], self.next[place]);
            self.next[before] = behind;
            self.previous[behind] = before;
        }
    }

    /// The last that was taken is put back first.
    fn put_back(&mut self, operation: usize) {
        let (request, answer) = self.places[operation];
        for place in [answer, Some(request)].into_iter().flatten() {
            let (before, behind) = (self.previous[place], self.next[place]);
            self.next[before] = place;
            self.previous[behind] = place;
        }
    }
}

/// Which operations were done.
struct Bits(Vec<u64>);

/// Those bits from the first word that is not full to the last that is not empty: most of a long history is done or not
/// begun.
type Span = (usize, Box<[u64]>);

impl Bits {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn has(&self, place: usize) -> bool {
        self.0[place / 64] & (1 << (place % 64)) != 0
    }

    fn flip(&mut self, place: usize) {
        self.0[place / 64] ^= 1 << (place % 64);
    }

    fn span(&self) -> Span {
        let full = self.0.iter().take_while(|word| **word == u64::MAX).count();
        let used = self.0.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
        (full, self.0[full.min(used)..used].into())
    }
}

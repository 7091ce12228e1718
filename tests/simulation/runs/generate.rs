//! Draws programs.

mod contending;

use super::act::{ACCOUNTS, Act, Asking, By, Conduct, Deed, Ending, Node, Retry};
use super::brittle::{Piece, Stages};
use sarsen_testing::Random;

/// Draws programs of one run of the simulation.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    pub(crate) random: Random,
    next: u64,
    /// Ids that runs may be given.
    ids: Vec<String>,
    /// Whether what a program returns depends on nothing but the program.
    plain: bool,
    /// How many acts the program at hand may still get.
    left: usize,
}

/// Where an act stands.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    depth: usize,
    /// The accounts of the section in which it stands.
    inside: &'a [usize],
    /// Whether others run beside it: a child of theirs may wait for the locks of a section here, so that it must end.
    beside: bool,
}

impl Generator {
    pub(crate) fn new(random: Random, ids: Vec<String>) -> Self {
        Self { random, next: Node::FIRST.0, ids, plain: false, left: 0 }
    }

    /// Draws programs whose outcome no order of things can change.
    pub(crate) fn plain(random: Random) -> Self {
        Self { plain: true, ..Self::new(random, Vec::new()) }
    }

    pub(crate) fn node(&mut self) -> Node {
        self.next += 1;
        Node(self.next)
    }

    /// A program of at most so many acts.
    pub(crate) fn program(&mut self, most: usize) -> Vec<Act> {
        self.left = most;
        self.acts(Place { depth: 3, inside: &[], beside: false })
    }

    pub(crate) fn account(&mut self) -> usize {
        self.random.below(ACCOUNTS)
    }

    fn acts(&mut self, place: Place<'_>) -> Vec<Act> {
        let length = self.random.between(1, 4);
        let mut acts = Vec::new();
        for _ in 0..length {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            acts.push(self.act(place));
        }
        acts
    }

    fn act(&mut self, place: Place<'_>) -> Act {
        if place.depth > 0 && self.random.one_in(2) {
            self.composed(Place { depth: place.depth - 1, ..place })
        } else {
            self.simple(place)
        }
    }

    fn ms(&mut self) -> u64 {
        let most = self.random.pick(&[1, 20, 20, 500, 500, 4_000]);
        let some = self.random.between(1, most) as u64;
        if self.random.one_in(40) { 20_000 + some } else { some }
    }

    fn name(&mut self) -> u8 {
        self.random.pick(&[0, 0, 0, 1, 2])
    }

    fn id(&mut self) -> Option<String> {
        if self.ids.is_empty() || !self.random.one_in(4) {
            return None;
        }
        let at = self.random.below(self.ids.len());
        Some(self.ids[at].clone())
    }

    fn conduct(&mut self, place: Place<'_>) -> Conduct {
        match self.random.below(12) {
            0 => Conduct::Bad,
            1 => Conduct::Panic,
            2 if !self.plain => {
                Conduct::Ask(u8::try_from(self.asked(place)).expect("there are few accounts"))
            }
            2..4 => Conduct::BadFirst(self.random.pick(&[1, 2, 3])),
            4 => Conduct::Far(self.random.pick(&[1, 2, 3, 9])),
            _ => Conduct::Well(self.random.pick(&[0, 1, 2])),
        }
    }

    fn retry(&mut self) -> Option<Retry> {
        let attempts = self.random.pick(&[1, 2, 3, 4]);
        // What a plain program returns must not depend on time.
        let times = !self.plain && self.random.one_in(2);
        self.random.one_in(2).then(|| Retry {
            attempts,
            first_ms: self.ms(),
            timeout_ms: (times && self.random.one_in(2)).then(|| self.ms()),
            total_ms: (times && self.random.one_in(2)).then(|| self.ms()),
            by: if self.plain {
                By::Policy
            } else {
                self.random.pick(&[By::Policy, By::Filter, By::Handler])
            },
        })
    }

    fn deed(&mut self) -> Deed {
        match self.random.below(20) {
            0 => Deed::Fail,
            1 => Deed::Panic,
            2 => Deed::PokeAndFail(self.node(), self.account(), self.random.one_in(2)),
            3..5 => Deed::Poke(self.node(), self.account()),
            5 if !self.plain => Deed::Start(self.id(), vec![Act::Sleep(self.ms()), Act::Status]),
            _ => Deed::Note,
        }
    }

    /// An account to ask: inside a section mostly one of its own.
    fn asked(&mut self, place: Place<'_>) -> usize {
        if place.inside.is_empty() || self.random.one_in(6) {
            return self.account();
        }
        place.inside[self.random.below(place.inside.len())]
    }

    fn simple(&mut self, place: Place<'_>) -> Act {
        match self.random.below(40) {
            0..7 => Act::Work(self.node(), self.conduct(place), self.retry()),
            7 => Act::Named(self.node(), self.conduct(place), self.retry()),
            8..16 => Act::Call(self.node(), self.asked(place), self.deed()),
            16..19 => {
                let ms = if self.random.one_in(2) { self.ms() } else { 0 };
                Act::Signal(self.node(), self.account(), self.deed(), ms)
            }
            19..22 => self.waiting(),
            22..24 => self.sent(),
            24 => Act::Status,
            25..27 => Act::Draw,
            27..29 => Act::Stream((0..self.random.between(1, 4)).map(|_| self.node()).collect()),
            29..31 if place.inside.is_empty() => {
                let between = if self.random.one_in(3) { vec![Act::Sleep(self.ms())] } else { Vec::new() };
                let (from, to) = (self.account(), self.account());
                let amount = if self.plain { 1 } else { self.random.pick(&[1, 10, 300]) };
                Act::Transfer(self.node(), [from, to], amount, between)
            }
            31 => self.calls(place),
            32 if place.inside.is_empty() => {
                let accounts = (0..self.random.between(1, 3)).map(|_| self.account()).collect();
                Act::Hasty(accounts, self.asking())
            }
            33 if !self.plain && self.random.one_in(3) => Act::Panic,
            34 if !self.plain && self.random.one_in(3) => Act::Fail,
            _ => Act::Sleep(self.ms()),
        }
    }

    /// The input of a run that is rewound.
    pub(crate) fn stages(&mut self, depth: usize) -> Stages {
        let piece = |generator: &mut Self| match generator.random.below(6) {
            0 => Piece::Sleep(generator.ms().min(500)),
            1 if depth > 0 => Piece::Child(generator.stages(depth - 1)),
            _ => Piece::Work(generator.node(), generator.random.pick(&[0, 0, 1, 2])),
        };
        let stages = (0..self.random.between(1, 3)).map(|_| {
            let pieces = self.random.between(1, 3);
            (0..pieces).map(|_| piece(self)).collect()
        });
        Stages(stages.collect())
    }

    fn waiting(&mut self) -> Act {
        let timeout = self.random.one_in(2).then(|| self.ms());
        if !self.plain && self.random.one_in(4) {
            return Act::Events(self.name(), self.random.between(1, 3), timeout);
        }
        if self.plain { Act::Event(self.name(), Some(self.ms())) } else { Act::Event(self.name(), timeout) }
    }

    fn sent(&mut self) -> Act {
        if self.ids.is_empty() {
            return Act::Status;
        }
        let at = self.random.below(self.ids.len());
        Act::Send(self.node(), self.ids[at].clone(), self.name())
    }

    fn calls(&mut self, place: Place<'_>) -> Act {
        let mut accounts = place.inside.to_vec();
        if accounts.is_empty() {
            accounts = (0..self.random.between(1, 3)).map(|_| self.account()).collect();
        }
        Act::Calls(accounts.into_iter().map(|account| (self.node(), account)).collect())
    }

    fn several(&mut self, place: Place<'_>) -> Vec<Vec<Act>> {
        let place = Place { beside: true, ..place };
        (0..self.random.between(1, 3)).map(|_| self.acts(place)).collect()
    }

    fn beside(&mut self) -> Vec<Vec<Act>> {
        let work = |generator: &mut Self| match generator.random.below(3) {
            0 => Act::Sleep(generator.ms()),
            1 => Act::Call(generator.node(), generator.account(), Deed::Note),
            _ => {
                let conduct = generator.conduct(Place { depth: 0, inside: &[], beside: true });
                Act::Work(generator.node(), conduct, generator.retry())
            }
        };
        (0..self.random.between(1, 3)).map(|_| vec![work(self), work(self)]).collect()
    }

    fn composed(&mut self, place: Place<'_>) -> Act {
        match self.random.below(20) {
            // Side by side nothing of a plain program may meet a section.
            0..3 if !self.plain => Act::Join(self.several(place)),
            0..3 if place.inside.is_empty() => Act::Join(self.beside()),
            3..5 if !self.plain => Act::Race(self.several(place)),
            5..7 if !self.plain => Act::Limit(self.acts(Place { beside: true, ..place }), self.ms()),
            7..9 if !self.plain => Act::Ahead(self.node(), self.acts(place), self.random.one_in(2)),
            9 => {
                let acts = self.acts(Place { inside: &[], beside: false, ..place });
                Act::Insist(self.id(), acts, self.random.pick(&[1, 2, 3]))
            }
            10..12 => Act::Child(self.id(), self.acts(Place { inside: &[], beside: false, ..place })),
            12 => Act::Detach(self.id(), self.acts(Place { inside: &[], beside: false, ..place })),
            13 if self.random.one_in(2) => {
                Act::Again(self.acts(Place { inside: &[], beside: false, ..place }))
            }
            _ => self.section(place),
        }
    }

    /// What a plain program returns must not depend on who holds a lock, and for how long.
    fn asking(&mut self) -> Asking {
        if self.plain {
            return Asking::Wait;
        }
        match self.random.below(8) {
            0 => Asking::Within(self.ms()),
            1 => Asking::Try,
            _ => Asking::Wait,
        }
    }

    fn section(&mut self, place: Place<'_>) -> Act {
        let most = self.random.pick(&[2, 3, 8]);
        let count = self.random.between(1, most);
        let accounts: Vec<usize> = (0..count).map(|_| self.account()).collect();
        let acts =
            if self.random.one_in(4) { Vec::new() } else { self.acts(Place { inside: &accounts, ..place }) };
        let ending = match self.random.below(20) {
            8..16 => Ending::Drop,
            16 if !place.beside => Ending::Keep,
            17 if !self.plain => Ending::Fail,
            18 if !self.plain => Ending::Panic,
            19 => Ending::Again,
            _ => Ending::Release,
        };
        Act::Section(self.node(), accounts, self.asking(), acts, ending)
    }
}

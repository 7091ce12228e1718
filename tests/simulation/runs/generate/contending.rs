//! Programs that want the same locks: sections over 1 to 8 of the accounts, asked for in each of the ways there are, left
//! in each of the ways there are, and what they hold them for in between.

use super::{
    super::act::{ACCOUNTS, Act, Conduct, Deed, Ending},
    Generator,
};

impl Generator {
    /// A program of one to three sections.
    pub(crate) fn contending(&mut self) -> Vec<Act> {
        let mut acts = Vec::new();
        for _ in 0..self.random.between(1, 3) {
            if self.random.one_in(4) {
                acts.push(self.outside());
            }
            let section = self.overlapping();
            acts.push(match self.random.below(14) {
                // Against a timer, so that the request is dropped, or the section in the middle.
                0 | 1 => Act::Limit(vec![section], self.brief()),
                2 => Act::Race(vec![vec![section], vec![Act::Sleep(self.brief())]]),
                3 => Act::Child(None, vec![section]),
                4 => Act::Again(vec![section]),
                // What runs beside it ends the execution.
                5 | 6 => Act::Join(vec![vec![section], vec![Act::Sleep(self.brief()), self.ending()]]),
                _ => section,
            });
        }
        if self.random.one_in(4) {
            acts.push(self.ending());
        }
        acts
    }

    /// An end of the program that is not the last of its acts.
    fn ending(&mut self) -> Act {
        match self.random.below(3) {
            0 => Act::Fail,
            1 => Act::Panic,
            _ => Act::Again(Vec::new()),
        }
    }

    /// A section over 1 to 8 accounts, some of them perhaps named twice.
    fn overlapping(&mut self) -> Act {
        let most = self.random.pick(&[1, 2, 3, 8]);
        let accounts: Vec<usize> =
            (0..self.random.between(1, most)).map(|_| self.random.below(ACCOUNTS)).collect();
        let asking = match self.random.below(8) {
            0 | 1 => super::Asking::Within(self.brief()),
            2 | 3 => super::Asking::Try,
            _ => super::Asking::Wait,
        };
        let acts = (0..self.random.below(3)).map(|_| self.inside(&accounts)).collect();
        let ending = self.random.pick(&[
            Ending::Release,
            Ending::Release,
            Ending::Drop,
            Ending::Drop,
            Ending::Keep,
            Ending::Fail,
            Ending::Panic,
            Ending::Again,
        ]);
        Act::Section(self.node(), accounts, asking, acts, ending)
    }

    /// What a section is held for.
    fn inside(&mut self, accounts: &[usize]) -> Act {
        let own = accounts[self.random.below(accounts.len())];
        match self.random.below(10) {
            0..3 => Act::Sleep(self.brief()),
            3 => Act::Work(self.node(), Conduct::Well(self.random.pick(&[0, 2])), None),
            4 => Act::Event(0, self.random.one_in(2).then(|| self.brief())),
            5 => Act::Signal(self.node(), self.random.below(ACCOUNTS), Deed::Note, 0),
            6 => {
                let deed = match self.random.below(4) {
                    0 => Deed::Fail,
                    1 => Deed::Panic,
                    _ => Deed::PokeAndFail(self.node(), self.random.below(ACCOUNTS), self.random.one_in(2)),
                };
                Act::Call(self.node(), own, deed)
            }
            7 => Act::Calls(vec![(self.node(), own)]),
            _ => Act::Call(self.node(), own, Deed::Note),
        }
    }

    /// What is done between sections.
    fn outside(&mut self) -> Act {
        let accounts = vec![self.random.below(ACCOUNTS), self.random.below(ACCOUNTS)];
        match self.random.below(5) {
            0 => Act::Hasty(accounts, self.asking()),
            1 => Act::Sleep(self.brief()),
            2 => Act::Signal(self.node(), accounts[0], Deed::Note, self.random.pick(&[0, 20])),
            3 => Act::Transfer(self.node(), [accounts[0], accounts[1]], 10, vec![Act::Sleep(self.brief())]),
            _ => Act::Call(self.node(), accounts[0], Deed::Note),
        }
    }

    /// About as long as a section is waited for.
    fn brief(&mut self) -> u64 {
        let most = self.random.pick(&[1, 5, 20, 200]);
        self.random.between(1, most) as u64
    }
}

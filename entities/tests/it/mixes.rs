//! Random mixes: however operations are put into runs, each is answered and done as if it ran alone.

use crate::ledger::{LIMITS, Ledger, Op, change_text, op, outcome_text, run, state_text};
use sarsen_entities::{Change, RunLimits, State};

/// SplitMix64, after Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a usize")
    }
}

/// What may happen. No operation mends a state that another of the same run has broken, but for a deletion.
const MENU: [&str; 16] = [
    "add 1",
    "add 10",
    "add -3",
    "total",
    "total",
    "note \"abcdefgh\"",
    "refuse 5",
    "explode 5",
    "divide [0.0,0.0]",
    "divide [1.0,2.0]",
    "shatter",
    "pass [\"b\",2]",
    "pass [\"\\u0000\",2]",
    "ask \"b\"",
    "delete",
    "remove",
];

fn script(random: &mut Random) -> Vec<Op> {
    let (length, variety) = (random.below(30), 1 + random.below(MENU.len()));
    let menu: Vec<&str> = (0..variety).map(|_| MENU[random.below(MENU.len())]).collect();
    (0..length).map(|_| op(menu[random.below(variety)])).collect()
}

/// Outcomes, the last change seen from outside, and the final state.
fn story(ops: &[Op], limits: &RunLimits, mut size: impl FnMut() -> usize) -> (Vec<String>, String, String) {
    let (mut state, mut record): (Option<State>, String) = (None, "-".to_owned());
    let (mut outcomes, mut rest) = (Vec::new(), ops);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(size().clamp(1, rest.len()));
        let ran = run::<Ledger>("abc", &mut state, now, limits);
        assert_eq!(ran.outcomes.len(), now.len());
        outcomes.extend(ran.outcomes.iter().map(outcome_text));
        record = match &ran.change {
            Change::None => record,
            Change::Deleted => {
                assert_ne!(record, "-", "what does not exist is not deleted");
                "-".to_owned()
            }
            change @ Change::Put(_) => change_text(change),
        };
        assert_eq!(record, state_text::<Ledger>(state.as_ref()));
        rest = later;
    }
    (outcomes, record, state_text::<Ledger>(state.as_ref()))
}

#[test]
fn operations_in_runs_do_what_they_do_alone() {
    for seed in 0..3_000 {
        let mut random = Random(seed);
        let ops = script(&mut random);
        let limits = RunLimits { verify: seed % 2 == 0, ..LIMITS };
        let alone = story(&ops, &limits, || 1);
        let longest = 1 + random.below(ops.len().max(1));
        let in_runs = story(&ops, &limits, || 1 + random.below(longest));
        assert_eq!(alone, in_runs, "seed {seed}: {ops:?}");
        assert_eq!(alone, story(&ops, &limits, || usize::MAX), "seed {seed} as one run: {ops:?}");
    }
}

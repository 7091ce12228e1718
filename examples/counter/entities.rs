//! The two kinds of durable entities: a `Counter` for each word, a `Run` for each run.

use crate::text::Text;
use sarsen::{Entity, operations};
use serde::{Deserialize, Serialize};

/// How often a word has been seen. Its key is the word.
#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
pub struct Counter {
    pub count: u64,
}

#[operations]
impl Counter {
    pub fn add(&mut self, times: u64) {
        self.count += times;
    }
}

/// One counting of some texts: what it counts, and how far it has come. Its key is its name.
#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
pub struct Run {
    pub number: u64,
    pub texts: Vec<Text>,
    /// All words before this place are counted, and perhaps some behind it.
    pub place: u64,
    /// Whether the counts have been read back and shown.
    pub finished: bool,
}

#[operations]
impl Run {
    pub fn begin(&mut self, number: u64, texts: Vec<Text>) {
        self.number = number;
        self.texts = texts;
    }

    pub fn reach(&mut self, place: u64) {
        self.place = self.place.max(place);
    }

    pub fn finish(&mut self) {
        self.finished = true;
    }
}

impl Run {
    /// The run's key, which is also the name of the producer that sends its signals.
    pub fn name(&self) -> String {
        format!("run-{}", self.number)
    }

    /// How many words the texts have.
    pub fn words(&self) -> u64 {
        self.texts.iter().map(|text| text.words).sum()
    }
}

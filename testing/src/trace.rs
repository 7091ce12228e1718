//! What a host did, for the report of a failure.

/// What was done, if it is wanted: a seed repeats, so a first run goes without and a failed one is run again.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    lines: Option<Vec<String>>,
}

impl Trace {
    /// Keeps lines from now on.
    pub(crate) fn begin(&mut self) {
        self.lines = Some(Vec::new());
    }

    /// Adds a line; it is written only when lines are kept.
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(line());
        }
    }

    /// The lines that were kept, oldest first.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.iter().flatten().cloned().collect()
    }
}

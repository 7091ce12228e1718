//! Why something does not go on, in words.

use super::{Because, Held, Link, WhyWaiting};
use sarsen_orchestration::Wait;
use sarsen_protocol::{Address, PendingReason, Timestamp};
use std::{fmt, time::Duration};

impl fmt::Display for WhyWaiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before: Option<&Link> = None;
        for link in &self.links {
            // Where one thing leads to the next, it is one sentence.
            let follows = before.is_some_and(|before| {
                matches!(&before.because[..], [only] if only.next().as_ref() == Some(&link.instance))
            });
            match before {
                None => write!(f, "{} ", Named(&link.instance))?,
                Some(_) if follows => f.write_str(", which ")?,
                Some(_) => write!(f, "; {} ", Named(&link.instance))?,
            }
            fmt::Display::fmt(link, f)?;
            before = Some(link);
        }
        Ok(())
    }
}

/// What is said of the instance, without its name.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, because) in self.because.iter().enumerate() {
            if index > 0 {
                f.write_str(" and ")?;
            }
            because.write(f, self.at)?;
        }
        Ok(())
    }
}

impl Because {
    fn write(&self, f: &mut fmt::Formatter<'_>, now: Timestamp) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("does not exist"),
            Self::Finished(status) => write!(f, "is over, it is {status}"),
            Self::Pending { reason: Some(PendingReason::Scheduled), scheduled: Some(at) } => {
                write!(f, "is to begin in {}", Span(at.since(now)))
            }
            Self::Pending { reason: Some(reason), .. } => write!(f, "has not begun, {reason}"),
            Self::Pending { reason: None, .. } => f.write_str("has not begun"),
            Self::Suspended => f.write_str("is suspended"),
            Self::Parked { reason } => write!(f, "is parked: {reason}"),
            Self::Locked(held) => write!(f, "is {held}"),
            Self::Nothing => f.write_str("waits for nothing but its turn"),
            Self::Waits { what, held } => {
                f.write_str("waits for ")?;
                write_wait(f, what, held.as_ref(), now)
            }
        }
    }
}

fn write_wait(f: &mut fmt::Formatter<'_>, what: &Wait, held: Option<&Held>, now: Timestamp) -> fmt::Result {
    let until = |until: &Option<Timestamp>| match until {
        Some(until) => format!(", for {} at most", Span(until.since(now))),
        None => String::new(),
    };
    match (what, held) {
        (Wait::Activity { name, attempt, since, until: end }, _) => {
            write!(f, "activity `{name}`, ")?;
            if *attempt > 1 {
                write!(f, "attempt {attempt}, ")?;
            }
            write!(f, "asked for {} ago{}", Span(now.since(*since)), until(end))
        }
        (Wait::NextAttempt { name, attempt, at }, _) => {
            write!(f, "activity `{name}`, attempt {attempt}, next in {}", Span(at.since(now)))
        }
        (Wait::Timer { at }, _) => write!(f, "a timer, due in {}", Span(at.since(now))),
        (Wait::Event { name, until: end }, _) => write!(f, "event `{name}`{}", until(end)),
        (Wait::Child { run, orchestration, again: None }, _) => {
            write!(f, "run `{run}` of `{orchestration}`")
        }
        (Wait::Child { run, orchestration, again: Some(at) }, _) => {
            write!(f, "run `{run}` of `{orchestration}`, started again in {}", Span(at.since(now)))
        }
        (Wait::Call { entity, operation, since }, held) => {
            write!(f, "the answer to `{operation}` of {entity}, asked for {} ago", Span(now.since(*since)))?;
            held.map_or(Ok(()), |held| write!(f, ", {held}"))
        }
        (Wait::Lock { until: end, .. }, Some(held)) => {
            write!(f, "the lock of {}{}, {held}", held.entity, until(end))
        }
        (Wait::Lock { entities, until: end, .. }, None) => {
            f.write_str("the locks of ")?;
            for (index, entity) in entities.iter().enumerate() {
                write!(f, "{}{entity}", if index == 0 { "" } else { ", " })?;
            }
            f.write_str(&until(end))
        }
        (other, _) => write!(f, "{other:?}"),
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "held by run `{}` since {}", self.by, Span(self.since))
    }
}

/// An instance by its kind and name.
struct Named<'a>(&'a Address);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_run() { write!(f, "run `{}`", self.0) } else { fmt::Display::fmt(self.0, f) }
    }
}

/// A time in the unit that suits it.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0 => write!(f, "{} ms", self.0.as_millis()),
            secs @ 1..120 => write!(f, "{secs} s"),
            secs @ 120..7_200 => write!(f, "{} min", secs / 60),
            secs @ 7_200..172_800 => write!(f, "{} h", secs / 3_600),
            secs => write!(f, "{} days", secs / 86_400),
        }
    }
}

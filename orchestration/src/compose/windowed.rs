//! One after the other, as they end, so many at a time.

use super::{Completions, Next};
use crate::{
    Durable, Moment,
    durable::{poll, sealed},
};
use std::{
    fmt,
    pin::Pin,
    task::{Context as Waking, Poll},
};

/// A stream of outputs in the order in which durable futures end, of which so many are under way at a time, from
/// [`Completions::windowed`].
pub struct Windowed<I: Iterator<Item: IntoFuture>> {
    /// What has not left.
    rest: I,
    running: Completions<<I::Item as IntoFuture>::IntoFuture>,
}

impl<F: Durable> Completions<F> {
    /// Reads the outputs of many requests of which so many are under way at a time, at least one: the first ones leave
    /// at once, and one more whenever an output is taken. So a batch of any length takes the room of its window.
    ///
    /// ```
    /// # use sarsen_orchestration::{Completions, Context};
    /// # use std::time::Duration;
    /// async fn in_threes(cx: Context, delays: Vec<u64>) -> usize {
    ///     let timers = delays.into_iter().map(|secs| cx.timer(Duration::from_secs(secs)));
    ///     let mut running = Completions::windowed(timers, 3);
    ///     let mut ended = 0;
    ///     while let Some(()) = running.next().await {
    ///         ended += 1;
    ///     }
    ///     ended
    /// }
    /// ```
    pub fn windowed<I>(requests: I, window: usize) -> Windowed<I::IntoIter>
    where
        I: IntoIterator<Item: IntoFuture<IntoFuture = F>>,
    {
        let mut rest = requests.into_iter();
        let running = rest.by_ref().take(window.max(1)).collect();
        Windowed { rest, running }
    }
}

impl<I: Iterator<Item: IntoFuture<IntoFuture: Durable>>> Windowed<I> {
    /// The next output; `None` when all were taken.
    #[expect(clippy::should_implement_trait, reason = "it is a stream's next, and is awaited")]
    pub fn next(&mut self) -> NextWindowed<'_, I> {
        NextWindowed { stream: self }
    }
}

impl<I: Iterator<Item: IntoFuture>> fmt::Debug for Windowed<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Windowed").field("running", &self.running).finish_non_exhaustive()
    }
}

/// Waits for the next output of a stream, from [`Windowed::next`]. Dropping it loses nothing.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct NextWindowed<'s, I: Iterator<Item: IntoFuture>> {
    stream: &'s mut Windowed<I>,
}

impl<I: Iterator<Item: IntoFuture<IntoFuture: Durable>>> NextWindowed<'_, I> {
    fn running(&mut self) -> Next<'_, <I::Item as IntoFuture>::IntoFuture> {
        self.stream.running.next()
    }
}

impl<I: Iterator<Item: IntoFuture<IntoFuture: Durable>>> Future for NextWindowed<'_, I> {
    type Output = Option<<I::Item as IntoFuture>::Output>;

    fn poll(self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Self::Output> {
        poll(self, waking)
    }
}

impl<I: Iterator<Item: IntoFuture>> sealed::Sealed for NextWindowed<'_, I> {}

impl<I: Iterator<Item: IntoFuture<IntoFuture: Durable>>> Durable for NextWindowed<'_, I> {
    fn settle(&mut self) -> Option<Moment> {
        self.running().settle()
    }

    fn take(&mut self) -> Self::Output {
        let output = self.running().take();
        self.stream.running.extend(self.stream.rest.next());
        output
    }
}

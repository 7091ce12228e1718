//! One after the other, as they end.

use crate::{
    Durable, Moment,
    durable::{poll, sealed},
    place::Group,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    pin::Pin,
    rc::Rc,
    task::{Context as Waking, Poll},
};

/// A stream of outputs in the order in which durable futures end.
///
/// [`windowed`](Self::windowed) keeps a bounded number of many under way. By hand it is done so, since more may be pushed
/// while it is read:
///
/// ```
/// # use sarsen_orchestration::{Completions, Context};
/// # use std::time::Duration;
/// async fn in_threes(cx: Context, delays: Vec<u64>) -> usize {
///     let mut delays = delays.into_iter().map(|secs| cx.timer(Duration::from_secs(secs)));
///     let mut running: Completions<_> = delays.by_ref().take(3).collect();
///     let mut ended = 0;
///     while let Some(()) = running.next().await {
///         ended += 1;
///         running.extend(delays.next());
///     }
///     ended
/// }
/// ```
pub struct Completions<F> {
    children: BTreeMap<usize, F>,
    /// Of all that were ever pushed.
    count: usize,
    group: Rc<Group>,
    settled: BTreeSet<(Moment, usize)>,
}

impl<F: Durable> Completions<F> {
    /// An empty stream.
    pub fn new() -> Self {
        Self { children: BTreeMap::new(), count: 0, group: Rc::default(), settled: BTreeSet::new() }
    }

    /// Adds a durable future, or a request, which leaves at once.
    pub fn push(&mut self, request: impl IntoFuture<IntoFuture = F>) {
        self.children.insert(self.count, request.into_future());
        self.group.note(self.count);
        self.count += 1;
    }

    /// How many are under way or not taken.
    pub fn len(&self) -> usize {
        self.children.len()
    }

    /// Whether nothing is under way and all was taken.
    pub fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    /// The next output; `None` when the stream is empty.
    #[expect(clippy::should_implement_trait, reason = "it is a stream's next, and is awaited")]
    pub fn next(&mut self) -> Next<'_, F> {
        Next { stream: self }
    }

    fn settle(&mut self) -> Option<Moment> {
        let Self { children, group, settled, .. } = self;
        group.settle(|index| {
            if let Some(moment) = children.get_mut(&index).and_then(Durable::settle) {
                settled.insert((moment, index));
            }
        });
        group.wait();
        settled.first().map(|(moment, _)| *moment)
    }
}

impl<F: Durable> Default for Completions<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: IntoFuture<IntoFuture = F>, F: Durable> Extend<R> for Completions<F> {
    fn extend<I: IntoIterator<Item = R>>(&mut self, requests: I) {
        requests.into_iter().for_each(|request| self.push(request));
    }
}

impl<R: IntoFuture<IntoFuture = F>, F: Durable> FromIterator<R> for Completions<F> {
    fn from_iter<I: IntoIterator<Item = R>>(requests: I) -> Self {
        let mut stream = Self::new();
        stream.extend(requests);
        stream
    }
}

impl<F> fmt::Debug for Completions<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completions").field("len", &self.children.len()).finish_non_exhaustive()
    }
}

/// Waits for the next output of a stream, from [`Completions::next`]. Dropping it loses nothing.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Next<'s, F> {
    stream: &'s mut Completions<F>,
}

impl<F: Durable> Future for Next<'_, F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Self::Output> {
        poll(self, waking)
    }
}

impl<F> sealed::Sealed for Next<'_, F> {}

impl<F: Durable> Durable for Next<'_, F> {
    fn settle(&mut self) -> Option<Moment> {
        if self.stream.is_empty() { Some(Moment::default()) } else { self.stream.settle() }
    }

    fn take(&mut self) -> Self::Output {
        let (_, index) = self.stream.settled.pop_first()?;
        self.stream.children.remove(&index).map(|mut child| child.take())
    }
}

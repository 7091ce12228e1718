//! Waiting for the first.

use super::Contenders;
use crate::{
    Durable, Moment,
    durable::{poll, sealed},
    place::Group,
};
use std::{
    fmt,
    pin::Pin,
    rc::Rc,
    task::{Context as Waking, Poll},
};

/// Which of two it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first.
    First(A),
    /// The second.
    Second(B),
}

/// Waits for the first of several durable futures, from [`select`] or [`select_all`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Select<C> {
    contenders: C,
    group: Rc<Group>,
    /// Who is first, and since when.
    winner: Option<(Moment, usize)>,
}

/// Waits for the first of two durable futures or requests: the one that ended earlier in the history, whenever this
/// is asked.
///
/// The other is dropped with this future, which is an act of its own: a timer is cancelled, an event stays for the
/// next who waits. To keep it, lend it: `select(&mut work, cx.timer(limit))`.
///
/// ```
/// # use sarsen_orchestration::{Context, Either, select};
/// # use std::time::Duration;
/// async fn decide(cx: Context) -> bool {
///     match select(cx.event::<bool>("approved"), cx.timer(Duration::from_secs(3600))).await {
///         Either::First(approved) => approved.unwrap_or(false),
///         Either::Second(()) => false,
///     }
/// }
/// ```
pub fn select<A, B>(first: A, second: B) -> Select<(A::IntoFuture, B::IntoFuture)>
where
    A: IntoFuture<IntoFuture: Durable>,
    B: IntoFuture<IntoFuture: Durable>,
{
    Select::new((first.into_future(), second.into_future()))
}

/// Waits for the first of a list of durable futures or requests, and returns its place in the list too. The first of
/// none never ends.
pub fn select_all<I>(requests: I) -> Select<Vec<<I::Item as IntoFuture>::IntoFuture>>
where
    I: IntoIterator,
    I::Item: IntoFuture<IntoFuture: Durable>,
{
    Select::new(requests.into_iter().map(IntoFuture::into_future).collect())
}

impl<C: Contenders> Select<C> {
    fn new(contenders: C) -> Self {
        let group = Rc::<Group>::default();
        (0..contenders.count()).for_each(|index| group.note(index));
        Self { contenders, group, winner: None }
    }
}

impl<C: Contenders> Future for Select<C> {
    type Output = C::Won;

    fn poll(self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<C::Won> {
        poll(self, waking)
    }
}

impl<C> sealed::Sealed for Select<C> {}

impl<C: Contenders> Durable for Select<C> {
    fn settle(&mut self) -> Option<Moment> {
        let Self { contenders, group, winner } = self;
        if winner.is_none() {
            group.settle(|index| {
                if let Some(moment) = contenders.settle(index)
                    && winner.is_none_or(|first| (moment, index) < first)
                {
                    *winner = Some((moment, index));
                }
            });
        }
        if winner.is_none() {
            group.wait();
        }
        winner.map(|(moment, _)| moment)
    }

    fn take(&mut self) -> C::Won {
        let (_, index) = self.winner.expect("a race is taken once it is won");
        self.contenders.take_winner(index)
    }
}

impl<C> fmt::Debug for Select<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let won = self.winner.is_some();
        f.debug_struct("Select").field("won", &won).finish_non_exhaustive()
    }
}

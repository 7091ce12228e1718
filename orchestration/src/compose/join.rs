//! Waiting for all.

use super::Children;
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

/// Waits for all of several durable futures, from [`join`] or [`join_all`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Join<C> {
    children: C,
    group: Rc<Group>,
    /// Which children are settled.
    settled: Vec<bool>,
    open: usize,
    latest: Moment,
}

/// Waits for all of a tuple of durable futures or requests, and returns all outputs. All requests leave at once.
///
/// Like the other composites it waits for all, also when one of them is an `Err`.
///
/// ```
/// # use sarsen_orchestration::{Context, RetryPolicy, join};
/// # use std::time::Duration;
/// async fn both(cx: Context) -> (String, ()) {
///     let work = cx.branch({
///         let cx = cx.clone();
///         async move { cx.event::<String>("name").await.unwrap_or_default() }
///     });
///     join((work, cx.timer(Duration::from_secs(1)))).await
/// }
/// ```
pub fn join<T: Requests>(requests: T) -> Join<T::Children> {
    Join::new(requests.start())
}

/// Waits for all durable futures or requests of a list, and returns their outputs in its order.
pub fn join_all<I>(requests: I) -> Join<Vec<<I::Item as IntoFuture>::IntoFuture>>
where
    I: IntoIterator,
    I::Item: IntoFuture<IntoFuture: Durable>,
{
    Join::new(requests.into_iter().map(IntoFuture::into_future).collect())
}

/// A tuple of requests that can be started together.
pub trait Requests: sealed::Sealed {
    /// The futures that they become.
    type Children: Children;

    /// Starts them, from left to right.
    #[doc(hidden)]
    fn start(self) -> Self::Children;
}

/// Requests in a tuple.
macro_rules! tuple {
    ($($name:ident $index:tt),*) => {
        impl<$($name: IntoFuture<IntoFuture: Durable>),*> Requests for ($($name,)*) {
            type Children = ($($name::IntoFuture,)*);

            fn start(self) -> Self::Children {
                ($(self.$index.into_future(),)*)
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

impl<C: Children> Join<C> {
    fn new(children: C) -> Self {
        let (group, open) = (Rc::<Group>::default(), children.count());
        (0..open).for_each(|index| group.note(index));
        Self { children, group, settled: vec![false; open], open, latest: Moment::default() }
    }
}

impl<C: Children> Future for Join<C> {
    type Output = C::Outputs;

    fn poll(self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<C::Outputs> {
        poll(self, waking)
    }
}

impl<C> sealed::Sealed for Join<C> {}

impl<C: Children> Durable for Join<C> {
    fn settle(&mut self) -> Option<Moment> {
        let Self { children, group, settled, open, latest } = self;
        group.settle(|index| {
            if let (false, Some(moment)) = (settled[index], children.settle(index)) {
                settled[index] = true;
                *open -= 1;
                *latest = moment.max(*latest);
            }
        });
        if *open == 0 {
            return Some(*latest);
        }
        group.wait();
        None
    }

    fn take(&mut self) -> C::Outputs {
        self.children.take()
    }
}

impl<C> fmt::Debug for Join<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").field("open", &self.open).finish_non_exhaustive()
    }
}

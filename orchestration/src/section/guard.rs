//! The open end of a critical section.

use super::{LockSet, locked::Held};
use crate::{
    Command, CommandId,
    awaited::Awaited,
    core::{Asked, Core},
};
use sarsen_protocol::{Address, AddressError, CallError, SectionError};
use std::{fmt, rc::Rc};

/// Holds the locks of a critical section, from [`Context::lock`](crate::Context::lock).
///
/// The locks are given back by [`release`](Self::release), by dropping this, by the end of the execution however it
/// ends, and by nothing else: not by an eviction, a crash or a suspension.
///
/// Its [`refs`](Self::refs) borrow it, so that nothing is asked of a locked entity behind the end of the section:
///
/// ```
#[doc = include_str!("account_of_docs.txt")]
/// async fn transfer(cx: Context) -> Result<(), Box<dyn std::error::Error>> {
///     let held = cx.lock((cx.entity::<Account>("a"), cx.entity::<Account>("b"))).await?;
///     let (a, b) = held.refs();
///     a.add(-1).await?;
///     b.add(1).await?;
///     held.release();
///     Ok(())
/// }
/// ```
///
/// ```compile_fail,E0505
#[doc = include_str!("account_of_docs.txt")]
/// async fn behind_the_end(cx: Context) -> Result<(), Box<dyn std::error::Error>> {
///     let held = cx.lock((cx.entity::<Account>("a"),)).await?;
///     let (a,) = held.refs();
///     held.release();
///     a.add(1).await?; // the locks are given back
///     Ok(())
/// }
/// ```
///
/// ```compile_fail,E0597
#[doc = include_str!("account_of_docs.txt")]
/// async fn out_of_scope(cx: Context) -> Result<(), Box<dyn std::error::Error>> {
///     let kept;
///     {
///         let held = cx.lock([cx.entity::<Account>("a")]).await?;
///         kept = held.refs();
///     }
///     kept[0].add(1).await?; // the locks are given back
///     Ok(())
/// }
/// ```
///
/// ```compile_fail,E0505
#[doc = include_str!("account_of_docs.txt")]
/// async fn asked_and_not_started(cx: Context) -> Result<(), Box<dyn std::error::Error>> {
///     let held = cx.lock([cx.entity::<Account>("a")]).await?;
///     let request = held.refs()[0].add(1);
///     held.release();
///     request.await?; // the locks are given back
///     Ok(())
/// }
/// ```
///
/// ```compile_fail,E0599
#[doc = include_str!("account_of_docs.txt")]
/// async fn signalled(cx: Context) -> Result<(), Box<dyn std::error::Error>> {
///     let held = cx.lock([cx.entity::<Account>("a")]).await?;
///     held.refs()[0].add(1).signal()?; // a locked entity is called
///     Ok(())
/// }
/// ```
///
/// ```compile_fail,E0599
#[doc = include_str!("account_of_docs.txt")]
/// async fn delayed(cx: Context) -> Result<(), Box<dyn std::error::Error>> {
///     let held = cx.lock([cx.entity::<Account>("a")]).await?;
///     held.refs()[0].add(1).after(std::time::Duration::ZERO); // a locked entity is called
///     Ok(())
/// }
/// ```
#[must_use = "dropping it gives the locks back"]
pub struct Guard<S> {
    core: Rc<Core>,
    section: CommandId,
    set: S,
}

impl<S: 'static> Guard<S> {
    /// Asks by a command for the locks of `entities`, which are those of `set`.
    pub(crate) fn lock(
        core: &Rc<Core>,
        command: fn(Vec<Address>) -> Command,
        entities: impl IntoIterator<Item = Result<Address, AddressError>>,
        set: S,
    ) -> Awaited<Result<Self, CallError>> {
        let entities: Result<Vec<Address>, AddressError> = entities.into_iter().collect();
        match entities.map_err(SectionError::from).and_then(|entities| core.lock(entities, command)) {
            Ok(None) => Awaited::new(core, None, |_| unreachable!("nothing is waited for")),
            Ok(Some(Asked { section, first, waiter })) => Awaited::new(core, Some(waiter), {
                let core = Rc::clone(core);
                move |outcome| match outcome.granted() {
                    Ok(()) => Ok(Self { core, section, set }),
                    Err(failure) => Err(SectionError::of_failure(failure, first).into()),
                }
            }),
            Err(error) => Awaited::refused(Err(error.into())),
        }
    }
}

impl<S> Guard<S> {
    /// The section: the command that asked for it.
    pub fn section(&self) -> CommandId {
        self.section
    }

    /// References to the locked entities, in the order in which they were given, in a tuple, a `Vec` or an array as
    /// they were. What was given twice is there twice.
    ///
    /// Their requests are calls: they are awaited, joined or started, and never signals. One call to an entity is
    /// under way at a time.
    pub fn refs(&self) -> S::Refs<'_>
    where
        S: LockSet,
    {
        self.set.refs(Held::by(self))
    }

    /// Gives the locks back.
    pub fn release(self) {
        drop(self);
    }
}

impl<S> Drop for Guard<S> {
    fn drop(&mut self) {
        self.core.release(self.section);
    }
}

impl<S> fmt::Debug for Guard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("section", &self.section).finish_non_exhaustive()
    }
}

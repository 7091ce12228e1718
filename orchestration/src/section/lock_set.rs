//! Sets of references that can be locked together.

use super::locked::{Held, Locked, locked};
use crate::{durable::sealed::Sealed, request::Caller};
use sarsen_protocol::{Address, AddressError, Reference};

/// A set of references to entities, to be locked as a whole: a tuple of up to eight, also of different types; a `Vec`;
/// an array. There is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no set of entities to lock",
    label = "it cannot be locked",
    note = "lock a tuple of up to eight references, a `Vec` or an array: `cx.lock((cx.entity::<Account>(\"a\"),))`"
)]
pub trait LockSet: Sealed + 'static {
    /// References of the same types, in the same order, to the locked entities.
    type Refs<'g>;

    /// Where the entities live.
    #[doc(hidden)]
    fn addresses(&self) -> Vec<Result<Address, AddressError>>;

    /// The references, while the section is held.
    #[doc(hidden)]
    fn refs<'g>(&self, held: Held<'g>) -> Self::Refs<'g>;
}

fn address<R: Reference<Port = Caller>>(reference: &R) -> Result<Address, AddressError> {
    reference.port().address()
}

impl<R: Reference<Port = Caller> + 'static> LockSet for Vec<R> {
    type Refs<'g> = Vec<Locked<'g, R>>;

    fn addresses(&self) -> Vec<Result<Address, AddressError>> {
        self.iter().map(address).collect()
    }

    fn refs<'g>(&self, held: Held<'g>) -> Self::Refs<'g> {
        self.iter().map(|reference| locked(reference, held)).collect()
    }
}

impl<R, const N: usize> Sealed for [R; N] {}

impl<R: Reference<Port = Caller> + 'static, const N: usize> LockSet for [R; N] {
    type Refs<'g> = [Locked<'g, R>; N];

    fn addresses(&self) -> Vec<Result<Address, AddressError>> {
        self.iter().map(address).collect()
    }

    fn refs<'g>(&self, held: Held<'g>) -> Self::Refs<'g> {
        self.each_ref().map(|reference| locked(reference, held))
    }
}

/// References in a tuple.
macro_rules! tuple {
    ($($name:ident $index:tt),*) => {
        impl<$($name: Reference<Port = Caller> + 'static),*> LockSet for ($($name,)*) {
            type Refs<'g> = ($(Locked<'g, $name>,)*);

            fn addresses(&self) -> Vec<Result<Address, AddressError>> {
                vec![$(address(&self.$index)),*]
            }

            fn refs<'g>(&self, held: Held<'g>) -> Self::Refs<'g> {
                ($(locked(&self.$index, held),)*)
            }
        }
    };
}

impl<A> Sealed for (A,) {}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

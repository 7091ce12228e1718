//! The children of a composite: a tuple or a list.

use super::Either;
use crate::{Durable, Moment, durable::sealed::Sealed};

/// Durable futures side by side: a tuple of two to eight, or a `Vec`.
pub trait Children: Unpin + Sealed {
    /// All their outputs, in the order of the children.
    type Outputs;

    /// How many there are.
    #[doc(hidden)]
    fn count(&self) -> usize;

    /// [`Durable::settle`] of a child.
    #[doc(hidden)]
    fn settle(&mut self, index: usize) -> Option<Moment>;

    /// [`Durable::take`] of all children.
    #[doc(hidden)]
    fn take(&mut self) -> Self::Outputs;
}

/// Children of which the first to end is wanted.
pub trait Contenders: Children {
    /// The winner's output, and which it was.
    type Won;

    /// [`Durable::take`] of the winner.
    #[doc(hidden)]
    fn take_winner(&mut self, index: usize) -> Self::Won;
}

impl<F> Sealed for Vec<F> {}

impl<F: Durable> Children for Vec<F> {
    type Outputs = Vec<F::Output>;

    fn count(&self) -> usize {
        self.len()
    }

    fn settle(&mut self, index: usize) -> Option<Moment> {
        self[index].settle()
    }

    fn take(&mut self) -> Vec<F::Output> {
        self.iter_mut().map(Durable::take).collect()
    }
}

impl<F: Durable> Contenders for Vec<F> {
    type Won = (usize, F::Output);

    fn take_winner(&mut self, index: usize) -> Self::Won {
        (index, self[index].take())
    }
}

impl<A: Durable, B: Durable> Contenders for (A, B) {
    type Won = Either<A::Output, B::Output>;

    fn take_winner(&mut self, index: usize) -> Self::Won {
        match index {
            0 => Either::First(self.0.take()),
            _ => Either::Second(self.1.take()),
        }
    }
}

/// Children in a tuple.
macro_rules! tuple {
    ($count:literal: $($name:ident $index:tt),*) => {
        impl<$($name),*> Sealed for ($($name,)*) {}

        impl<$($name: Durable),*> Children for ($($name,)*) {
            type Outputs = ($($name::Output,)*);

            fn count(&self) -> usize {
                $count
            }

            fn settle(&mut self, index: usize) -> Option<Moment> {
                match index {
                    $($index => self.$index.settle(),)*
                    _ => unreachable!("there are {} children, none has number {index}", $count),
                }
            }

            fn take(&mut self) -> Self::Outputs {
                ($(self.$index.take(),)*)
            }
        }
    };
}

tuple!(2: A 0, B 1);
tuple!(3: A 0, B 1, C 2);
tuple!(4: A 0, B 1, C 2, D 3);
tuple!(5: A 0, B 1, C 2, D 3, E 4);
tuple!(6: A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(7: A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

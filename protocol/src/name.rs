//! Names that code gives: of operations, activities, orchestrations and events.

use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// Defines a name's type.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// A name written in code.
            pub const fn of(name: &'static str) -> Self {
                Self(Cow::Borrowed(name))
            }

            /// The name's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(Cow::Owned(name))
            }
        }

        impl From<&'static str> for $name {
            fn from(name: &'static str) -> Self {
                Self::of(name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The name of an operation. Borrowed where code names it, owned where a record does.
    OperationName
}

name! {
    /// The name of an activity.
    ActivityName
}

name! {
    /// The name of an orchestration. It says which code runs; no two orchestrations of a process share one.
    OrchestrationName
}

name! {
    /// The name under which events are raised and awaited. Upper and lower case differ.
    EventName
}

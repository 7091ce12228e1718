//! Many durable futures as one: all of them, the first of them, one after the other as they end.

mod children;
mod completions;
mod join;
mod select;
mod windowed;

pub use children::{Children, Contenders};
pub use completions::{Completions, Next};
pub use join::{Join, Requests, join, join_all};
pub use select::{Either, Select, select, select_all};
pub use windowed::{NextWindowed, Windowed};

#![allow(unused)]

use sarsen::OperationHost;
use sarsen_macros::{Entity, operations};
use sarsen_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use std::{cell::Cell, future::ready};

mod fixture {
    pub mod __private {
        pub use crate::OperationContext;
        pub use sarsen::__private::*;
    }
}

pub struct Nobody;

pub type OperationContext = sarsen::OperationContext<Nobody>;

impl OperationHost for Nobody {
    type Client = ();

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn client(&self) {}

    fn is_cancelled(&self) -> bool {
        false
    }

    async fn cancelled(&self) {}
}

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Counter {
    count: Cell<u64>,
}

#[operations(crate = "crate::fixture")]
impl Counter {
    async fn look(&self) -> u64 {
        self.count.get()
    }

    #[operation(blocking)]
    fn look_on_a_thread(&self) -> u64 {
        self.count.get()
    }

    async fn change(&mut self) -> u64 {
        ready(self.count.get()).await
    }
}

fn main() {}

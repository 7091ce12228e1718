#![allow(unused)]

use sarsen::OperationHost;
use sarsen_macros::{Entity, operations};
use sarsen_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use std::{future::ready, rc::Rc};

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
    count: u64,
}

#[operations(crate = "crate::fixture")]
impl Counter {
    async fn keep(&mut self) -> u64 {
        let kept = Rc::new(self.count);
        ready(()).await;
        *kept
    }

    async fn let_go(&self) -> u64 {
        let count = *Rc::new(self.count);
        ready(count).await
    }
}

fn main() {}

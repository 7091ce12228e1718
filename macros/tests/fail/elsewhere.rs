#![allow(unused)]

use sarsen::{EntityContext, OperationContext};
use sarsen_macros::{Entity, operations};
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Account;

#[operations]
impl Account {
    async fn context_of_a_turn(&mut self, cx: &mut EntityContext<'_>) {}

    async fn borrowed_context(&mut self, cx: &OperationContext<()>) {}

    async fn late_context(&mut self, amount: i64, cx: OperationContext<()>) {}

    fn foreign_context(&mut self, cx: OperationContext<()>) {}

    #[operation(blocking)]
    fn blocking_context(&mut self, cx: &mut EntityContext<'_>) {}

    #[operation(blocking)]
    async fn blocking_future(&mut self) {}

    #[operation(timeout = "30s")]
    fn impatient(&mut self) {}

    #[operation(timeout = "30")]
    async fn no_unit(&mut self) {}

    #[operation(timeout = "0s")]
    async fn no_time(&mut self) {}

    #[operation(timeout = "1s", timeout = "2s")]
    async fn twice(&mut self) {}

    #[operation]
    async fn nothing(&mut self) {}

    #[operation(retries = 3)]
    async fn unknown(&mut self) {}

    async fn consuming(self) {}

    async fn generic<T>(&mut self) {}

    async fn borrowed(&mut self, text: &str) {}
}

fn main() {}

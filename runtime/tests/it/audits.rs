//! What was done to an entity, as a client reads it.

use futures::TryStreamExt;
use sarsen_macros::{Entity, operations};
use sarsen_protocol::{Address, CallError};
use sarsen_runtime::{AuditCaller, AuditEntry, Runtime};
use sarsen_storage::MemoryStore;
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[entity(crate = "sarsen_runtime", audit)]
struct Till {
    sum: i64,
}

#[operations(crate = "sarsen_runtime")]
impl Till {
    fn add(&mut self, amount: i64) -> i64 {
        self.sum += amount;
        self.sum
    }

    fn take(&mut self, amount: i64) -> Result<i64, String> {
        self.sum = self.sum.checked_sub(amount).filter(|rest| *rest >= 0).ok_or("there is not so much")?;
        Ok(self.sum)
    }

    fn sum(&self) -> i64 {
        self.sum
    }
}

async fn open(store: &MemoryStore, registers: bool) -> Runtime {
    let builder = Runtime::builder();
    let builder = if registers { builder.entity::<Till>() } else { builder };
    builder.open_store(store.clone()).await.expect("a store in memory opens")
}

#[tokio::test]
async fn an_audit_is_a_stream_of_who_did_what_whether_or_not_the_type_is_registered() {
    let store = MemoryStore::new();
    let runtime = open(&store, true).await;
    let till = runtime.client().entity::<Till>("a");
    till.add(5).await.expect("it is there");
    till.take(7).await.expect("it is answered").expect_err("there is not so much");
    till.sum().await.expect("it is there");
    till.take(2).await.expect("it is answered").expect("there is so much");
    let entries: Vec<AuditEntry> = till.audit().page_size(2).try_collect().await.expect("it can be read");
    let told: Vec<_> = entries.iter().map(|entry| (entry.sequence, entry.operation())).collect();
    assert_eq!(
        told,
        [(3, Some("take")), (2, Some("take")), (1, Some("add"))],
        "the newest first, and no reads"
    );
    let [last, failed, first] = entries.as_slice() else { unreachable!("there are three") };
    assert_eq!(
        (first.input(), first.answer(), first.state()),
        (Ok(Some(5_i64)), Ok(Some(5_i64)), Ok(Some(Till { sum: 5 })))
    );
    assert_eq!(failed.failure().map(|failure| failure.message.as_str()), Some("there is not so much"));
    assert_eq!((failed.answer::<i64>(), failed.state::<Till>()), (Ok(None), Ok(None)));
    assert_eq!(last.state(), Ok(Some(Till { sum: 3 })));
    assert!(last.input::<String>().is_err(), "it is a number");
    assert!(first.at > sarsen_protocol::Timestamp::default() && first.at <= last.at);
    assert_eq!(first.caller, AuditCaller::Client { within: None });
    runtime.shutdown().await.expect("nothing is in the way");

    let runtime = open(&store, false).await;
    let address = Address::entity("till", "a").expect("valid");
    let mut audit = runtime.client().audit(&address).oldest_first();
    let mut again = Vec::new();
    while let Some(entry) = audit.next().await {
        again.insert(0, entry.expect("it can be read"));
    }
    assert_eq!(again, entries);
    let nobody = Address::entity("till", "b").expect("valid");
    assert!(runtime.client().audit(&nobody).next().await.is_none());
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn an_audit_of_a_wrong_key_says_so_once() {
    let runtime = open(&MemoryStore::new(), true).await;
    let mut audit = runtime.client().entity::<Till>("a\n").audit();
    assert!(matches!(audit.next().await, Some(Err(CallError::InvalidAddress(_)))));
    assert!(audit.next().await.is_none());
    runtime.shutdown().await.expect("nothing is in the way");
}

//! Asks again what a disk that crashes has not let through.

use sarsen_engine::AuditEntry;
use sarsen_protocol::{Address, CallError};
use sarsen_runtime::Client;
use sarsen_testing::{VirtualHost, World};

/// How often something is asked for before it counts as never answered.
const ASKED_MAX: usize = 10;

/// Asks until it is answered: the disk may crash once more.
///
/// # Panics
/// When it is not answered.
pub(crate) fn persist<W, T, F>(host: &mut VirtualHost<W>, ask: impl Fn(Client) -> F) -> T
where
    W: World,
    T: 'static,
    F: Future<Output = Result<T, CallError>> + 'static,
{
    let mut told = None;
    for _ in 0..ASKED_MAX {
        let client = host.client();
        match host.run(ask(client)) {
            Ok(answer) => return answer,
            Err(error) => told = Some(error),
        }
        host.settle();
    }
    panic!("what was asked is not answered after {ASKED_MAX} attempts: {told:?}")
}

/// The audit of an entity, from the oldest entry on.
pub(crate) async fn read_audit(client: &Client, of: &Address) -> Result<Vec<AuditEntry>, CallError> {
    let mut audit = client.audit(of).oldest_first().page_size(3);
    let mut entries = Vec::new();
    while let Some(entry) = audit.next().await {
        entries.push(entry?);
    }
    Ok(entries)
}

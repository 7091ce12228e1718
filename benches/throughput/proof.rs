//! What the store says was done, once it has been opened again.

use crate::{Error, accounts::Books, arguments::Options, counter, open, work::Operation};
use futures::TryStreamExt;
use sarsen::{Client, RunStatus};
use std::path::Path;

/// How many runs are read at a time: there may be hundreds of thousands.
const PAGE_ROWS: usize = 4_096;

/// How many operations of a kind the data holds.
pub(crate) async fn done(client: &Client, operation: Operation) -> Result<u64, Error> {
    match operation {
        Operation::Signal | Operation::Call | Operation::Keyed => Ok(counter::sum(client).await?),
        Operation::Hello | Operation::Chain5 | Operation::Fan20 => completed(client, operation.name()).await,
        Operation::Bank => {
            let books = Books::read(client).await?;
            if books.money == 0 { Ok(books.transfers) } else { Err(Error::Money { sum: books.money }) }
        }
    }
}

/// Opens the data again and compares what it holds with what was acknowledged.
pub(crate) async fn check(
    data: &Path,
    operation: Operation,
    options: &Options,
    before: u64,
    acknowledged: u64,
) -> Result<(), Error> {
    let runtime = open(data, options).await?;
    let counted = done(&runtime.client(), operation).await? - before;
    runtime.shutdown().await?;
    if counted == acknowledged { Ok(()) } else { Err(Error::Miscounted { counted, acknowledged }) }
}

/// How many runs of an orchestration have returned.
async fn completed(client: &Client, orchestration: &str) -> Result<u64, Error> {
    let runs = client.runs().orchestration_named(orchestration).status(RunStatus::Completed);
    Ok(runs.page_size(PAGE_ROWS).try_fold(0, async |sum, _| Ok(sum + 1)).await?)
}

//! What the store says was done, once it has been opened again.

use crate::{Error, accounts::Books, arguments::Workload, counter};
use futures::TryStreamExt;
use sarsen::{Client, RunStatus};

/// How many runs are read at a time: there may be hundreds of thousands.
const PAGE_ROWS: usize = 4_096;

/// How many operations of a workload the data holds.
pub(crate) async fn done(client: &Client, workload: Workload) -> Result<u64, Error> {
    match workload {
        Workload::Signal | Workload::Call | Workload::Keyed => Ok(counter::sum(client).await?),
        Workload::Hello | Workload::Chain5 | Workload::Fan20 => completed(client, workload.name()).await,
        Workload::Bank => {
            let books = Books::read(client).await?;
            if books.money == 0 { Ok(books.transfers) } else { Err(Error::Money { sum: books.money }) }
        }
    }
}

/// How many runs of an orchestration have returned.
async fn completed(client: &Client, orchestration: &str) -> Result<u64, Error> {
    let runs = client.runs().orchestration_named(orchestration).status(RunStatus::Completed);
    Ok(runs.page_size(PAGE_ROWS).try_fold(0, async |sum, _| Ok(sum + 1)).await?)
}

//! What asking costs when nothing is behind it: a channel there, one back, and a task that adds.

use crate::{
    Error,
    closed_loop::{Turn, Work},
    random::Random,
};
use tokio::sync::{mpsc, oneshot};

/// How many requests the task takes at a time.
const TAKEN_MAX: usize = 1_024;

/// One task with all counters, and no disk.
pub(crate) struct Ask {
    entities: u64,
    sender: mpsc::Sender<(usize, oneshot::Sender<u64>)>,
}

impl Ask {
    /// Starts the task, which ends with the last sender.
    pub(crate) fn new(entities: usize, in_flight: usize) -> Self {
        let (sender, mut receiver) = mpsc::channel::<(usize, oneshot::Sender<u64>)>(in_flight);
        tokio::spawn(async move {
            let (mut counts, mut taken) = (vec![0_u64; entities], Vec::new());
            while receiver.recv_many(&mut taken, TAKEN_MAX).await > 0 {
                for (n, reply) in taken.drain(..) {
                    counts[n] += 1;
                    // Who asked waits for it.
                    let _ = reply.send(counts[n]);
                }
            }
        });
        Self { entities: entities as u64, sender }
    }
}

impl Work for Ask {
    type Error = Error;

    async fn one(&self, _turn: Turn, random: &mut Random) -> Result<(), Error> {
        let n = usize::try_from(random.below(self.entities)).expect("it is below a length");
        let (reply, answer) = oneshot::channel();
        self.sender.send((n, reply)).await.expect("the task runs as long as there is a sender");
        answer.await.expect("the task answers everybody");
        Ok(())
    }
}

//! What a client does next.

use crate::register::{Answer, Ask, Order, Register, TooLittle, raise};
use sarsen::{CallError, Client, Request, Reuse, testing::Random};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One thing to ask.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Of which entities, by number: of one, but for [`Ask::Raise`].
    pub(crate) entities: Vec<usize>,
    pub(crate) ask: Ask,
    pub(crate) how: How,
    /// Whether it is to run off the shard, if there is such an operation.
    pub(crate) elsewhere: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum How {
    Call,
    Signal,
    /// A call with so little time that nobody knows what has become of it.
    Hasty,
}

/// What came of it, of each entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Told {
    Answered(Vec<Answer>),
    Acknowledged,
}

/// The time of [`How::Hasty`].
const HASTE: Duration = Duration::from_micros(150);

impl Step {
    /// A step of a client that works on so many entities.
    pub(crate) fn draw(random: &mut Random, entities: usize) -> Self {
        let by = i64::try_from(random.between(1, 9)).expect("it is small");
        let ask = match random.below(20) {
            0..=1 => Ask::Set(by * 100),
            2..=7 => Ask::Add(by),
            8..=9 => Ask::Take(by * 3),
            10..=12 => Ask::Value,
            13 => Ask::Delete,
            14..=16 => Ask::State,
            _ => Ask::Raise(by * 10),
        };
        let how = match ask {
            Ask::Value | Ask::State | Ask::Raise(_) => How::Call,
            _ if random.one_in(3) => How::Signal,
            _ if random.one_in(12) => How::Hasty,
            _ => How::Call,
        };
        let first = random.below(entities);
        let mut set = vec![first];
        if matches!(ask, Ask::Raise(_)) && random.one_in(2) {
            set.push((first + 1 + random.below(entities - 1)) % entities);
        }
        Self { entities: set, ask, how, elsewhere: random.one_in(3) }
    }

    /// Does it; under this key and, a run, with this id.
    pub(crate) async fn perform(
        &self,
        client: &Client,
        keys: &[String],
        id: &str,
    ) -> Result<Told, CallError> {
        let register = client.entity::<Register>(&keys[self.entities[0]]);
        match self.ask {
            Ask::Set(value) => self.send(register.set(value), id, Answer::Value).await,
            Ask::Add(by) => {
                let request = if self.elsewhere { register.add_elsewhere(by) } else { register.add(by) };
                self.send(request, id, Answer::Value).await
            }
            Ask::Take(by) => {
                let answer = |left: Result<i64, TooLittle>| left.map_or(Answer::TooLittle, Answer::Value);
                let request = if self.elsewhere { register.take_elsewhere(by) } else { register.take(by) };
                self.send(request, id, answer).await
            }
            Ask::Value => {
                let request = if self.elsewhere { register.value_elsewhere() } else { register.value() };
                self.send(request, id, Answer::Value).await
            }
            Ask::Delete => self.send(register.delete(), id, |()| Answer::Deleted).await,
            Ask::State => {
                let state = register.state().await?;
                Ok(Told::Answered(vec![Answer::State(state.map(|register| register.value))]))
            }
            Ask::Raise(by) => {
                let keys = self.entities.iter().map(|&entity| keys[entity].clone()).collect();
                let order = Order { keys, by, locked: true, elsewhere: self.elsewhere };
                let run = client.start(raise, order).id(id).reuse(Reuse::Return).await?;
                let read = run.result().await?.expect("a section of registers has no reason to fail");
                Ok(Told::Answered(read.into_iter().map(Answer::Value).collect()))
            }
        }
    }

    async fn send<R>(
        &self,
        request: Request<R>,
        id: &str,
        answer: impl Fn(R) -> Answer,
    ) -> Result<Told, CallError> {
        let request = request.idempotency_key(id);
        match self.how {
            How::Call => request.await.map(|it| Told::Answered(vec![answer(it)])),
            How::Hasty => request.timeout(HASTE).await.map(|it| Told::Answered(vec![answer(it)])),
            How::Signal => request.signal().await.map(|()| Told::Acknowledged),
        }
    }
}

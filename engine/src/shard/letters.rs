//! What becomes of dead letters when somebody asks.
//!
//! A letter's row never changes, so who asks brings the message along that was read from it, and only whether the row is
//! still there is decided here. It goes in the batch that accepts the message anew; that the letter is gone may be known
//! of a batch that is not durable, so this answer is withheld as well.

use super::Shard;
use crate::{LetterFate, LetterRequest, record};
use sarsen_protocol::{Answer, Body, CallError, Effect, Identity, Keyspace, Message, Reply};

impl Shard {
    /// Does with a dead letter what is asked, if it is still there.
    pub(super) fn settle_letter(&mut self, asked: LetterRequest) {
        let LetterRequest { letter, message, fate, session, request } = asked;
        let answer = if self.dead.remove(letter) {
            self.batch.replace(Keyspace::Dead, record::dead_key(letter), None);
            if fate == LetterFate::SentAgain {
                match anew(message) {
                    start @ Message { body: Body::Start(_), .. } => self.send_start(start),
                    message => self.send(message),
                }
            }
            Answer::Acknowledged
        } else {
            Answer::refused(CallError::LetterGone { letter })
        };
        self.batch.release(Effect::Reply(Reply { session, request, answer }), 0);
    }
}

/// The message as another one: nobody waits for its answer, and what made a repeat of the first recognisable has had
/// its outcome. It keeps its sender, and is not done before its time.
fn anew(message: Message) -> Message {
    let mut message = Message { identity: Identity::None, deadline: None, ..message };
    match &mut message.body {
        Body::Operation(operation) => (operation.answered, operation.section) = (false, None),
        Body::Schedule(request) => request.section = None,
        Body::Event(event) => event.keep_until = None,
        // Its id has been known since, so something may be stored under it.
        Body::Start(start) => start.generated = false,
        _ => {}
    }
    message
}

//! The two lanes into a shard.
//!
//! The outside lane carries the requests of clients and is the only admission: it is bounded, and is not read while
//! the shard is over one of its limits. The inside lane carries what the shard has asked for (loads, commits) and
//! the messages of other shards; it is taken first. Nobody waits at it: over its bytes a message is replaced by its
//! number, and the row that holds it is read later. So two shards with full lanes cannot block each other.

use crate::{Input, Limits};
use std::collections::VecDeque;

/// The lanes of one shard. `C` is what a host keeps for a client's request.
#[derive(Debug)]
pub struct Lanes<C> {
    outside: VecDeque<(C, usize)>,
    outside_bytes: usize,
    inside: VecDeque<Input>,
    inside_bytes: usize,
    messages_max: usize,
    bytes_max: usize,
    inside_bytes_max: usize,
}

/// Requests that were taken from an outside lane at once, to be handed on piece by piece.
#[derive(Debug)]
pub struct Hand<C>(VecDeque<(C, usize)>);

impl<C> Hand<C> {
    /// An empty hand.
    pub fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes up to `count` requests, oldest first.
    pub fn take(&mut self, count: usize) -> impl Iterator<Item = C> {
        let taken = count.min(self.0.len());
        self.0.drain(..taken).map(|(request, _)| request)
    }
}

impl<C> Default for Hand<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Lanes<C> {
    /// Empty lanes.
    pub fn new(limits: &Limits) -> Self {
        Self {
            outside: VecDeque::new(),
            outside_bytes: 0,
            inside: VecDeque::new(),
            inside_bytes: 0,
            messages_max: limits.lane_messages_max,
            bytes_max: limits.lane_bytes_max,
            inside_bytes_max: limits.inside_bytes_max,
        }
    }

    /// Puts a client's request of about `bytes` bytes into the outside lane.
    ///
    /// # Errors
    /// The request, when the lane is full; the client is told `Busy`.
    pub fn offer(&mut self, request: C, bytes: usize) -> Result<(), C> {
        if self.outside.len() >= self.messages_max || self.outside_bytes + bytes > self.bytes_max {
            return Err(request);
        }
        self.outside_bytes += bytes;
        self.outside.push_back((request, bytes));
        Ok(())
    }

    /// Puts something into the inside lane. Never refused.
    pub fn push(&mut self, mut input: Input) {
        if let Input::Delivered(delivery) = &mut input {
            let bytes = delivery.message.as_ref().map_or(0, sarsen_protocol::Message::bytes);
            if self.inside_bytes + bytes > self.inside_bytes_max {
                delivery.message = None;
            } else {
                self.inside_bytes += bytes;
            }
        }
        self.inside.push_back(input);
    }

    /// Takes everything from the inside lane, oldest first.
    pub fn take_inside(&mut self) -> VecDeque<Input> {
        self.inside_bytes = 0;
        std::mem::take(&mut self.inside)
    }

    /// Takes up to `count` requests from the outside lane, oldest first.
    pub fn take_outside(&mut self, count: usize) -> impl Iterator<Item = C> {
        let taken = count.min(self.outside.len());
        let bytes: usize = self.outside.iter().take(taken).map(|(_, bytes)| bytes).sum();
        self.outside_bytes -= bytes;
        self.outside.drain(..taken).map(|(request, _)| request)
    }

    /// Takes all requests from the outside lane without touching one of them, if `hand` is empty. What is in the hand is
    /// not in the lane any more, so together they hold up to twice the lane's limit.
    pub fn swap_outside(&mut self, hand: &mut Hand<C>) {
        if hand.0.is_empty() {
            std::mem::swap(&mut self.outside, &mut hand.0);
            self.outside_bytes = 0;
        }
    }

    /// Requests in the outside lane.
    pub fn outside_len(&self) -> usize {
        self.outside.len()
    }

    /// Whether both lanes are empty.
    pub fn is_empty(&self) -> bool {
        self.outside.is_empty() && self.inside.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_takes_the_whole_lane_once_it_is_empty() {
        let mut lanes = Lanes::new(&Limits { lane_messages_max: 2, ..Limits::default() });
        let mut hand = Hand::new();
        lanes.offer('a', 1).expect("there is room");
        lanes.offer('b', 1).expect("there is room");
        assert_eq!(lanes.offer('c', 1), Err('c'), "the lane is full");
        lanes.swap_outside(&mut hand);
        assert_eq!(hand.take(1).collect::<Vec<_>>(), ['a']);

        lanes.offer('c', 1).expect("what is in the hand is not in the lane");
        lanes.swap_outside(&mut hand);
        assert_eq!(hand.take(9).collect::<Vec<_>>(), ['b'], "the earlier ones go first");
        lanes.swap_outside(&mut hand);
        assert_eq!(hand.take(9).collect::<Vec<_>>(), ['c']);
        assert!(hand.is_empty() && lanes.is_empty());
    }
}

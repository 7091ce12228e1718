//! Answers by keyboard.

use crate::deciding::Answer;
use std::{io, thread};
use tokio::sync::mpsc::{Receiver, channel};

/// Asks on stderr and reads from stdin, line by line, until there is an answer or nothing more to read.
pub fn answers(what: &str) -> Receiver<Answer> {
    eprintln!("may they have {what}? yes or no:");
    let (sender, answers) = channel(1);
    // A thread of its own, which may wait for a line when the program ends.
    thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            let approved = match line.trim() {
                "y" | "yes" => true,
                "n" | "no" => false,
                _ => {
                    eprintln!("yes or no:");
                    continue;
                }
            };
            let answer = Answer { by: "you".to_owned(), approved };
            if sender.blocking_send(answer).is_err() {
                return;
            }
        }
    });
    answers
}

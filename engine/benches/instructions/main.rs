//! What one operation costs a shard, to be counted in instructions by callgrind.
//!
//! `instructions WORKLOAD INSTANCES OPERATIONS` plays a fixed script on one shard, without threads, clock or disk:
//! batches of a thousand requests, each batch handled, run, sealed, grouped, its receipt made, its effects let out and
//! dropped. `memory INSTANCES 0` compares what resting counters are counted with in the cache with what they occupy.
//! What clients and stores do, such as making the requests, is not in `measured`, which is all that
//! `.ci/instructions` counts. Loads, which happen once for each instance, are over before the first counted batch.

mod bank;
mod counter;
mod hello;
mod script;

use script::Script;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [workload, instances, operations] = arguments.as_slice() else {
        // Cargo runs every bench without arguments; there is nothing to count then.
        return if arguments.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) };
    };
    let (Ok(instances), Ok(operations)) = (instances.parse(), operations.parse()) else {
        return ExitCode::from(2);
    };
    if workload == "memory" {
        return if script::memory(instances) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let mut script = Script::new(instances);
    let answered = match workload.as_str() {
        "signal" => script.entities(operations, |random| counter::add(random, false)),
        "call" => script.entities(operations, |random| counter::add(random, true)),
        "read" => script.entities(operations, counter::read),
        "hello" => script.runs(operations, hello::start),
        "bank" => script.runs(operations, bank::start),
        _ => return ExitCode::from(2),
    };
    assert_eq!(answered, operations, "every operation is answered");
    ExitCode::SUCCESS
}

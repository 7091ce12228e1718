//! Everything that a user can do wrong, and the exact words of what follows: one table.
//!
//! A row is a claim in words, the error's variant with the one inside it, what the error's predicates advise, the code
//! that really provokes it through the public interface, and the text. Where a path is part of the text, it reads
//! `<dir>`, and where the system speaks, `<system>`.
//!
//! `tests/tidy` fails when a public error variant has no row here. An error that a user meets only inside others, or
//! that needs a broken machine, is provoked in its own room or made by hand, and its row says so.

#[macro_use]
#[path = "errors/table.rs"]
mod table;

#[path = "errors/calls.rs"]
mod calls;
#[path = "errors/ending.rs"]
mod ending;
#[path = "errors/entities.rs"]
mod entities;
#[path = "errors/failures.rs"]
mod failures;
#[path = "errors/named.rs"]
mod named;
#[path = "errors/office.rs"]
mod office;
#[path = "errors/opening.rs"]
mod opening;
#[path = "errors/rooms.rs"]
mod rooms;
#[path = "errors/runs.rs"]
mod runs;
#[path = "errors/told.rs"]
mod told;
#[path = "errors/trips.rs"]
mod trips;
#[path = "errors/typed.rs"]
mod typed;

use std::collections::BTreeSet;
use table::{Row, check};

const CALLS: &[Row] = table! {
    "a type that is not registered cannot be called";
        CallError::UnknownEntity, Mend, calls::unknown_entity;
        "no entity `ghost` is registered: register its type with `Runtime::builder().entity::<T>()`";
    "a type that is not registered takes no numbered signal";
        CallError::UnknownEntity, Mend, calls::unknown_entity_signalled;
        "no entity `ghost` is registered: register its type with `Runtime::builder().entity::<T>()`";
    "a type that is not registered has no state";
        CallError::UnknownEntity, Mend, calls::unknown_entity_read;
        "no entity `ghost` is registered: register its type with `Runtime::builder().entity::<T>()`";
    "a type that is not registered cannot be listed";
        CallError::UnknownEntity, Mend, calls::unknown_entity_listed;
        "no entity `ghost` is registered: register its type with `Runtime::builder().entity::<T>()`";
    "an operation that the type does not have cannot be called";
        CallError::UnknownOperation, Mend, calls::unknown_operation;
        "entity `bell` has no operation `sing`: it has delete, ring";
    "an input of another type is refused before it is sent";
        CallError::InvalidInput, Mend, calls::input_of_another_type;
        r#"the input does not fit operation `add` of @clerk@a: invalid type: string "ten", expected f64 at line 1 column 5"#;
    "too few inputs are refused before they are sent";
        CallError::InvalidInput, Mend, calls::too_few_inputs;
        "the input does not fit operation `send` of @clerk@a: invalid length 2, expected a tuple of size 3 at line 1 column 9";
    "an input with an infinity is refused before it is sent";
        CallError::InvalidInput, Mend, calls::input_without_json;
        "the input does not fit operation `send` of @clerk@a: `[1]` is infinity: JSON has no such number";
    "an input over its limit is refused before it is sent";
        CallError::TooLarge, Mend, calls::large_input;
        "the input of operation `fall` of @clerk@a has 12 bytes, 10 are allowed: send a reference instead, or raise `payload_bytes_max`";
    "a key over its limit is refused";
        CallError::InvalidAddress(AddressError::KeyTooLong), Mend, calls::long_key;
        "the key `kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...` has 513 bytes, 512 are allowed: use a shorter key, for example a hash";
    "a key with a control character is refused";
        CallError::InvalidAddress(AddressError::KeyControl), Mend, calls::key_with_control_character;
        r"the key `alice\n` has a control character: use printable characters only";
    "a reference by hand with a bad name is refused";
        CallError::InvalidAddress(AddressError::Name), Mend, calls::reference_with_a_bad_name;
        "`CLERK` is no entity name: use a lower-case letter followed by up to 63 of a-z, 0-9 and _";
    "an empty idempotency key is refused";
        CallError::InvalidIdentity(IdentityError::Form), Mend, calls::empty_idempotency_key;
        "`` is no idempotency key or producer's name: use 1 to 256 bytes without control characters";
    "an idempotency key over its limit is refused";
        CallError::InvalidIdentity(IdentityError::Form), Mend, calls::long_idempotency_key;
        "`kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...` is no idempotency key or producer's name: use 1 to 256 bytes without control characters";
    "a producer's name with a control character is refused";
        CallError::InvalidIdentity(IdentityError::Form), Mend, calls::producer_with_control_character;
        r"`a\tb` is no idempotency key or producer's name: use 1 to 256 bytes without control characters";
    "an empty id of a scheduled signal is refused";
        CallError::InvalidSchedule(ScheduleError::Id), Mend, calls::nameless_schedule;
        "`` is no id of a scheduled signal: use 1 to 256 bytes without control characters";
    "an id that is none cancels nothing";
        CallError::InvalidSchedule(ScheduleError::Id), Mend, calls::nameless_cancel;
        r"`a\tb` is no id of a scheduled signal: use 1 to 256 bytes without control characters";
    "a reminder without a time between is refused";
        CallError::InvalidSchedule(ScheduleError::Period), Mend, calls::hasty_reminder;
        "a signal cannot be repeated every 0 us: the shortest period is 1000 us";
    "a full mailbox refuses clients";
        CallError::Busy, Retry, calls::full_mailbox;
        "@clerk@a is busy, its mailbox is full: try again in 20 ms";
    "an entity that is asked too fast refuses clients";
        CallError::Busy, Retry, calls::too_fast;
        "@clerk@a is busy, its rate of 1 operations in 3600000 ms is full: try again in <wait> ms, or raise `rate`";
    "a full lane refuses clients";
        CallError::Busy, Retry, calls::full_lane;
        "@clerk@a is busy, the lane of its shard is full: try again in 20 ms";
    "a full list of idempotency keys refuses a new key";
        CallError::Busy, Retry, calls::too_many_keys;
        "@clerk@a is busy, the list of idempotency keys of its shard is full: try again in <wait> ms, or raise `keys_max`";
    "a full list of producers refuses a new producer";
        CallError::Busy, Retry, calls::too_many_producers;
        "@clerk@a is busy, its list of producers is full: try again in <wait> ms, or raise `producers_max`";
    "a full list of delayed signals refuses clients";
        CallError::Busy, Retry, calls::too_many_delayed_signals;
        "@clerk@a is busy, the list of delayed signals of its shard is full: try again in 20 ms, or raise `timers_max`";
    "a full list of scheduled signals refuses another one";
        CallError::Busy, Retry, calls::too_many_scheduled_signals;
        "@clerk@a is busy, its list of scheduled signals is full: try again in 20 ms, or raise `schedules_per_entity_max`";
    "an idempotency key is not taken for another request";
        CallError::KeyReused, Mend, calls::key_reused;
        "idempotency key `order-7` was used for another request to @clerk@a: give each request its own key";
    "a producer that leaves out a number is told the next";
        CallError::OutOfSequence, Mend, calls::number_left_out;
        "producer `import` is out of sequence for @clerk@a: send number 2 next";
    "a producer that begins at zero is told where to begin";
        CallError::NumberZero, Mend, calls::number_zero;
        "producer `import` gave number 0 for @clerk@a: numbers count from 1";
    "a request that comes to its entity after its deadline is not done";
        CallError::Expired, Retry, calls::expired;
        "the deadline passed before @clerk@a accepted the request: it was not done, send it again";
    "a call that is not answered in time may be done or not";
        CallError::TimedOut, Ask, calls::timed_out;
        "no answer from @clerk@a within 3600000 ms: whether the request is done is not known, with an idempotency key it can be asked again";
    "a read that is not answered in time ends";
        CallError::ReadTimedOut, Retry, calls::read_timed_out;
        "no answer from @clerk@a within 3600000 ms: read again";
    "an entity whose state is of another type is parked";
        CallError::Parked, Mend, calls::parked;
        "@clerk@a is parked: its stored state does not fit the running code: invalid type: map, expected a string at line 1 column 0; it goes on when fitting code is there";
    "a parked entity does not show its state";
        CallError::Parked, Mend, calls::parked_read;
        "@clerk@a is parked: its stored state does not fit the running code: invalid type: map, expected a string at line 1 column 0; it goes on when fitting code is there";
    "a listing with states ends at one that is of another type";
        CallError::Parked, Mend, calls::parked_listed;
        "@clerk@a is parked: its stored state does not fit the running code: invalid type: map, expected a string at line 1 column 0; it goes on when fitting code is there";
    "an entity whose record a later version wrote is parked";
        CallError::Parked, Mend, calls::newer_record;
        "@clerk@a is parked: record version 3 is newer than 2, the newest known here: use the sarsen that wrote it";
    "an entity whose record is damaged is parked";
        CallError::Parked, Mend, calls::damaged_record;
        "@clerk@a is parked: the record is damaged: it is empty; restore the data directory from a backup";
    "a listing ends at a damaged record";
        CallError::Damaged, Mend, calls::damaged_record_listed;
        "a record is damaged: it is empty; restore the data directory from a backup";
    "a listing ends at a record that a later version wrote";
        CallError::Newer, Mend, calls::newer_record_listed;
        "a record has version 3, this build knows up to 2: use the sarsen that wrote it";
    "a listing ends when the store cannot be read";
        CallError::Unreadable, Retry, calls::unreadable;
        "the store could not be read: state.redb could not be read or written: no space left on device; check its permissions and the space that is left; open the runtime again";
    "an answer of another type than the reference says is told";
        CallError::InvalidAnswer, Mend, calls::answer_of_another_type;
        "the answer of operation `add` of @clerk@a does not fit its type: invalid type: floating point `1.0`, expected a string at line 1 column 3";
    "a state of another type than the reference says is told";
        CallError::InvalidState, Mend, calls::state_of_another_type;
        "the state of @clerk@a does not fit its type: invalid type: map, expected a string at line 1 column 0";
    "a call by a client inside an operation is refused";
        CallError::InsideOperation, Mend, calls::call_inside;
        "a client was used inside an operation of @clerk@a: send signals through the operation's context instead";
    "a signal by a client inside an operation is refused";
        CallError::InsideOperation, Mend, calls::signal_inside;
        "a client was used inside an operation of @clerk@a: send signals through the operation's context instead";
    "a read by a client inside an operation is refused";
        CallError::InsideOperation, Mend, calls::state_inside;
        "a client was used inside an operation of @clerk@a: send signals through the operation's context instead";
    "a listing by a client inside an operation is refused";
        CallError::InsideOperation, Mend, calls::listing_inside;
        "a client was used inside an operation of @clerk@a: send signals through the operation's context instead";
    "the figures are not told to a client inside an operation";
        CallError::InsideOperation, Mend, calls::stats_inside;
        "a client was used inside an operation of @clerk@a: send signals through the operation's context instead";
    "a client that outlives its runtime cannot call";
        CallError::Stopped, Retry, calls::stopped_call;
        "the runtime has stopped: the request was not done, send it again once it is open";
    "a client that outlives its runtime cannot read";
        CallError::Stopped, Retry, calls::stopped_state;
        "the runtime has stopped: the request was not done, send it again once it is open";
    "a client that outlives its runtime cannot list";
        CallError::Stopped, Retry, calls::stopped_listing;
        "the runtime has stopped: the request was not done, send it again once it is open";
    "a client that outlives its runtime has no figures";
        CallError::Stopped, Retry, calls::stopped_stats;
        "the runtime has stopped: the request was not done, send it again once it is open";
    "a signal whose commit fails may be on disk or not";
        CallError::OutcomeUnknown, Ask, calls::outcome_unknown;
        "the runtime stopped while the request was on its way to disk: whether it is done is not known, ask again under the same idempotency key";
    "after a failed commit nothing more is taken";
        CallError::Stopped, Retry, calls::stopped_by_a_failure;
        "the runtime has stopped: the request was not done, send it again once it is open";
};

const FAILURES: &[Row] = table! {
    "an error that the reference does not know is a failure";
        CallError::Failed(FailureKind::Returned), Mend, failures::error_for_a_plain_type;
        "operation `withdraw` of @clerk@a failed: returned an error: 5 are missing";
    "a panic fails its operation";
        CallError::Failed(FailureKind::Panicked), Mend, failures::panic;
        "operation `fall` of @clerk@a failed: panicked: the till is stuck";
    "a panic without a message fails its operation";
        CallError::Failed(FailureKind::Panicked), Mend, failures::silent_panic;
        "operation `fall_silently` of @clerk@a failed: panicked: without a message";
    "a NaN in the state fails its operation";
        CallError::Failed(FailureKind::Unencodable), Mend, failures::nan_in_the_state;
        "operation `spoil` of @clerk@a failed: result cannot be encoded: the state after `spoil` cannot be encoded: `sum` is NaN: JSON has no such number";
    "a NaN in the answer fails its operation";
        CallError::Failed(FailureKind::Unencodable), Mend, failures::nan_in_the_answer;
        "operation `ratio` of @clerk@a failed: result cannot be encoded: `[1]` is NaN: JSON has no such number";
    "an answer that JSON cannot hold fails its operation";
        CallError::Failed(FailureKind::Unencodable), Mend, failures::answer_without_json;
        "operation `chart` of @clerk@a failed: result cannot be encoded: `<key>`: key must be a string";
    "an operation that schedules what cannot be fails";
        CallError::Failed(FailureKind::InvalidSchedule), Mend, failures::nameless_schedule;
        "operation `plan` of @clerk@a failed: scheduled what cannot be: `` is no id of a scheduled signal: use 1 to 256 bytes without control characters";
    "what is scheduled by an operation beyond the limit becomes a dead letter";
        FailureKind::OverLimit, Mend, failures::too_many_scheduled_signals;
        "over a limit: 1 signals are scheduled at the entity, 1 may be: raise `schedules_per_entity_max`";
    "a NaN in a signal fails its sender";
        CallError::Failed(FailureKind::Unencodable), Mend, failures::nan_in_a_signal;
        "operation `send_nan` of @clerk@a failed: result cannot be encoded: the input of the signal `add` to @clerk@b: the value is NaN: JSON has no such number";
    "a state that is read back as another fails its operation";
        CallError::Failed(FailureKind::Unencodable), Mend, failures::state_that_changes;
        r#"operation `forget` of @clerk@a failed: result cannot be encoded: the state after `forget` changes when it is read back: {"sum":0.0,"text":"","looks":0,"forgotten":1,"mark":null} becomes {"sum":0.0,"text":"","looks":0,"forgotten":0,"mark":null}"#;
    "a state that cannot be read back fails its operation";
        CallError::Failed(FailureKind::Unencodable), Mend, failures::unreadable_state;
        "operation `scrawl` of @clerk@a failed: result cannot be encoded: the state after `scrawl` cannot be read back: unknown variant `Unreadable`, expected `Readable` at line 1 column 64";
    "a change through `&self` fails its operation";
        CallError::Failed(FailureKind::ChangedByRead), Mend, failures::change_by_read;
        "operation `look` of @clerk@a failed: changed the state through `&self`: `look` takes `&self` and changed the state: let it take `&mut self`";
    "a state over its limit fails its operation";
        CallError::Failed(FailureKind::TooLarge), Mend, failures::large_state;
        "operation `grow` of @clerk@a failed: result is too large: the state after `grow` has 157 bytes, 100 are allowed: keep less in it, or raise `state_bytes_max` or its type's `state_bytes`";
    "an answer over its limit fails its operation";
        CallError::Failed(FailureKind::TooLarge), Mend, failures::large_answer;
        "operation `recite` of @clerk@a failed: result is too large: the answer has 102 bytes, 100 are allowed: return less, or raise `payload_bytes_max`";
    "a signal over its limit fails its sender";
        CallError::Failed(FailureKind::TooLarge), Mend, failures::large_signal;
        "operation `dictate` of @clerk@a failed: result is too large: the input of the signal `fall` to @clerk@b has 102 bytes, 100 are allowed: send a reference instead, or raise `payload_bytes_max`";
    "too many signals fail their sender";
        CallError::Failed(FailureKind::TooLarge), Mend, failures::too_many_signals;
        "operation `send` of @clerk@a failed: result is too large: it sends more than 2 messages, the most that one operation may: send fewer, or raise `messages_per_operation_max`";
    "a signal to a bad key fails its sender";
        CallError::Failed(FailureKind::InvalidAddress), Mend, failures::signal_to_a_bad_key;
        r"operation `send` of @clerk@a failed: sent to an invalid address: the key `alice\n` has a control character: use printable characters only";
    "an operation that waits for too long fails";
        CallError::Failed(FailureKind::TimedOut), Mend, failures::too_slow;
        "operation `ponder` of @clerk@a failed: timed out: `ponder` was not over within 20 ms";
    "a signal to a type that is not registered becomes a dead letter";
        FailureKind::UnknownEntity, Mend, failures::signal_to_an_unknown_entity;
        "unknown entity: no entity `ghost` is registered: register its type with `Runtime::builder().entity::<T>()`";
    "a signal of an unknown operation becomes a dead letter";
        FailureKind::UnknownOperation, Mend, failures::signal_of_an_unknown_operation;
        "unknown operation: entity `bell` has no operation `sing`: it has delete, ring";
    "a signal with a wrong input becomes a dead letter";
        FailureKind::Undecodable, Mend, failures::signal_of_a_wrong_input;
        r#"input does not fit: invalid type: string "loudly", expected u32 at line 1 column 8"#;
    "a signal whose operation fails becomes a dead letter";
        FailureKind::Returned, Mend, failures::signal_that_fails;
        "returned an error: 5 are missing";
    "the signals of entities beyond ten times the limit become dead letters";
        FailureKind::MailboxFull, Mend, failures::flooded_mailbox;
        "mailbox full: 10 messages wait";
    "the delayed signals of entities beyond the limit become dead letters";
        FailureKind::MailboxFull, Mend, failures::too_many_delayed_signals;
        "mailbox full: the shard's list of delayed signals is full: raise `timers_max`";
};

const OPENING: &[Row] = table! {
    "two types cannot have one name";
        OpenError::Duplicate, Mend, opening::name_twice;
        r#"an entity `clerk` is already registered: give one of the two another name with `#[entity(name = "..")]`"#;
    "two orchestrations cannot have one name";
        OpenError::Duplicate, Mend, opening::orchestration_twice;
        r#"an orchestration `trip` is already registered: give one of the two another name with `#[orchestration(name = "..")]`"#;
    "an orchestration cannot have a bad name";
        OpenError::Name, Mend, opening::bad_orchestration_name;
        "`SHOUTING` is no name of an orchestration: use a lower-case letter followed by up to 63 of a-z, 0-9 and _";
    "an activity cannot have a bad name";
        OpenError::Name, Mend, opening::bad_activity_name;
        "`two words` is no name of an activity: use a lower-case letter followed by up to 63 of a-z, 0-9 and _";
    "an activity of which none may run is refused";
        OpenError::Concurrency, Mend, opening::idle_activity;
        "activity `notify` may run 0 times at once and would never run: choose at least 1";
    "an orchestration of which none may be under way is refused";
        OpenError::RunConcurrency, Mend, opening::idle_orchestration;
        "0 runs of orchestration `trip` may be under way at once and none would ever begin: choose at least 1";
    "a type cannot have a bad name";
        OpenError::Register(RegisterError::Name(AddressError::Name)), Mend, opening::bad_name;
        "`CLERK` is no entity name: use a lower-case letter followed by up to 63 of a-z, 0-9 and _";
    "an operation cannot have a bad name";
        OpenError::Register(RegisterError::OperationName), Mend, opening::bad_operation_name;
        "`two words` of entity `mumbling` is no operation name: use a lower-case letter followed by up to 63 of a-z, 0-9 and _";
    "a type cannot have one operation twice";
        OpenError::Register(RegisterError::DuplicateOperation), Mend, opening::operation_twice;
        "entity `stammering` has two operations `say`: give one of them another name";
    "an option of 0 lets no entity do anything";
        OpenError::Register(RegisterError::IdleOption), Mend, opening::idle_entity;
        "the option `mailbox` of entity `clerk` is 0, with which none could do anything: set it to at least 1";
    "a runtime needs a shard";
        OpenError::Shards, Mend, opening::no_shards;
        "0 shards are asked for: choose 1 to 4096";
    "a runtime cannot have more shards than slots";
        OpenError::Shards, Mend, opening::too_many_shards;
        "4097 shards are asked for: choose 1 to 4096";
    "a limit with which nothing could go on is refused";
        OpenError::Limit, Mend, opening::limit_of_zero;
        "the limit `run_operations_max` is 0, with which nothing could go on: set it to at least 1";
    "a runtime cannot be opened outside of tokio";
        OpenError::NoTokio, Mend, opening::no_tokio;
        "there is no tokio runtime here: open inside one, for example in `#[tokio::main]`";
    "a runtime cannot be opened in a tokio without timers";
        OpenError::NoTimers, Mend, opening::no_timers;
        "the tokio runtime here has no timers: build it with `enable_time` or `enable_all`";
    "a data directory that is in use cannot be opened";
        OpenError::Locked, Mend, opening::directory_in_use;
        "the data directory <dir> is in use: stop the process that has it open or choose another directory";
    "a directory with something else in it is left alone";
        OpenError::Foreign, Mend, opening::foreign_directory;
        "the directory <dir> holds `holiday.jpg` and is no data directory of sarsen: choose an empty directory or a new one";
    "the empty path is the current directory, here with something else in it";
        OpenError::Foreign, Mend, opening::empty_path;
        "the directory . holds `<entry>` and is no data directory of sarsen: choose an empty directory or a new one";
    "a data directory of a later version cannot be opened";
        OpenError::Newer, Mend, opening::newer_directory;
        "the data directory <dir> has format 3, this build knows up to 2: use the sarsen that wrote it";
    "a data directory with a damaged marker cannot be opened";
        OpenError::Damaged, Mend, opening::marker_of_another_kind;
        r#"the data directory <dir> is damaged: sarsen.toml says `format = "one"` instead of `format = 2`; restore it from a backup"#;
    "a data directory without its store cannot be opened";
        OpenError::Damaged, Mend, opening::no_store_in_it;
        "the data directory <dir> is damaged: state.redb is missing; restore it from a backup";
    "a data directory whose store was overwritten cannot be opened";
        OpenError::Damaged, Mend, opening::store_overwritten;
        "<dir>/state.redb is damaged: it is not the file of a store; restore it from a backup";
    "a data directory cannot be a file";
        OpenError::Io, Mend, opening::directory_that_is_a_file;
        "<dir>/file could not be read or written: <system>; check its permissions and the space that is left";
    "a data directory cannot lie below a file";
        OpenError::Io, Mend, opening::directory_below_a_file;
        "<dir>/file could not be read or written: <system>; check its permissions and the space that is left";
    "a store of a later version cannot be opened (made by hand)";
        OpenError::Newer, Mend, opening::newer_store;
        "state.redb has format 2, this build knows up to 1: use the sarsen that wrote it";
    "a store that fails while it is opened is named (made by hand)";
        OpenError::Io, Mend, opening::store_stopped;
        "the store could not be read or written: <system>; check its permissions and the space that is left";
    "a system without threads cannot run a runtime (made by hand)";
        OpenError::Thread, Mend, opening::no_thread;
        "the thread sarsen-shard-3 could not be started: <system>; raise the system's limit of threads";
    "a program that aborts by a panic cannot run a runtime (made by hand)";
        OpenError::PanicAborts, Mend, opening::panic_aborts;
        r#"this program is built with `panic = "abort"`: build it with `panic = "unwind"`, so that an operation that panics fails alone"#;
};

const ENDING: &[Row] = table! {
    "a shutdown does not wait for ever for accepted work";
        ShutdownError::Deadline, Mend, ending::too_much_work;
        "the accepted work was not done within 0 ms: what is left goes on at the next open; give it more time with `shutdown_within`";
    "a shutdown names the operation that does not return";
        ShutdownError::Stuck, Mend, ending::stuck_operation;
        "an operation of @clerk@a does not return: the data directory stays locked until it does or the process ends";
    "a shutdown does not wait for ever for its store";
        ShutdownError::StoreStuck, Mend, ending::stuck_store;
        "the store does not return: the data directory stays locked until it does or the process ends";
    "a shutdown tells that the store has failed";
        ShutdownError::Failed, Mend, ending::failed_store;
        "the runtime has failed: state.redb could not be read or written: no space left on device; check its permissions and the space that is left; open it again";
    "a shutdown tells that another runtime has taken the store";
        ShutdownError::Failed, Mend, ending::store_with_another_owner;
        "the runtime has failed: the slots 0..4096 were acquired by another runtime; open it again";
    "a shutdown tells that a record was damaged";
        ShutdownError::Failed, Mend, ending::damaged_row;
        "the runtime has failed: shard 0 panicked: the store's records cannot be read: the record is damaged: a dead letter's key is none; open it again";
};

const ROOMS: &[Row] = table! {
    "a text of another form is no address";
        AddressError::Form, Mend, rooms::address_of_another_form;
        "`clerk/a` is no address: write `@name@key`";
    "a behaviour names the operations that it has (in its room)";
        InputError::UnknownOperation, Mend, rooms::input_unknown_operation;
        "delete, ring";
    "a behaviour says why an input does not fit (in its room)";
        InputError::Misfit, Mend, rooms::input_misfit;
        r#"invalid type: string "loudly", expected u32 at line 1 column 8"#;
    "a failure is no answer (in its room)";
        AnswerError::Failed(FailureKind::Panicked), Mend, rooms::answer_failed;
        "panicked: the till is stuck";
    "an answer of another type is none (in its room)";
        AnswerError::Misfit, Mend, rooms::answer_misfit;
        "the answer does not fit its type: invalid type: null, expected f64 at line 1 column 4";
    "a record of a later version is not guessed at (in its room)";
        RecordError::Newer, Mend, rooms::record_newer;
        "record version 2 is newer than 1, the newest known here: use the sarsen that wrote it";
    "a record that ends early is damaged (in its room)";
        RecordError::Damaged, Mend, rooms::record_damaged;
        "the record is damaged: it ends too early";
    "a directory has one owner (in its room)";
        DirectoryError::Locked, Mend, rooms::directory_locked;
        "the data directory <dir> is in use: stop the process that has it open or choose another directory";
    "a directory with something else in it is foreign (in its room)";
        DirectoryError::Foreign, Mend, rooms::directory_foreign;
        "the directory <dir> holds `holiday.jpg` and is no data directory of sarsen: choose an empty directory or a new one";
    "a newer marker may say more (in its room)";
        DirectoryError::Newer, Mend, rooms::directory_newer;
        "the data directory <dir> has format 3, this build knows up to 2: use the sarsen that wrote it";
    "a marker of this version may not say more (in its room)";
        DirectoryError::Damaged, Mend, rooms::directory_damaged;
        "the data directory <dir> is damaged: sarsen.toml says `shape = round` behind its format; restore it from a backup";
    "a marker that cannot be read is named (in its room)";
        DirectoryError::Io, Mend, rooms::directory_io;
        "<dir>/sarsen.toml could not be read or written: <system>; check its permissions and the space that is left";
    "a disk that fails is named (in its room)";
        storage::Error::Io, Mend, rooms::store_io;
        "state.redb could not be read or written: <system>; check its permissions and the space that is left";
    "a file of something else is no store (in its room)";
        storage::Error::Damaged, Mend, rooms::store_damaged;
        "state.redb is damaged: it is not the file of a store; restore it from a backup";
    "only a history that ends with a failure is rewound";
        RewindError::NotFailed, Mend, rooms::not_failed;
        "its last execution has not failed";
    "no history is rewound into a section";
        RewindError::InSection, Mend, rooms::in_section;
        "it failed inside a critical section, whose locks others may have had since: start it again instead";
    "no history is rewound to a call whose answer is not known";
        RewindError::Unanswered, Mend, rooms::unanswered;
        "it failed while it waited for @clerk@a, and what came of that is not known: start it again instead";
    "a store of a later version is not opened (made by hand)";
        storage::Error::Newer, Mend, rooms::store_newer;
        "state.redb has format 2, this build knows up to 1: use the sarsen that wrote it";
    "a batch out of order is refused (in its room)";
        storage::Error::Gap, Mend, rooms::store_gap;
        "batch 7 of slots 0..4096 does not follow batch 0: commit a lease's batches in the order of their numbers";
    "a store that has failed does nothing more (in its room)";
        storage::Error::Stopped, Mend, rooms::store_stopped;
        "the store has failed and is stopped: open it again";
};

const RUNS: &[Row] = table! {
    "an activity that failed is named";
        CallError::ActivityFailed(FailureKind::Panicked), Mend, runs::activity_failed;
        "activity `notify` failed: panicked: no line";
    "a child that failed is named";
        CallError::ChildFailed(FailureKind::Panicked), Mend, runs::child_failed;
        "orchestration `fallen`, run `t-1`, failed: panicked: over the root";
    "what an orchestration cannot send is named";
        CallError::Unsendable, Mend, runs::unsendable;
        "the input of activity `weigh` cannot be sent: the value is NaN: JSON has no such number";
    "an answer of another type is named";
        CallError::Misfit, Mend, runs::misfit;
        "the answer of activity `notify` does not fit its type: invalid type: null, expected f64 at line 1 column 4";
    "a run has an id (in its room)";
        RunIdError::Form, Mend, runs::run_id;
        "`@a@b` is no run id: use 1 to 256 bytes without control characters that do not begin with `@`";
    "a bad id of a run reaches the caller";
        CallError::InvalidRun(RunIdError::Form), Mend, runs::invalid_run;
        "`@a@b` is no run id: use 1 to 256 bytes without control characters that do not begin with `@`";
    "an orchestration that is not registered cannot be started";
        CallError::UnknownOrchestration, Mend, runs::unknown_orchestration;
        "no orchestration `lost` is registered: register it with `Runtime::builder().orchestration(lost)`";
    "an input of another type starts nothing";
        CallError::InvalidStart, Mend, runs::invalid_start;
        "the input does not fit orchestration `trip`: invalid type: integer `5`, expected a string at line 1 column 1";
    "a run's id is taken";
        CallError::RunExists, Mend, runs::run_exists;
        "run `t-1` exists and is completed: choose another id, or another policy with `.reuse(..)`";
    "a run that is not there has no status";
        CallError::RunNotFound, Mend, runs::run_not_found;
        "there is no run `nobody`: start it first, or raise the event with `.before_start(..)`";
    "a run that is over takes no event";
        CallError::RunFinished, Mend, runs::run_finished;
        "run `t-1` is over, it is completed: nothing more can be asked of it";
    "a run that is not over is not purged";
        CallError::RunNotFinished, Mend, runs::run_not_finished;
        "run `t-1` is running and cannot be purged: let it end, or terminate it first";
    "a run that was replaced has no result";
        CallError::RunReplaced, Mend, runs::run_replaced;
        "run `t-1` was replaced by another of the same id: its result is no longer kept";
    "a run that failed says why";
        CallError::RunFailed(FailureKind::Panicked), Mend, runs::run_failed;
        "run `t-1` of orchestration `fallen` failed: panicked: over the root";
    "a run that was terminated says why";
        CallError::RunTerminated, Mend, runs::run_terminated;
        r#"run `t-1` was terminated: "the road is closed""#;
    "a run of another orchestration is told apart";
        CallError::OtherOrchestration, Mend, runs::other_orchestration;
        "run `t-1` is of orchestration `trip`, not of `fallen`: ask for it by its own";
    "a run that has not failed is not rewound";
        CallError::RunNotFailed, Mend, runs::run_not_failed;
        "run `t-1` is completed and cannot be rewound: only a run that has failed can";
    "a run that failed inside a section is not rewound";
        CallError::CannotRewind, Mend, runs::cannot_rewind;
        "run `t-1` cannot be rewound: it failed inside a critical section, whose locks others may have had since: start it again instead";
    "a custom status is not waited for in vain";
        CallError::CustomStatusMissed, Mend, runs::custom_status_missed;
        "run `t-1` is over, it is completed, and its custom status was never what was waited for";
    "an activity does not wait for the lock of its own run";
        CallError::WouldDeadlock, Mend, runs::would_deadlock;
        "calling @clerk@a would wait for run `t-1`, which holds its lock and waits for this work: signal it, or call it from the orchestration";
    "an operation does not wait for its own entity";
        CallError::WouldDeadlock, Mend, calls::call_of_itself;
        "calling @clerk@a would wait for its own operation that makes the call: signal it through the operation's context";
    "a section locks something";
        CallError::Section(SectionError::Empty), Mend, runs::empty;
        "a section over no entity: name at least one to lock";
    "a section locks entities only";
        CallError::Section(SectionError::InvalidAddress(AddressError::KeyControl)), Mend, runs::no_address;
        r"cannot lock: the key `alice\n` has a control character: use printable characters only";
    "sections do not nest";
        CallError::Section(SectionError::Nested), Mend, runs::nested;
        "cannot lock @clerk@b while the section over @clerk@a is open: lock all in one section, or release that one first";
    "no child is awaited in a section";
        CallError::Section(SectionError::Child), Mend, runs::child;
        "cannot await orchestration `fallen` while the section over @clerk@a is open: release it first, or start it detached";
    "a locked entity is not signalled";
        CallError::Section(SectionError::SignalToLocked), Mend, runs::signal_to_locked;
        "cannot signal @clerk@a, which the open section locks: call it instead";
    "a locked entity has one call at a time";
        CallError::Section(SectionError::CallPending), Mend, runs::call_pending;
        "cannot call @clerk@a while an earlier call to it is not answered: await that one first";
    "only locked entities are called in a section";
        CallError::Section(SectionError::NotLocked), Mend, runs::not_locked;
        "cannot call @clerk@b while a section is open that does not lock it: add it to the section, or signal it";
    "a lock is awaited before a call";
        CallError::Section(SectionError::NotGranted), Mend, runs::not_granted;
        "cannot call @clerk@a before the lock is granted: await the lock first";
    "an entity whose type is not registered cannot be locked";
        CallError::Section(SectionError::Unavailable), Mend, runs::unavailable;
        "cannot lock @ghost@a: no entity `ghost` is registered: register its type with `Runtime::builder().entity::<T>()`";
    "a lock that is held by another for longer than it may take is not waited for";
        CallError::Section(SectionError::TimedOut), Mend, runs::late_lock;
        "the locks of the section over @clerk@a were not held within 1 ms: nothing of it is locked, ask again, or give it longer";
    "a lock that another holds is not had by who does not wait";
        CallError::Section(SectionError::Taken), Mend, runs::taken_lock;
        "@clerk@a is locked by run `t-1`: nothing was locked, try again later, or wait for it with `cx.lock(..)`";
    "a lock that was taken away is missed by its section";
        CallError::Failed(FailureKind::LockLost), Mend, runs::lock_lost;
        "operation `add` of @clerk@a failed: lock lost: the section that calls @clerk@a does not hold its lock";
    "an orchestration that asks for too much at once fails";
        CallError::RunFailed(FailureKind::OverLimit), Mend, runs::over_limit;
        "run `t-1` of orchestration `trip` failed: over a limit: it issues more than 3 commands at once: wait for some in between";
    "a child of an orchestration that is not registered is not started";
        CallError::ChildFailed(FailureKind::UnknownOrchestration), Mend, runs::unknown_child;
        "orchestration `lost`, run `c`, failed: unknown orchestration: no orchestration `lost` is registered: register it with `Runtime::builder().orchestration(lost)`";
    "an activity that is not registered does not run";
        CallError::ActivityFailed(FailureKind::UnknownActivity), Mend, runs::unknown_activity;
        "activity `unheard` failed: unknown activity: no activity `unheard` is registered: register it with `Runtime::builder().activity(unheard)`";
    "a child's id is taken";
        CallError::ChildFailed(FailureKind::RunExists), Mend, runs::child_exists;
        "orchestration `fallen`, run `t-1`, failed: run exists: run `t-1` exists and is running: choose another id, or another policy with `.reuse(..)`";
    "a child that was terminated has no result";
        CallError::ChildFailed(FailureKind::Terminated), Mend, runs::child_terminated;
        "orchestration `trip`, run `c`, failed: terminated: run `c` was terminated";
    "an event for a run that is not there becomes a dead letter";
        FailureKind::RunNotFound, Mend, runs::event_for_nobody;
        "run not found: there is no run `nobody`";
    "an event for a run that is over becomes a dead letter";
        FailureKind::RunFinished, Mend, runs::event_too_late;
        "run finished: run `old` is completed";
    "a dead letter that was discarded is not sent again";
        CallError::LetterGone, Mend, failures::letter_gone;
        "dead letter <letter> is gone: it was sent again or discarded, or made room when there were more than `dead_letters_max`";
    "an event for which no run was started in time becomes a dead letter";
        FailureKind::Expired, Mend, runs::event_expired;
        "expired: run `nobody` was not started in time";
    "a damaged chunk of a history is named (in its room)";
        HistoryError::Record, Mend, runs::history_record;
        "chunk 0 of the history: the record is damaged: it is empty";
    "a doubled chunk of a history is named (in its room)";
        HistoryError::Order, Mend, runs::history_order;
        "chunk 1, from event 1, is expected in the history, and chunk 0, from event 0, is there: one is missing or doubled";
    "a text that is no exported history is named";
        ImportError::Misfit, Mend, runs::import_misfit;
        "this is no exported history: missing field `format` at line 1 column 2";
    "an exported history of a later sarsen is named";
        ImportError::Newer, Mend, runs::import_newer;
        "the history has format 2, this build knows up to 1: use the sarsen that wrote it";
    "an exported history without its begin is named";
        ImportError::Headless, Mend, runs::import_headless;
        "the exported history does not begin with a turn and a start";
    "a history of another orchestration is not replayed";
        ReplayError::OtherOrchestration, Mend, runs::replay_of_another;
        "the history is of orchestration `trip`, not of `fallen`";
    "an orchestration whose name is none is not replayed";
        ReplayError::Name, Mend, runs::replay_without_a_name;
        "`SHOUTING` is no name of an orchestration";
    "a history that the code does not fit is named";
        ReplayError::Parked, Mend, runs::replay_of_changed_code;
        r#"orchestration `trip` has changed: event 2 of the history is command 0, activity `notify` with "something", the code comes to command 0, activity `notify` with "nothing"; it goes on when code is there that does what is recorded"#;
    "an event that does not come in time is named";
        EventError::TimedOut, Mend, runs::event_timed_out;
        "no event `go` was raised within 1 ms";
    "an event of another type is named";
        EventError::Misfit, Mend, runs::event_misfit;
        r#"event `go` does not fit the type that is waited for: invalid type: string "soon", expected u32 at line 1 column 6"#;
};

const NAMED: &[Row] = table! {
    "a type that is not registered cannot be called by name";
        CallError::UnknownEntity, Mend, named::unknown_entity;
        "no entity `ghost` is registered: register its type with `Runtime::builder().entity::<T>()`";
    "a type that is not registered cannot be signalled by name";
        CallError::UnknownEntity, Mend, named::unknown_entity_signalled;
        "no entity `ghost` is registered: register its type with `Runtime::builder().entity::<T>()`";
    "a type that is not registered has no state by name";
        CallError::UnknownEntity, Mend, named::unknown_entity_read;
        "no entity `ghost` is registered: register its type with `Runtime::builder().entity::<T>()`";
    "an operation that there is not cannot be called by name";
        CallError::UnknownOperation, Mend, named::unknown_operation;
        "entity `bell` has no operation `sing`: it has delete, ring";
    "an input by name that does not fit is refused before it is sent";
        CallError::InvalidInput, Mend, named::misfitting_input;
        "the input does not fit operation `add` of @clerk@a: invalid type: map, expected f64 at line 1 column 0";
    "a name that is none names no entity";
        CallError::InvalidAddress(AddressError::Name), Mend, named::bad_name;
        "`Two words` is no entity name: use a lower-case letter followed by up to 63 of a-z, 0-9 and _";
    "a key that is none names no entity";
        CallError::InvalidAddress(AddressError::KeyControl), Mend, named::bad_key;
        r"the key `a\nb` has a control character: use printable characters only";
    "an answer by name is to be of the type that is asked for";
        CallError::InvalidAnswer, Mend, named::misfitting_answer;
        "the answer of operation `add` of @clerk@a does not fit its type: invalid type: floating point `1.5`, expected a string at line 1 column 3";
    "a state by name is to be of the type that is asked for";
        CallError::InvalidState, Mend, named::misfitting_state;
        "the state of @clerk@a does not fit its type: invalid type: map, expected a sequence at line 1 column 0";
    "an error that an operation returns is a failure where its type is not known";
        CallError::Failed(FailureKind::Returned), Mend, named::returned_error;
        "operation `withdraw` of @clerk@a failed: returned an error: 2 are missing";
    "a run that calls a type by name that is not registered is told so";
        CallError::Failed(FailureKind::UnknownEntity), Mend, named::unknown_entity_from_a_run;
        "operation `haunt` of @ghost@a failed: unknown entity: no entity `ghost` is registered: register its type with `Runtime::builder().entity::<T>()`";
    "a run that calls an operation by name that there is not is told so";
        CallError::Failed(FailureKind::UnknownOperation), Mend, named::unknown_operation_from_a_run;
        "operation `sing` of @bell@a failed: unknown operation: entity `bell` has no operation `sing`: it has delete, ring";
    "a run that gives an input by name that does not fit is told so";
        CallError::Failed(FailureKind::Undecodable), Mend, named::misfitting_input_from_a_run;
        "operation `add` of @clerk@a failed: input does not fit: invalid type: string \"ten\", expected f64 at line 1 column 5";
    "a run that calls a name that is none sends nothing";
        CallError::InvalidAddress(AddressError::Name), Mend, named::bad_name_from_a_run;
        "`CLERK` is no entity name: use a lower-case letter followed by up to 63 of a-z, 0-9 and _";
    "an orchestration that is not registered cannot be started by name";
        CallError::UnknownOrchestration, Mend, named::unknown_orchestration;
        "no orchestration `lost` is registered: register it with `Runtime::builder().orchestration(lost)`";
    "an input by name that does not fit starts nothing";
        CallError::InvalidStart, Mend, named::misfitting_start;
        "the input does not fit orchestration `idle`: invalid type: sequence, expected u32 at line 1 column 0";
    "an error that a run returns is a failure where its type is not known";
        CallError::RunFailed(FailureKind::Returned), Mend, named::failed_run;
        "run `i-1` of orchestration `idle` failed: returned an error: 9 days are too many";
    "a result is to be of the type that is asked for";
        CallError::Misfit, Mend, named::misfitting_result;
        "the answer of run `e-1` of orchestration `errand_by_name` does not fit its type: invalid type: map, expected u32 at line 1 column 0";
};

#[test]
fn what_is_asked_by_name_is_refused_as_the_table_says() {
    check(NAMED);
}

#[test]
fn what_a_client_asks_is_refused_as_the_table_says() {
    check(CALLS);
}

#[test]
fn what_an_operation_does_wrong_is_told_as_the_table_says() {
    check(FAILURES);
}

#[test]
fn what_cannot_be_opened_is_refused_as_the_table_says() {
    check(OPENING);
}

#[test]
fn what_does_not_end_in_good_order_is_told_as_the_table_says() {
    check(ENDING);
}

#[test]
fn what_users_do_not_see_by_itself_reads_as_the_table_says() {
    check(ROOMS);
}

#[test]
fn what_orchestrations_do_wrong_is_told_as_the_table_says() {
    check(RUNS);
}

fn all() -> impl Iterator<Item = &'static Row> {
    [CALLS, FAILURES, OPENING, ENDING, ROOMS, RUNS, NAMED].into_iter().flatten()
}

/// The house rule, as far as a program can tell.
#[test]
fn every_text_begins_in_lower_case_and_ends_without_a_stop() {
    for Row { case, text, .. } in all() {
        assert!(
            !text.starts_with(|first: char| first.is_uppercase() || first.is_whitespace()),
            "{case}: {text}"
        );
        assert!(!text.ends_with(['.', '!', ' ']), "{case}: {text}");
        assert!(!text.contains(['\n', '\t']), "{case}: a text is one line: {text}");
    }
}

#[test]
fn no_two_rows_claim_the_same() {
    let mut claims = BTreeSet::new();
    for Row { case, .. } in all() {
        assert!(claims.insert(*case), "{case}");
    }
}

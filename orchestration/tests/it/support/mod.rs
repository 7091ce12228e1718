//! Scripts of orchestrations: what goes in turn by turn, and what comes out; and the replay of every prefix.

mod random;
mod script;

pub(crate) use random::Random;
pub(crate) use script::{Script, check, check_start};

use sarsen_orchestration::{CommandId, ExecutionLimits, Input, Outstanding, Start};
use sarsen_protocol::{
    Address, ExecutionId, Failure, FailureKind, OrchestrationName, Payload, RunId, SectionError, Uuid,
};

/// An activity or an orchestration's name, types and code, as its macro would write them.
macro_rules! activity {
    ($name:ident: $input:ty => $output:ty, $returns:ident) => {
        #[expect(non_camel_case_types, reason = "a marker is named like its function")]
        pub(crate) struct $name {}

        pub(crate) fn $name() -> $name {
            $name {}
        }

        impl sarsen_orchestration::Activity for $name {
            const NAME: &'static str = stringify!($name);
            type Input = $input;
            type Output = $output;

            fn returns() -> sarsen_protocol::Returns<$output> {
                sarsen_protocol::Returns::$returns()
            }
        }
    };
}

macro_rules! orchestration {
    ($name:ident, |$cx:ident, $input:ident : $in:ty| -> $out:ty $body:block) => {
        orchestration!($name, value, |$cx, $input: $in| -> $out $body);
    };
    ($name:ident, $returns:ident, |$cx:ident, $input:ident : $in:ty| -> $out:ty $body:block) => {
        #[expect(non_camel_case_types, reason = "a marker is named like its function")]
        pub(crate) struct $name {}

        #[allow(dead_code, reason = "some are started by the script and named nowhere")]
        pub(crate) fn $name() -> $name {
            $name {}
        }

        impl sarsen_orchestration::OrchestrationType for $name {
            const NAME: &'static str = stringify!($name);
            type Input = $in;
        }

        impl sarsen_orchestration::Orchestration for $name {
            type Output = $out;

            fn returns() -> sarsen_protocol::Returns<$out> {
                sarsen_protocol::Returns::$returns()
            }

            async fn run($cx: sarsen_orchestration::Context, $input: $in) -> $out $body
        }
    };
}

pub(crate) use {activity, orchestration};

pub(crate) const SEED: u64 = 7;

pub(crate) fn payload(text: &str) -> Payload {
    Payload::from_encoded(text.to_owned().into())
}

/// The beginning of an execution of `name`.
pub(crate) fn start(name: &'static str, input: &str) -> Start {
    Start {
        run: RunId::new("run").unwrap(),
        execution: ExecutionId(Uuid::from_u128(0xe)),
        name: OrchestrationName::of(name),
        input: payload(input),
        seed: SEED,
        parent: None,
        scheduled: None,
        labels: sarsen_orchestration::Labels::default(),
        limits: ExecutionLimits {
            payload_bytes_max: 1_000,
            commands_per_turn_max: 100,
            history_events_max: 1_000,
        },
    }
}

/// An input from its text: `0 = 1` answers command 0, `0 ! no` fails it, `0 !! no` fails it by an error of its own,
/// `0 ? no` and `0 ?? no` because there is no such activity or its input does not fit,
/// `fire 0`, `grant 0`, `refuse 0 no`, `taken 0 @account@a`, `raise name 1`, `suspend`, `resume`.
pub(crate) fn input(text: &str, outstanding: &Outstanding) -> Input {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let id = |text: &str| CommandId(text.parse().unwrap_or_else(|_| panic!("`{text}` is no command")));
    match first {
        "fire" => Input::TimerFired { id: id(rest) },
        "grant" => Input::LockGranted { id: id(rest) },
        "refuse" => {
            let (section, why) = rest.split_once(' ').unwrap();
            Input::LockRefused { id: id(section), failure: Failure::new(FailureKind::UnknownEntity, why) }
        }
        "taken" => {
            let (section, entity) = rest.split_once(' ').unwrap();
            let entity = Address::parse(entity).unwrap_or_else(|_| panic!("`{entity}` is no entity"));
            let taken = SectionError::Taken { entity, run: RunId::new("other").unwrap() };
            Input::LockRefused { id: id(section), failure: taken.into_failure(FailureKind::Returned) }
        }
        "raise" => {
            let (name, value) = rest.split_once(' ').unwrap();
            Input::EventRaised { name: name.to_owned().into(), input: payload(value) }
        }
        "suspend" => Input::Suspended { reason: None },
        "resume" => Input::Resumed { reason: None },
        _ => {
            let (sign, value) = rest.split_once(' ').unwrap_or((rest, ""));
            if let Some(progress) = sign.strip_prefix("!>") {
                let failure = Failure::new(FailureKind::TimedOut, value);
                return Input::AttemptFailed { id: id(first), failure, progress: payload(progress) };
            }
            let failure = |kind, details| Failure::new(kind, value).with_details(details);
            let result = match sign {
                "=" => Ok(payload(value)),
                "!" => Err(failure(FailureKind::Panicked, None)),
                "?" => Err(failure(FailureKind::UnknownActivity, None)),
                "??" => Err(failure(FailureKind::Undecodable, None)),
                "!!" => Err(failure(FailureKind::Returned, Some(payload(&format!("{value:?}"))))),
                _ => panic!("`{text}` is no input"),
            };
            let id = id(first);
            if outstanding.children().contains_key(&id) {
                Input::ChildEnded { id, result }
            } else if outstanding.calls().contains_key(&id) {
                Input::CallEnded { id, result }
            } else {
                Input::TaskEnded { id, result }
            }
        }
    }
}

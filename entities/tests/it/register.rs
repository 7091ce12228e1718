//! What a type must be to be registered, and what is asked of it before a message is sent.

use crate::ledger::{Ledger, op};
use sarsen_entities::{
    Behaviour, Entity, EntityType, InputError, NamedEntity, Operations, Port, RegisterError, Returns, Typed,
};
use sarsen_protocol::{FailureKind, Payload};
use serde::{Deserialize, Serialize};

macro_rules! named {
    ($type:ident, $name:expr, [$($operation:expr),*]) => {
        #[derive(Clone, Debug, Serialize, Deserialize)]
        struct $type;

        impl EntityType for $type {
            const NAME: &'static str = $name;
            type Ref<P: Port> = NamedEntity<P>;

            fn refer<P: Port>(port: P) -> NamedEntity<P> {
        NamedEntity::new(port)
    }
        }

        impl Entity for $type {
            fn initial(_key: &str) -> Self {
                Self
            }

            fn operations() -> Operations<Self> {
                Operations::new()$(.read($operation, Returns::value(), |_: &Self, _, _: u8| "given".to_owned()))*
            }
        }
    };
}

named! { Empty, "empty", [] }
named! { OwnDelete, "own_delete", ["delete"] }
named! { WrongName, "Wrong", [] }
named! { WrongOperation, "wrong", ["fine", "not-fine"] }
named! { EmptyOperation, "wrong", [""] }
named! { Twice, "twice", ["b", "a", "b"] }

fn refusal<E: Entity>() -> String {
    Typed::<E>::new().expect_err("it is refused").to_string()
}

#[test]
fn wrong_and_double_names_are_refused() {
    let rule = "use a lower-case letter followed by up to 63 of a-z, 0-9 and _";
    assert_eq!(refusal::<WrongName>(), format!("`Wrong` is no entity name: {rule}"));
    assert_eq!(
        refusal::<WrongOperation>(),
        format!("`not-fine` of entity `wrong` is no operation name: {rule}")
    );
    assert_eq!(refusal::<EmptyOperation>(), format!("`` of entity `wrong` is no operation name: {rule}"));
    assert_eq!(refusal::<Twice>(), "entity `twice` has two operations `b`: give one of them another name");
    assert_eq!(
        Typed::<Twice>::new().err(),
        Some(RegisterError::DuplicateOperation { entity: "twice", operation: "b" })
    );
}

#[test]
fn an_operation_named_delete_takes_the_place_of_the_built_in_one() {
    assert_eq!(
        format!("{:?}", Typed::<Empty>::new().unwrap()),
        r#"Typed("it::register::Empty", ["delete"])"#
    );
    let own = Typed::<OwnDelete>::new().unwrap();
    assert_eq!(own.name(), "own_delete");
    assert_eq!(own.check(&op("delete").0, &op("delete 1").1), Ok(()));
    assert!(own.check(&op("delete").0, &Payload::null()).is_err());
}

#[test]
fn an_input_is_checked_before_it_is_sent() {
    let typed = Typed::<Ledger>::new().unwrap();
    let check = |text| {
        let op = op(text);
        typed.check(&op.0, &op.1)
    };
    for fits in ["add 1", "total", "delete", "divide [1,2.5]", "note \"\""] {
        assert_eq!(check(fits), Ok(()), "{fits}");
    }
    for misfit in [
        "add",
        "add 1.5",
        "total 1",
        "delete {}",
        "divide [1]",
        "divide [1,2,3]",
        "note x",
        "note",
        "add 1 1",
    ] {
        assert!(matches!(check(misfit), Err(InputError::Misfit { .. })), "{misfit}");
    }
    let known =
        "add, ask, delete, divide, doubt, explode, note, pass, refuse, remove, repeat, scale, shatter, total"
            .to_owned();
    assert_eq!(check("Add 1"), Err(InputError::UnknownOperation { known }));
}

#[test]
fn a_stored_state_that_does_not_fit_is_undecodable() {
    let typed = Typed::<Ledger>::new().unwrap();
    let failure = typed.decode(&op("x {\"total\":\"ten\"}").1).expect_err("it does not fit");
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (FailureKind::Undecodable, "invalid type: string \"ten\", expected i64 at line 1 column 14")
    );
    let stored = op("x {\"total\":10}").1;
    let state = typed.decode(&stored).expect("it fits");
    assert_eq!(typed.encode(&state), Ok(stored));
}

#[test]
fn a_panic_while_reading_is_a_misfit() {
    #[derive(Clone, Serialize)]
    struct Bomb;
    impl<'de> Deserialize<'de> for Bomb {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("read")
        }
    }
    impl EntityType for Bomb {
        const NAME: &'static str = "bomb";
        type Ref<P: Port> = NamedEntity<P>;

        fn refer<P: Port>(port: P) -> NamedEntity<P> {
            NamedEntity::new(port)
        }
    }

    impl Entity for Bomb {
        fn initial(_key: &str) -> Self {
            Self
        }

        fn operations() -> Operations<Self> {
            Operations::new().read("take", Returns::value(), |_: &Self, _, _: Bomb| ())
        }
    }
    let typed = Typed::<Bomb>::new().unwrap();
    let failure = typed.decode(&Payload::null()).expect_err("it panics");
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Undecodable, "read"));
    assert_eq!(
        typed.check(&op("take").0, &Payload::null()),
        Err(InputError::Misfit { reason: "read".to_owned() })
    );
}

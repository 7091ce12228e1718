//! Everything that an entity type and an operation may look like.

use crate::by_hand::{Said, run, text};
use sarsen::{Behaviour, EntityOptions, EntityType as _, State, Typed};
use sarsen_macros::{Entity, operations};
use sarsen_protocol::{Payload, json};
use serde::{Deserialize, Serialize};
use std::time::Duration;

mod elsewhere {
    //! Types that are not in scope where they are used.

    pub(crate) use ::sarsen as renamed;
    use serde::{Deserialize, Serialize};

    /// A `Result` by another name.
    pub(crate) type Outcome<T> = Result<T, String>;

    /// Begins a cart for `key`.
    pub(crate) fn opened(key: &str) -> super::ShoppingCart {
        super::ShoppingCart::Open { owner: key.to_owned(), items: Vec::new() }
    }

    /// Named as a reference's parameter would be.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct P(pub(crate) u8);
}
use elsewhere::{Outcome, P};

/// An enum with an initial state of its own.
#[derive(Clone, Debug, Entity, Serialize, Deserialize)]
#[entity(initial = elsewhere::opened)]
enum ShoppingCart {
    Open { owner: String, items: Vec<String> },
    Closed,
}

#[operations]
impl ShoppingCart {
    /// Adds an item.
    ///
    /// And says how many there are.
    fn add(&mut self, item: String) -> Outcome<usize> {
        match self {
            Self::Open { items, .. } => {
                items.push(item);
                Ok(items.len())
            }
            Self::Closed => Err("the cart is closed".to_owned()),
        }
    }

    fn close(&mut self) -> Self {
        std::mem::replace(self, Self::Closed)
    }

    fn owner(&self) -> Option<String> {
        match self {
            Self::Open { owner, .. } => Some(owner.clone()),
            Self::Closed => None,
        }
    }
}

/// Words that are no identifiers, inputs of every form, conditions.
#[derive(Clone, Debug, Default, Entity, PartialEq, Eq, Serialize, Deserialize)]
#[entity(
    name = "odd_one",
    crate = "crate::forms::elsewhere::renamed",
    mailbox = 500,
    state_bytes = 65_536,
    rate = "5/m",
    ttl = "90m",
    audit(keep = 7, for = "2d"),
    concurrency = 8
)]
pub(crate) struct Odd {
    p: P,
}

#[operations(crate = "crate::forms::elsewhere::renamed")]
impl Odd {
    #[must_use]
    #[deprecated = "for the test of attributes"]
    fn r#type(&mut self, r#match: u8, mut p: P, _nothing: ()) -> P {
        p.0 += r#match;
        std::mem::replace(&mut self.p, p)
    }

    #[cfg(not(test))]
    fn absent(&self, nothing: Nowhere) -> Nowhere {
        nothing
    }

    #[cfg(test)]
    fn present(&self, cx: &mut sarsen::EntityContext<'_>) -> String {
        cx.key().to_owned()
    }

    #[cfg(not(test))]
    fn delete(&mut self, reason: Nowhere) {}

    #[cfg(not(test))]
    fn audit(&self, reason: Nowhere) {}

    fn nested(&self, pairs: Vec<(u8, Option<Self>)>, entity: [u8; 2], context: u8, port: u8) -> Vec<Self> {
        assert_eq!((entity, context, port), ([1, 2], 3, 4));
        pairs.into_iter().filter_map(|(_, odd)| odd).chain([self.clone()]).collect()
    }
}

/// Its own operation takes the place of the built-in one.
#[derive(Clone, Debug, Default, Entity, Serialize, Deserialize)]
struct Stubborn;

#[operations]
impl Stubborn {
    fn delete(&mut self, please: bool) -> Result<(), String> {
        if please { Ok(()) } else { Err("say please".to_owned()) }
    }

    #[cfg(not(test))]
    fn audit(&self, since: Nowhere) {}

    #[cfg(test)]
    fn audit(&self, year: u16) -> u16 {
        year
    }
}

/// An entity without operations of its own.
#[derive(Clone, Debug, Default, Entity, Serialize, Deserialize)]
struct HTTPStone;

#[operations]
impl HTTPStone {}

mod single_letter {
    //! An entity whose name is a reference's parameter.

    use super::{Entity, operations};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, Default, Entity, Serialize, Deserialize)]
    pub(crate) struct P;

    #[operations]
    impl P {
        fn twin(&self) -> Self {
            Self
        }
    }
}

fn answers(ran: &sarsen::Ran) -> Vec<String> {
    let answer = |outcome: &sarsen::Outcome| outcome.answer.as_ref().map_or_else(ToString::to_string, text);
    ran.outcomes.iter().map(answer).collect()
}

#[test]
fn an_enum_begins_as_its_function_says() {
    let ran =
        run::<ShoppingCart>(&[("owner", "null"), ("add", "\"tea\""), ("close", "null"), ("add", "\"tea\"")]);
    assert_eq!(
        answers(&ran),
        [
            "\"alice\"",
            "1",
            r#"{"Open":{"owner":"alice","items":["tea"]}}"#,
            "returned an error: the cart is closed"
        ]
    );
    assert_eq!(ShoppingCart::NAME, "shopping_cart");
}

#[test]
fn a_result_behind_an_alias_is_one() {
    let (name, input, returns) = ShoppingCart::refer(Said).add("tea".to_owned());
    assert_eq!((name, input.as_str()), ("add", "\"tea\""));
    let ran = run::<ShoppingCart>(&[("close", "null"), ("add", "\"tea\"")]);
    let answer: Outcome<usize> =
        returns.decode(ran.outcomes[1].answer.clone()).expect("an error of its own type");
    assert_eq!(answer, Err("the cart is closed".to_owned()));
}

#[test]
#[expect(deprecated, reason = "the attribute is the reference's too")]
fn every_form_of_an_operation_is_one() {
    let odd = Odd::refer(Said);
    let name = |said: (&'static str, String)| format!("{} {}", said.0, said.1);
    let (type_, present, delete) = (odd.r#type(1, P(2), ()), odd.present(), odd.delete());
    assert_eq!(name((type_.0, type_.1)), "type [1,2,null]");
    assert_eq!(name((present.0, present.1)), "present null");
    assert_eq!(name((delete.0, delete.1)), "delete null");
    let nested = odd.nested(vec![(1, None), (2, Some(Odd { p: P(5) }))], [1, 2], 3, 4);
    assert_eq!(nested.1, r#"[[[1,null],[2,{"p":5}]],[1,2],3,4]"#);
    let ran =
        run::<Odd>(&[("type", "[1,2,null]"), ("nested", &nested.1), ("present", "null"), ("absent", "1")]);
    assert_eq!(
        answers(&ran),
        [
            "0",
            r#"[{"p":5},{"p":3}]"#,
            "\"alice\"",
            "unknown operation: entity `odd_one` has no operation `absent`: it has delete, nested, present, type"
        ]
    );
    let answer = nested.2.decode(ran.outcomes[1].answer.clone());
    assert_eq!(answer, Ok(vec![Odd { p: P(5) }, Odd { p: P(3) }]));
}

#[test]
fn an_own_delete_takes_the_place_of_the_built_in_one() {
    assert_eq!(Stubborn::refer(Said).delete(true).1, "true");
    let ran = run::<Stubborn>(&[("delete", "false"), ("delete", "true"), ("delete", "null")]);
    let misfit = "input does not fit: invalid type: null, expected a boolean at line 1 column 4";
    assert_eq!(answers(&ran), ["returned an error: say please", "null", misfit]);
    assert_eq!(ran.change, sarsen::Change::Put(Payload::null()));
}

/// `audit()` was missing from the reference also where the block's operation of that name was not compiled.
#[test]
fn an_own_audit_takes_the_place_of_the_built_in_one_where_there_is_one() {
    assert_eq!(Odd::refer(Said).audit(), "what was done");
    let (name, input, _) = Stubborn::refer(Said).audit(1984);
    assert_eq!((name, input.as_str()), ("audit", "1984"));
}

#[test]
fn an_entity_may_have_no_operations_of_its_own() {
    assert_eq!(HTTPStone::NAME, "http_stone");
    let typed = Typed::<HTTPStone>::new().expect("it can be registered");
    let stored: State = typed.decode(&json::encode(&HTTPStone).expect("it has JSON")).expect("it fits");
    assert_eq!(typed.encode(&stored), Ok(Payload::null()));
    assert_eq!(single_letter::P::refer(Said).twin().0, "twin");
    assert_eq!((HTTPStone::refer(Said).delete().0, HTTPStone::refer(Said).state()), ("delete", "http_stone"));
}

#[test]
fn a_type_says_what_is_chosen_for_it() {
    let options = |behaviour: Typed<Odd>| behaviour.options();
    let chosen = options(Typed::new().expect("a type with options"));
    let minute = Duration::from_secs(60);
    let expected = EntityOptions::default().mailbox(500).state_bytes(65_536).rate(5, minute).ttl(90 * minute);
    let expected = expected.audit(|audit| audit.keep(7).age(2 * 24 * 60 * minute));
    let expected = expected.concurrency(8);
    assert_eq!(chosen, expected);
    let plain = Typed::<Stubborn>::new().expect("a type without").options();
    assert_eq!(plain, EntityOptions::default());
}

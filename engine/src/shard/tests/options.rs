//! What is chosen for an entity type.

use super::{desk::Desk, limits};
use sarsen_entities::EntityOptions;
use sarsen_protocol::{CallError, Identity, Keyspace};

/// A desk whose entities have these options.
fn desk(options: EntityOptions) -> Desk {
    let mut desk = Desk::new(1, limits(|_| {}));
    desk.entities = options;
    desk.reopen(1);
    desk
}

#[test]
fn a_type_has_mailboxes_of_its_own_length() {
    let mut desk = desk(EntityOptions::default().mailbox(3));
    let signals: Vec<_> = (0..5).map(|_| desk.signal("x", "add", "1", Identity::None)).collect();
    desk.refusals();
    let busy = |request: &u64| matches!(desk.refusal(*request), Some(CallError::Busy { .. }));
    assert_eq!(signals.iter().map(busy).collect::<Vec<_>>(), [false, false, false, true, true]);
    desk.signal("y", "flood", "50", Identity::None);
    desk.rest();
    assert_eq!((desk.sum("x"), desk.rows(Keyspace::Dead)), (33, 20), "ten times as many of instances");
    desk.entities = EntityOptions::default();
    desk.reopen(1);
    desk.signal("y", "flood", "50", Identity::None);
    desk.rest();
    assert_eq!(desk.sum("x"), 83, "what the running program says counts");
}

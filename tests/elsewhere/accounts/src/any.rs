//! Helpers that know no entity type: they are for any.

use sarsen::{
    CallError, Client, Context, Entity, EntityContext, EntityType, Port, Reference, Returns, StatePort,
    durable::{Caller, Guard},
};

/// Whether the entity exists.
///
/// # Errors
/// Those of reading.
pub async fn exists<E: Entity>(client: &Client, key: &str) -> Result<bool, CallError> {
    Ok(state_of::<E, _>(&client.entity::<E>(key)).await?.is_some())
}

/// The state behind any reference through which a state can be read.
pub fn state_of<E: Entity, R>(reference: &R) -> <R::Port as StatePort>::State<E>
where
    R: Reference<Port: StatePort>,
{
    reference.port().state::<E>()
}

/// Deletes the entity, whatever its type, on any way: a request to be awaited or signalled.
pub fn delete<R: Reference>(reference: &R) -> <R::Port as Port>::Request<()> {
    reference.port().request("delete", &(), Returns::value())
}

/// How many entities of a type there are.
///
/// # Errors
/// Those of listing.
pub async fn count<E: Entity>(client: &Client) -> Result<usize, CallError> {
    let (mut listing, mut count) = (client.entities::<E>(), 0);
    while let Some(listed) = listing.next().await {
        listed?;
        count += 1;
    }
    Ok(count)
}

/// Locks entities of one type by their keys.
///
/// # Errors
/// Those of [`Context::lock`].
pub async fn lock_all<E: Entity>(
    cx: &Context,
    keys: &[String],
) -> Result<Guard<Vec<E::Ref<Caller>>>, CallError> {
    cx.lock(keys.iter().map(|key| cx.entity::<E>(key)).collect::<Vec<_>>()).await
}

/// Deletes another entity from within an operation.
pub fn delete_from<E: EntityType>(cx: &EntityContext<'_>, key: &str) {
    delete(&cx.entity::<E>(key)).signal();
}

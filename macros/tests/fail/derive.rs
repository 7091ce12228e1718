use sarsen_macros::Entity;

#[derive(Entity)]
union Union {
    a: u8,
}

#[derive(Entity)]
struct Generic<T>(T);

#[derive(Entity)]
struct Größe;

#[derive(Entity)]
#[entity(name = "Not-a-name")]
struct WrongName;

#[derive(Entity)]
#[entity(name = 5)]
struct NoText;

#[derive(Entity)]
#[entity(nam = "typo")]
struct Typo;

#[derive(Entity)]
#[entity(name = "one", name = "other")]
struct Twice;

#[derive(Entity)]
#[entity(initial = "path::to::function")]
struct Quoted;

#[derive(Entity)]
#[entity(crate = sarsen)]
struct Unquoted;

#[derive(Entity)]
#[entity(mailbox = 0)]
struct Closed;

#[derive(Entity)]
#[entity(mailbox = "many")]
struct NoNumber;

#[derive(Entity)]
#[entity(ttl = "soon")]
struct NoDuration;

#[derive(Entity)]
#[entity(ttl = "0s")]
struct Stillborn;

#[derive(Entity)]
#[entity(ttl = 30)]
struct NoUnit;

#[derive(Entity)]
#[entity(state_bytes = 0)]
struct Stateless;

#[derive(Entity)]
#[entity(rate = "fast")]
struct NoRate;

#[derive(Entity)]
#[entity(rate = "0/s")]
struct Still;

#[derive(Entity)]
#[entity(rate = "5/d")]
struct Rare;

fn main() {}

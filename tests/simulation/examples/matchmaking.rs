//! `matchmaking`: an evening of few matches. Who plays whom is drawn anew in each run; what must hold is the same.

#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/matchmaking/entities.rs"]
mod entities;
#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/matchmaking/ratings.rs"]
mod ratings;
#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/matchmaking/verify.rs"]
mod verify;
#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/matchmaking/work.rs"]
mod work;

use super::{Outcome, Show};
use entities::{Game, Lobby, Player};
use futures::future::try_join_all;
use sarsen_protocol::Reuse;
use sarsen_runtime::Client;
use serde_json::json;
use std::time::Duration;
use verify::Records;
use work::{Job, referee, worker};

const PLAYERS: u64 = 8;
const MATCHES: u64 = 3;

pub(super) const SHOW: Show = Show {
    register: |builder| {
        let builder = builder.entity::<Lobby>().entity::<Player>().entity::<Game>();
        builder.orchestration(worker).activity(referee)
    },
    play: |client| Box::pin(play(client)),
};

async fn play(client: Client) -> Outcome {
    client.entity::<Lobby>(Lobby::KEY).invite(PLAYERS, MATCHES).await?;
    let job = Job { played: 0, play: Duration::from_millis(10), locks: true };
    let hire = async |number: u64| {
        let start = client.start(worker, job).id(format!("worker-{number}"));
        start.reuse(Reuse::Return).await?.result().await?
    };
    let played = try_join_all((1..=2).map(hire)).await?;
    let records = Records::read_back(&client).await?;
    let played: u64 = played.into_iter().sum();
    Ok(json!({ "played": played, "games": records.games.len(), "faults": records.faults() }))
}

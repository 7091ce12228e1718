//! `device_cache`: few devices and visitors. How often one was read differs with each crash; what it says does not.

#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/device_cache/devices.rs"]
mod devices;

use super::{Outcome, Show};
use devices::{Device, Visitor, reading_of};
use futures::{TryStreamExt, future::try_join_all};
use sarsen_protocol::CallError;
use sarsen_runtime::Client;
use serde_json::json;

const DEVICES: u64 = 6;

pub(super) const SHOW: Show = Show {
    register: |builder| builder.entity::<Device>().entity::<Visitor>(),
    play: |client| Box::pin(play(client)),
};

async fn play(client: Client) -> Outcome {
    let read = async |number: u64| -> Result<Option<f64>, CallError> {
        let device = client.entity::<Device>(Device::key(number));
        let reports = device.reports().await?;
        let told = device.refresh().await?.expect("it is in reach");
        assert_eq!(told.to_bits(), reading_of(&Device::key(number)).to_bits());
        assert_eq!(device.reports().await?, reports + 1, "what was read before the crash is counted before");
        device.reading().await
    };
    let visited = client.entity::<Visitor>(Visitor::key(0)).refresh().await??;
    let readings = try_join_all((0..DEVICES).map(read)).await?;
    let states = client.entities::<Device>().with_state().map_ok(|it| it.state);
    let states: Vec<Device> = states.try_collect().await?;
    let read = states.iter().filter(|device| device.reports >= 1 && device.reading.is_some()).count();
    Ok(json!({ "readings": readings, "read": read, "visited": visited }))
}

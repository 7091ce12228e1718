mod runs;

use crate::{Crash, Odds, Random, Situation, VirtualHost};
use sarsen_entities::{Entity, EntityContext, EntityType, Operations, Port, Reference, Returns};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Counts, and tells another tally that it did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Tally {
    count: u64,
}

impl Tally {
    fn add(&mut self, cx: &mut EntityContext<'_>, amount: u64) -> u64 {
        self.count += amount;
        if cx.key() != "total" {
            cx.entity::<Self>("total").add(amount).signal();
        }
        self.count
    }
}

impl EntityType for Tally {
    const NAME: &'static str = "tally";
    type Ref<P: Port> = TallyRef<P>;

    fn refer<P: Port>(port: P) -> TallyRef<P> {
        TallyRef { port }
    }
}

impl Entity for Tally {
    fn initial(_key: &str) -> Self {
        Self::default()
    }

    fn operations() -> Operations<Self> {
        Operations::new()
            .update("add", Returns::value(), |tally: &mut Self, cx, amount| tally.add(cx, amount))
            .update("put", Returns::value(), |tally: &mut Self, _cx, amount: u64| {
                tally.count = tally.count.wrapping_add(amount);
                tally.count
            })
            .update("take", Returns::value(), |tally: &mut Self, _cx, amount: u64| {
                tally.count = tally.count.wrapping_sub(amount);
                tally.count
            })
            .read("count", Returns::value(), |tally: &Self, _cx, ()| tally.count)
    }
}

#[derive(Debug)]
struct TallyRef<P> {
    port: P,
}

impl<P: Port> TallyRef<P> {
    fn add(&self, amount: u64) -> P::Request<u64> {
        self.port.request("add", &amount, Returns::value())
    }

    fn put(&self, amount: u64) -> P::Request<u64> {
        self.port.request("put", &amount, Returns::value())
    }

    fn take(&self, amount: u64) -> P::Request<u64> {
        self.port.request("take", &amount, Returns::value())
    }

    fn count(&self) -> P::Request<u64> {
        self.port.request("count", &(), Returns::value())
    }
}

impl<P: Port> Reference for TallyRef<P> {
    type Port = P;
    type Over<Q: Port> = TallyRef<Q>;

    fn port(&self) -> &P {
        &self.port
    }

    fn over<Q: Port>(port: Q) -> TallyRef<Q> {
        TallyRef { port }
    }
}

#[test]
fn what_was_acknowledged_survives_a_crash_at_any_moment() {
    for seed in 0..50 {
        let mut host = VirtualHost::builder().seed(seed).entity::<Tally>().open();
        let client = host.client();
        let add = async move {
            for _ in 0..3 {
                client.entity::<Tally>("a").add(1).signal().await.expect("nobody has crashed yet");
            }
        };
        host.run(add);
        let crash = host.random().pick(&[Crash::Kill, Crash::Power]);
        let more = host.random().below(10);
        host.act_times(more);
        host.crash(crash);
        let client = host.client();
        assert_eq!(host.run(client.entity::<Tally>("a").count().into_future()), Ok(3), "seed {seed}");
        host.settle();
        assert_eq!(host.run(client.entity::<Tally>("total").count().into_future()), Ok(3), "seed {seed}");
    }
}

#[test]
fn a_delayed_signal_waits_for_its_time() {
    let mut host = VirtualHost::builder().entity::<Tally>().open();
    let client = host.client();
    let later = client.entity::<Tally>("a").add(5).after(Duration::from_secs(60)).signal();
    host.run(later).expect("it is accepted");
    host.advance(Duration::from_secs(59));
    assert_eq!(host.run(client.entity::<Tally>("a").count().into_future()), Ok(0));
    host.advance(Duration::from_secs(1));
    assert_eq!(host.run(client.entity::<Tally>("a").count().into_future()), Ok(5));
}

#[test]
fn a_timeout_runs_by_virtual_time() {
    let mut host = VirtualHost::builder().entity::<Tally>().open();
    let client = host.client();
    let before = host.now();
    let call = client.entity::<Tally>("a").count().timeout(Duration::from_secs(10)).into_future();
    assert_eq!(host.run(call), Ok(0));
    assert!(host.now().since(before) < Duration::from_secs(10), "nobody waited");
}

/// A run with everything that may happen, as a trace.
fn stormy(seed: u64) -> (Vec<String>, u64) {
    let mut random = Random::new(seed);
    let odds = Odds::stormy(&mut random);
    let mut host = VirtualHost::builder().seed(seed).odds(odds).traced(true).entity::<Tally>().open();
    for step in 0..400 {
        if step % 10 == 0 {
            let client = host.client();
            host.spawn(async move {
                // Whatever it is told, it is told so in each run.
                let _ = client.entity::<Tally>(format!("{}", step % 3)).add(1).await;
            });
        }
        host.step();
    }
    (host.lines(), host.situations().of(Situation::Returned))
}

#[test]
fn a_seed_repeats_everything() {
    let returned: u64 = (0..20)
        .map(|seed| {
            let (lines, returned) = stormy(seed);
            assert_eq!((lines, returned), stormy(seed), "seed {seed}");
            returned
        })
        .sum();
    assert!(returned > 100, "{returned} calls were answered");
}

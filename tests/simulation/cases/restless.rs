//! Two entities that never come to rest.

use super::{address, id, ids, ledger, list};
use crate::ledger::{Deed, Ledger};
use sarsen_entities::{Entity, EntityContext, EntityType, Operations, Port, Reference, Returns};
use sarsen_testing::VirtualHost;
use serde::{Deserialize, Serialize};

/// Answers each signal of another by one of its own.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Restless {
    signals: u64,
}

impl Restless {
    fn poke(&mut self, cx: &mut EntityContext<'_>, by: &str) {
        self.signals += 1;
        cx.entity::<Self>(by).poke(cx.key()).signal();
    }
}

impl EntityType for Restless {
    const NAME: &'static str = "restless";
    type Ref<P: Port> = RestlessRef<P>;

    fn refer<P: Port>(port: P) -> RestlessRef<P> {
        RestlessRef { port }
    }
}

impl Entity for Restless {
    fn initial(_key: &str) -> Self {
        Self::default()
    }

    fn operations() -> Operations<Self> {
        Operations::new()
            .update("poke", Returns::value(), |restless: &mut Self, cx, by: String| restless.poke(cx, &by))
            .read("signals", Returns::value(), |restless: &Self, _cx, ()| restless.signals)
    }
}

struct RestlessRef<P> {
    port: P,
}

impl<P: Port> Reference for RestlessRef<P> {
    type Port = P;
    type Over<Q: Port> = RestlessRef<Q>;

    fn port(&self) -> &P {
        &self.port
    }

    fn over<Q: Port>(port: Q) -> RestlessRef<Q> {
        RestlessRef { port }
    }
}

impl<P: Port> RestlessRef<P> {
    fn poke(&self, by: &str) -> P::Request<()> {
        self.port.request("poke", by, Returns::value())
    }

    fn signals(&self) -> P::Request<u64> {
        self.port.request("signals", &(), Returns::value())
    }
}

#[test]
fn two_entities_that_signal_each_other_for_ever_do_not_stop_others_acknowledgements() {
    for shards in [1, 2] {
        let builder = VirtualHost::builder().entity::<Restless>().entity::<Ledger>();
        let mut host = builder.limits(|limits| limits.batch_turns_max = 50).open();
        host.odds().shards = vec![shards];
        host.restart();
        let client = host.client();
        let [near, far] = ["a", "b"].map(|key| client.entity::<Restless>(key));
        host.run(near.poke("b").signal()).expect("it is accepted");
        for number in 1..20 {
            let request = ledger(&client, "c").ask(Deed::Append, &(id(number), vec![]));
            host.run(request.signal()).expect("nobody is in the way");
        }
        assert_eq!(list(&mut host, "c"), ids(1..20));
        let before = host.run(far.signals().into_future()).expect("it is answered too");
        host.evict(&address("c"));
        list(&mut host, "c");
        let after = host.run(far.signals().into_future()).expect("it is answered too");
        assert!(before > 0 && after > before, "the two went on: {before}, then {after}");
    }
}

//! The entities of the desk.

use super::{operating::Nobody, play::play};
use sarsen_entities::{
    Entity, EntityContext, EntityType, OperationContext, OperationOptions, Operations, Port, Reference,
    Returns,
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "what is summed is the sum")]
pub(in crate::shard::tests) struct Sum {
    sum: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    noise: f64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    ballast: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(noise: &f64) -> bool {
    noise.abs() < f64::EPSILON
}

impl Sum {
    fn scatter(&mut self, cx: &EntityContext<'_>, amount: u64) {
        self.sum += 1;
        let to = (amount + self.sum) % 10;
        cx.entity::<Self>(format!("to{to}")).add(amount).signal();
    }
}

pub(in crate::shard::tests) struct SumRef<P>(P);

impl<P: Port> SumRef<P> {
    pub(super) fn add(&self, amount: u64) -> P::Request<u64> {
        self.0.request("add", &amount, Returns::value())
    }

    pub(super) fn log(&self, digit: u64) -> P::Request<u64> {
        self.0.request("log", &digit, Returns::value())
    }

    pub(super) fn sum(&self) -> P::Request<u64> {
        self.0.request("sum", &(), Returns::value())
    }

    pub(super) fn delete(&self) -> P::Request<()> {
        self.0.request("delete", &(), Returns::value())
    }

    pub(super) fn refuse(&self) -> P::Request<u64> {
        self.0.request("refuse", &(), Returns::value())
    }

    pub(super) fn slow(&self, digit: u64) -> P::Request<u64> {
        self.0.request("slow", &digit, Returns::value())
    }

    fn bounce(&self, to: &str) -> P::Request<()> {
        self.0.request("bounce", to, Returns::value())
    }
}

impl<P: Port> Reference for SumRef<P> {
    type Port = P;
    type Over<Q: Port> = SumRef<Q>;

    fn port(&self) -> &P {
        &self.0
    }

    fn over<Q: Port>(port: Q) -> SumRef<Q> {
        SumRef(port)
    }
}

impl EntityType for Sum {
    const NAME: &'static str = "sum";
    type Ref<P: Port> = SumRef<P>;

    fn refer<P: Port>(port: P) -> SumRef<P> {
        SumRef(port)
    }
}

impl Entity for Sum {
    fn initial(_key: &str) -> Self {
        Self::default()
    }

    fn operations() -> Operations<Self> {
        let refused: fn() -> Result<u64, String> = || Err("no".to_owned());
        Operations::new()
            .update("add", Returns::value(), |one: &mut Self, _cx, amount: u64| {
                one.sum += amount;
                one.sum
            })
            .read("sum", Returns::value(), |one: &Self, _cx, ()| one.sum)
            .update("spoil", Returns::value(), |one: &mut Self, _cx, ()| one.noise = f64::NAN)
            .update("refuse", Returns::fallible(), move |_one: &mut Self, _cx, ()| refused())
            .update("scatter", Returns::value(), |one: &mut Self, cx, amount: u64| one.scatter(cx, amount))
            .update("scatter_to_x", Returns::value(), |_one: &mut Self, cx, ()| {
                cx.entity::<Self>("x").add(1).signal();
            })
            .update("bounce", Returns::value(), |_one: &mut Self, cx, to: String| {
                cx.entity::<Self>(to).bounce(cx.key()).signal();
            })
            .update("flood", Returns::value(), |_one: &mut Self, cx, count: u32| {
                (0..count).for_each(|_| cx.entity::<Self>("x").add(1).signal());
            })
            .update("stray", Returns::value(), |_one: &mut Self, cx, ()| {
                cx.entity::<Stranger>("s").add(1).signal();
                cx.entity::<Stranger>("s").add(1).after(Duration::from_secs(1)).signal();
            })
            .update("stray_unplan", Returns::value(), |_one: &mut Self, cx, ()| {
                cx.cancel_scheduled(&cx.entity::<Stranger>("s"), "flush");
            })
            .update("grow", Returns::value(), |one: &mut Self, _cx, bytes: usize| {
                one.ballast = "x".repeat(bytes);
            })
            .update("log", Returns::value(), |one: &mut Self, _cx, digit: u64| {
                one.sum = one.sum * 10 + digit;
                one.sum
            })
            .update("tell", Returns::value(), |_one: &mut Self, cx, (to, digit): (String, u64)| {
                cx.entity::<Self>(to).log(digit).signal();
            })
            .update("later", Returns::value(), |_one: &mut Self, cx, amount: u64| {
                cx.entity::<Self>("z").add(amount).after(Duration::from_millis(1)).signal();
            })
            .update("plan", Returns::value(), |_one: &mut Self, cx, (to, digit, ms): (String, u64, u64)| {
                let request = cx.entity::<Self>(to).log(digit).after(Duration::from_millis(ms));
                request.scheduled_as("flush").signal();
            })
            .update("remind", Returns::value(), |_one: &mut Self, cx, (to, digit, ms): (String, u64, u64)| {
                let request = cx.entity::<Self>(to).add(digit).every(Duration::from_millis(ms));
                request.scheduled_as("flush").signal();
            })
            .update("unplan", Returns::value(), |_one: &mut Self, cx, to: String| {
                cx.cancel_scheduled(&cx.entity::<Self>(to), "flush");
            })
            .update("plan_and_fail", Returns::fallible(), move |_one: &mut Self, cx, ()| {
                cx.entity::<Self>(cx.key()).log(1).scheduled_as("flush").signal();
                cx.cancel_scheduled(&cx.entity::<Self>(cx.key()), "other");
                refused()
            })
            .update("leave_and_plan", Returns::value(), |_one: &mut Self, cx, digit: u64| {
                let request = cx.entity::<Self>(cx.key()).log(digit).after(Duration::from_secs(1));
                request.scheduled_as("return").signal();
                cx.delete();
            })
            .update("begin", Returns::value(), |_one: &mut Self, cx, (id, script): (String, String)| {
                cx.start(play, script).id(id).detach();
            })
            .slow()
    }
}

/// What runs off the shard.
trait Slow {
    fn slow(self) -> Self;
}

impl Slow for Operations<Sum> {
    fn slow(self) -> Self {
        type Cx = OperationContext<Nobody>;
        let (free, timed) =
            (OperationOptions::new(), OperationOptions::new().timeout(Duration::from_secs(10)));
        let log = |mut one: Sum, _cx: Cx, digit: u64| async move {
            one.sum = one.sum * 10 + digit;
            let sum = one.sum;
            (one, sum)
        };
        self.update_async("slow", free, Returns::value(), log)
            .update_async("timed", timed, Returns::value(), log)
            .read_async("peek", free, Returns::value(), |one: Arc<Sum>, _cx: Cx, ()| async move { one.sum })
            .read_async("peek_and_delete", free, Returns::value(), |_one: Arc<Sum>, cx: Cx, ()| async move {
                cx.delete();
            })
            .update_async("slow_refuse", free, Returns::fallible(), |mut one: Sum, cx: Cx, ()| async move {
                one.sum += 1;
                cx.entity::<Sum>("told").add(1).signal();
                (one, Err::<u64, String>("no".to_owned()))
            })
            .update_async("slow_panic", free, Returns::value(), |one: Sum, _cx: Cx, fail: bool| async move {
                assert!(!fail, "as it was asked to");
                (one, ())
            })
            .update_async("slow_spoil", free, Returns::value(), |mut one: Sum, _cx: Cx, ()| async move {
                one.noise = f64::NAN;
                (one, ())
            })
            .update_async("slow_tell", free, Returns::value(), |one: Sum, cx: Cx, to: String| async move {
                cx.entity::<Sum>(to).add(1).signal();
                (one, ())
            })
            .update_async("slow_plan", free, Returns::value(), |one: Sum, cx: Cx, digit: u64| async move {
                cx.entity::<Sum>(cx.key()).log(digit).scheduled_as("flush").signal();
                cx.cancel_scheduled(&cx.entity::<Sum>(cx.key()), "other");
                (one, ())
            })
            .update_async("slow_delete", free, Returns::value(), |one: Sum, cx: Cx, ()| async move {
                cx.delete();
                (one, ())
            })
            .update_blocking("grind", free, Returns::value(), |one: &mut Sum, _cx: Cx, digit: u64| {
                one.sum = one.sum * 10 + digit;
            })
            .read_blocking("weigh", free, Returns::value(), |one: &Sum, _cx: Cx, ()| one.ballast.len())
    }
}

/// A type that is not registered.
#[derive(Clone, Serialize, Deserialize)]
struct Stranger;

impl EntityType for Stranger {
    const NAME: &'static str = "stranger";
    type Ref<P: Port> = SumRef<P>;

    fn refer<P: Port>(port: P) -> SumRef<P> {
        SumRef(port)
    }
}

impl Entity for Stranger {
    fn initial(_key: &str) -> Self {
        Self
    }

    fn operations() -> Operations<Self> {
        Operations::new()
    }
}

//! How a host is made.

use super::{VirtualHost, env::Env, sight::Sight};
use crate::{
    Observer, Odds, Random, Situations, Unobserved, World, clock::Clock, executor::Executor, trace::Trace,
};
use sarsen_engine::{Limits, OrchestrationOptions, Registry};
use sarsen_entities::{Behaviour, Entity, EntityOptions, Typed};
use sarsen_orchestration::{self as orchestration, Activity, ActivityCode, Orchestration, Orchestrator};
use sarsen_runtime::{
    ActivityContext,
    gate::{ANY_ACTIVITY, ActivityHandler, activity_handler},
};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// What a [`VirtualHost`] is made with.
pub struct Builder<W: World> {
    world: W,
    seed: u64,
    odds: Odds,
    limits: Limits,
    registry: Registry,
    activities: BTreeMap<&'static str, Arc<dyn ActivityHandler>>,
    observer: Box<dyn Observer<W::Store>>,
    traced: bool,
}

impl<W: World> Builder<W> {
    /// A host in `world`.
    pub fn new(world: W) -> Self {
        let mut limits = Limits::default();
        limits.verify = true;
        Self {
            world,
            seed: 0,
            odds: Odds::calm(),
            limits,
            registry: Registry::new(),
            activities: BTreeMap::new(),
            observer: Box::new(Unobserved),
            traced: false,
        }
    }

    /// The seed of every choice; 0 by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How often the host does what; [`Odds::calm`] by default.
    pub fn odds(mut self, odds: Odds) -> Self {
        self.odds = odds;
        self
    }

    /// Changes limits.
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Adds an entity type.
    ///
    /// # Panics
    /// If its name is taken.
    pub fn entity<E: Entity>(self) -> Self {
        self.behaviour(Arc::new(Typed::<E>::new().unwrap_or_else(|error| panic!("{error}"))))
    }

    /// As [`entity`](Self::entity), with other options than the type's own, which `choose` is given.
    ///
    /// # Panics
    /// If its name is taken, or if an option lets its entities do nothing.
    pub fn entity_with<E: Entity>(mut self, choose: impl FnOnce(EntityOptions) -> EntityOptions) -> Self {
        let (typed, options) = (Typed::<E>::new(), choose(E::options()));
        let typed = typed.and_then(|typed| options.check(E::NAME).map(|()| typed));
        let typed = typed.unwrap_or_else(|error| panic!("{error}"));
        let registered = self.registry.insert_with(Arc::new(typed), options);
        registered.unwrap_or_else(|error| panic!("{error}"));
        self
    }

    /// Adds an entity type without its type.
    ///
    /// # Panics
    /// If its name is taken.
    pub fn behaviour(mut self, behaviour: Arc<dyn Behaviour>) -> Self {
        self.registry.insert(behaviour).unwrap_or_else(|error| panic!("{error}"));
        self
    }

    /// Adds an orchestration, named by its function.
    ///
    /// # Panics
    /// If its name is taken or none.
    pub fn orchestration<O: Orchestration>(self, orchestration: fn() -> O) -> Self {
        self.orchestration_with(orchestration, |options| options)
    }

    /// As [`orchestration`](Self::orchestration), with options.
    ///
    /// # Panics
    /// If its name is taken or none, or if none of its runs could ever begin.
    pub fn orchestration_with<O: Orchestration>(
        mut self,
        _orchestration: fn() -> O,
        choose: impl FnOnce(OrchestrationOptions) -> OrchestrationOptions,
    ) -> Self {
        let typed = orchestration::Typed::<O>::new().unwrap_or_else(|error| panic!("{error}"));
        let options = choose(OrchestrationOptions::default());
        assert!(!options.is_idle(), "no run of orchestration `{}` could ever begin", O::NAME);
        let registered = self.registry.insert_orchestration_with(Arc::new(typed), options);
        registered.unwrap_or_else(|error| panic!("{error}"));
        self
    }

    /// Adds an orchestration without its type.
    ///
    /// # Panics
    /// If its name is taken.
    pub fn orchestrator(mut self, orchestrator: Arc<dyn Orchestrator>) -> Self {
        self.registry.insert_orchestration(orchestrator).unwrap_or_else(|error| panic!("{error}"));
        self
    }

    /// Adds an activity, named by its function. Its futures are polled by the host, where the seed chooses.
    ///
    /// # Panics
    /// If its name is taken or none.
    pub fn activity<A>(self, _activity: fn() -> A) -> Self
    where
        A: Activity + ActivityCode<ActivityContext>,
    {
        self.handler(activity_handler::<A>().unwrap_or_else(|error| panic!("{error}")))
    }

    /// Adds an activity without its type.
    ///
    /// # Panics
    /// If its name is taken.
    pub fn handler(mut self, handler: Arc<dyn ActivityHandler>) -> Self {
        let name = handler.name();
        let inserted = match name {
            ANY_ACTIVITY => self.registry.insert_any_activity(),
            name => self.registry.insert_activity(name),
        };
        inserted.unwrap_or_else(|error| panic!("{error}"));
        self.activities.insert(name, handler);
        self
    }

    /// Who watches.
    pub fn observer(mut self, observer: impl Observer<W::Store> + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Keeps a trace from the beginning.
    pub fn traced(mut self, traced: bool) -> Self {
        self.traced = traced;
        self
    }

    /// Opens the host.
    pub fn open(self) -> VirtualHost<W> {
        let mut trace = Trace::default();
        if self.traced {
            trace.begin();
        }
        let mut host = VirtualHost {
            world: self.world,
            process: None,
            executor: Executor::default(),
            env: Env {
                random: Random::new(self.seed),
                odds: self.odds,
                limits: Arc::new(self.limits),
                registry: Arc::new(self.registry),
                activities: self.activities,
                outdated: Vec::new(),
                outdated_outcomes: Vec::new(),
                sight: Sight::default(),
                situations: Situations::new(),
                trace,
                observer: self.observer,
                fault: None,
                clock: Clock::new(),
                shards: None,
                known: Vec::new(),
                calm: false,
            },
            restarts: 0,
            actions: Vec::new(),
        };
        host.reopen();
        host
    }
}

impl<W: World> fmt::Debug for Builder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("seed", &self.seed).field("odds", &self.odds).finish_non_exhaustive()
    }
}

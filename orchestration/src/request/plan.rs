//! How often what is asked for is tried, and for how long.

/// The methods that plan the attempts of an activity.
macro_rules! planned {
    ("activity") => {
        /// Tries again what failed. The attempts follow one another whether or not this is awaited meanwhile.
        pub fn retry(mut self, policy: $crate::RetryPolicy) -> Self {
            self.order.plan.policy = Some(policy);
            self
        }

        /// Tries again only behind failures of which this says so. Of no effect without [`retry`](Self::retry) or
        /// [`retry_with`](Self::retry_with). As all code of an orchestration it must come to the same in every replay; if it
        /// panics, the execution fails.
        pub fn retry_if(mut self, mends: impl Fn(&sarsen_protocol::Failure) -> bool + 'static) -> Self {
            self.order.plan.filter = Some(std::rc::Rc::new(mends));
            self
        }

        /// Lets code say behind each failure whether and when it is tried again. What [`retry`](Self::retry) says of attempts
        /// and of time in total bounds it. It must come to the same in every replay; if it panics, the execution fails.
        pub fn retry_with(
            mut self,
            decide: impl Fn(&$crate::Attempted<'_>) -> $crate::Again + 'static,
        ) -> Self {
            self.order.plan.handler = Some(std::rc::Rc::new(decide));
            self
        }

        /// Gives each attempt so much time. One that has not ended then has failed, with a failure of kind
        /// [`TimedOut`](sarsen_protocol::FailureKind::TimedOut): its code is told so, and its result is dropped. The time
        /// counts from when the attempt is asked for, however long it waits for its turn.
        pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.order.plan.timeout = Some(timeout);
            self
        }

        /// Gives all attempts and the waits between them so much time: at its end the attempt that is under way has failed as
        /// by [`timeout`](Self::timeout), and none that would begin behind it is made.
        pub fn total_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.order.plan.total_timeout = Some(timeout);
            self
        }
    };
}

pub(super) use planned;

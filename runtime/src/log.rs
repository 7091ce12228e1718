//! Logging from the code of orchestrations, once and not again in every replay.

/// Logs from the code of an orchestration, as the macros of `tracing` do, but not when the code is only brought back to
/// where it was: `log!(cx, info, "..")`.
///
/// The context goes first, then the level (`error`, `warn`, `info`, `debug` or `trace`), then what those macros take.
/// The run's id is added as the field `run`. What the code does is logged when it does it, a moment before it is on
/// disk: after a crash in that moment it is done, and logged, again.
///
/// ```
/// # use sarsen_runtime::Context;
/// # async fn transfer(cx: Context, amount: u64) {
/// sarsen_runtime::log!(cx, info, "the transfer begins");
/// sarsen_runtime::log!(cx, warn, amount, "a large transfer of {} cents", amount * 100);
/// # }
/// ```
///
/// What else is only for the moment, such as a metric, stands behind [`Context::is_replaying`](crate::Context) in the
/// same way.
#[macro_export]
macro_rules! log {
    ($cx:expr, error, $($what:tt)+) => { $crate::__log!($cx, ERROR, $($what)+) };
    ($cx:expr, warn, $($what:tt)+) => { $crate::__log!($cx, WARN, $($what)+) };
    ($cx:expr, info, $($what:tt)+) => { $crate::__log!($cx, INFO, $($what)+) };
    ($cx:expr, debug, $($what:tt)+) => { $crate::__log!($cx, DEBUG, $($what)+) };
    ($cx:expr, trace, $($what:tt)+) => { $crate::__log!($cx, TRACE, $($what)+) };
}

/// The one form behind [`log!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log {
    ($cx:expr, $level:ident, $($what:tt)+) => {{
        let cx: &$crate::Context = &$cx;
        if !cx.is_replaying() {
            $crate::__private::tracing::event!(
                $crate::__private::tracing::Level::$level,
                run = %cx.run_id(),
                $($what)+
            );
        }
    }};
}

//! Logs: JSON lines on the standard error, from `tracing` and from libraries that use `log`.
//!
//! Never in a log: an identifier of a person, a token, a secret, an answer. What is logged of a call is its record. Of a panic
//! it is where, and only such words as stand in the program: what is formatted into its message, such as the text that
//! was cut within a character, may be what somebody asked.

#[cfg(test)]
mod tests;

use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::LogFormat;

/// Starts logging, panics included. A second start, in tests, changes nothing.
pub(crate) fn start(level: tracing::Level, format: LogFormat) {
    start_with(&filter(level), format);
}

/// The same without what the demo shows better itself: the disk that it fills.
pub(crate) fn start_for_demo(level: tracing::Level, format: LogFormat) {
    start_with(&format!("{},shuzha_journal::queue=off", filter(level)), format);
}

/// What is logged at a level. Libraries say nothing below it, and at most warn: what they say at info is of no use to an
/// operator here. The load balancer names instances by address alone; the health of product services is logged by name.
fn filter(level: tracing::Level) -> String {
    let libraries = level.min(tracing::Level::WARN);
    format!("{level},pingora_core={libraries},pingora_load_balancing=off,refinery_core={libraries}")
}

fn start_with(filter: &str, format: LogFormat) {
    let filter = EnvFilter::new(filter);
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.try_init(),
    };
    std::panic::set_hook(Box::new(tell_panic));
}

/// Tells of a panic what is nobody's secret.
fn tell_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let what = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(place, what, thread = thread.name().unwrap_or_default(), "a bug: a thread has panicked");
}

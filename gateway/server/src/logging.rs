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
    // What these say at info is of no use to an operator here.
    const QUIET: &str = "pingora_core=warn,pingora_load_balancing=warn,refinery_core=warn";
    let filter = EnvFilter::new(format!("{level},{QUIET}"));
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

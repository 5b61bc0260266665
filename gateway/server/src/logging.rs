//! Logs: JSON lines on the standard error, from `tracing` and from libraries that use `log`.
//!
//! Never in a log: an identifier of a person, a token, a secret, an answer. What is logged of a call is its record.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::LogFormat;

/// Starts logging. A second start, in tests, changes nothing.
pub(crate) fn start(level: tracing::Level, format: LogFormat) {
    // What these say at info is of no use to an operator here.
    const QUIET: &str = "pingora_core=warn,pingora_load_balancing=warn,refinery_core=warn";
    let filter = EnvFilter::new(format!("{level},{QUIET}"));
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.try_init(),
    };
}

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
pub fn start(level: tracing::Level, format: LogFormat) {
    start_with(&filter(level), format);
}

/// The same without what the demo shows better itself: the disk that it fills.
pub fn start_for_demo(level: tracing::Level, format: LogFormat) {
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
    let place = panic.location().map(|at| format!("{}:{}:{}", source(at.file()), at.line(), at.column()));
    let place = place.unwrap_or_default();
    let what = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(place, what, thread = thread.name().unwrap_or_default(), "a bug: a thread has panicked");
}

/// A source file without the folders of the machine on which it was built: those of other packages begin with the package, the
/// standard library's with `library`, and this program's stand below its own folder already.
fn source(file: &str) -> &str {
    let after = |mark: &str| file.find(mark).map(|at| &file[at + mark.len()..]);
    // Behind each of these stands one name more: the registry's, the repository's with its commit, the compiler's commit.
    let below = |mark: &str, names: usize| {
        let rest = after(mark)?;
        rest.match_indices('/').nth(names - 1).map(|(at, _)| &rest[at + 1..])
    };
    if let Some(named) =
        below("/registry/src/", 1).or_else(|| below("/git/checkouts/", 2)).or_else(|| below("/rustc/", 1))
    {
        return named;
    }
    if let Some(library) = after("/rustlib/src/rust/") {
        return library;
    }
    let is_relative = !file.starts_with('/') && !file.contains(':');
    if is_relative { file } else { file.rsplit(['/', '\\']).next().unwrap_or_default() }
}

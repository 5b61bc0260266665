//! The load generator: many keep-alive connections on one thread, each with at most one request in flight.
//!
//! Closed loop asks how much a system can do: a connection sends again as soon as it is answered. Open loop asks how
//! long users wait: requests are due at fixed times whether or not the system keeps up, and latency counts from the
//! time a request was due, so that a stall is felt by everyone who would have come meanwhile.

mod generator;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;

use crate::clock::now;
use crate::sign::Call;
use generator::{Generator, Schedule};

/// How requests follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Each connection sends when it is answered.
    Closed,
    /// So many requests are due per second, evenly.
    Open {
        /// Requests per second.
        rate: u32,
    },
}

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Whom to ask.
    pub(crate) address: SocketAddr,
    /// Keep-alive connections.
    pub(crate) connections: usize,
    /// Asked but not counted, so that pools and caches are warm.
    pub(crate) warm_up: Duration,
    /// Asked and counted.
    pub(crate) measure: Duration,
    /// How requests follow each other.
    pub(crate) pace: Pace,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Tally<U> {
    /// Answers with status 200 that came within the measured time.
    pub(crate) answered: u64,
    /// All answers with status 200, warm-up and drain included: what a journal must hold.
    pub(crate) answered_in_all: u64,
    /// Answers with another status, warm-up and drain included.
    pub(crate) refused: BTreeMap<u16, u64>,
    /// Requests whose connection closed without an answer.
    pub(crate) broken: u64,
    /// Length of the measured time.
    pub(crate) elapsed: Duration,
    /// Latency of `answered`, in microseconds.
    pub(crate) latency: Histogram<u64>,
    /// What the meter showed at the start and the end of the measured time.
    pub(crate) meter: (U, U),
}

/// Runs `plan`; `meter` is read when the measured time starts and when it ends.
///
/// # Errors
/// When a connection cannot be made, an answer is not understood, or answers stay out.
pub(crate) fn drive<U>(plan: &Plan, call: &Call, mut meter: impl FnMut() -> Result<U>) -> Result<Tally<U>> {
    let mut generator = Generator::new(plan, call)?;
    let start = now();
    let measure_from = start + plan.warm_up;
    let measure_to = measure_from + plan.measure;
    generator.schedule = Schedule::new(plan.pace, start);
    generator.until(measure_from)?;
    let first = meter()?;
    let began = now();
    generator.measuring = true;
    generator.until(measure_to)?;
    generator.measuring = false;
    let elapsed = began.elapsed();
    let last = meter()?;
    generator.drain()?;
    Ok(Tally {
        answered: generator.latency.len(),
        answered_in_all: generator.answered_in_all,
        refused: generator.refused,
        broken: generator.broken,
        elapsed,
        latency: generator.latency,
        meter: (first, last),
    })
}

#[cfg(test)]
mod tests;

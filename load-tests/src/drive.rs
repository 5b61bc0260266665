//! The load generator: many keep-alive connections on one thread, each with at most one request in flight.
//!
//! Closed loop asks how much a system can do: a connection sends again as soon as it is answered. Open loop asks how
//! long users wait: requests are due at fixed times whether or not the system keeps up, and latency counts from the
//! time a request was due, so that a stall is felt by everyone who would have come meanwhile.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;

use crate::clock::{micros, now, unix_seconds};
use crate::poll::Poll;
use crate::sign::{Call, Signer};
use crate::upstream::read_some;
use crate::wire;

/// Longest latency that a histogram tells apart, in microseconds.
const LATENCY_MICROS_MAX: u64 = 60_000_000;

/// How long answers may still come after the last request.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Below this, waiting in the kernel is too coarse and the thread yields instead.
const COARSE: Duration = Duration::from_millis(1);

/// Longest wait in the kernel when nothing is due.
const PATIENCE: Duration = Duration::from_millis(20);

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

/// When requests are due.
enum Schedule {
    Closed,
    Open { start: Instant, gap: Duration, sent: u32 },
}

impl Schedule {
    fn new(pace: Pace, start: Instant) -> Self {
        match pace {
            Pace::Closed => Self::Closed,
            Pace::Open { rate } => Self::Open { start, gap: Duration::from_secs(1) / rate.max(1), sent: 0 },
        }
    }

    /// When the next request is due; now, in a closed loop.
    fn due(&self, at: Instant) -> Instant {
        match self {
            Self::Closed => at,
            Self::Open { start, gap, sent } => *start + *gap * *sent,
        }
    }

    fn took_one(&mut self) {
        if let Self::Open { sent, .. } = self {
            *sent += 1;
        }
    }
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    /// When the request in flight was due.
    due: Option<Instant>,
}

struct Generator {
    address: SocketAddr,
    poll: Poll,
    connections: Vec<Connection>,
    /// Connections without a request in flight, longest idle first.
    idle: VecDeque<usize>,
    signer: Signer,
    schedule: Schedule,
    request: Vec<u8>,
    ready: Vec<usize>,
    measuring: bool,
    latency: Histogram<u64>,
    answered_in_all: u64,
    refused: BTreeMap<u16, u64>,
    broken: u64,
}

impl Generator {
    fn new(plan: &Plan, call: &Call) -> Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(plan.connections);
        for token in 0..plan.connections {
            connections.push(connect(plan.address, &poll, token)?);
        }
        Ok(Self {
            address: plan.address,
            poll,
            idle: (0..connections.len()).collect(),
            connections,
            signer: Signer::new(call, &plan.address.to_string()),
            schedule: Schedule::Closed,
            request: Vec::with_capacity(2048),
            ready: Vec::new(),
            measuring: false,
            latency: Histogram::new_with_bounds(1, LATENCY_MICROS_MAX, 3).context("histogram bounds")?,
            answered_in_all: 0,
            refused: BTreeMap::new(),
            broken: 0,
        })
    }

    /// Sends what is due and takes answers until `end`.
    fn until(&mut self, end: Instant) -> Result<()> {
        loop {
            let at = now();
            if at >= end {
                return Ok(());
            }
            self.send_due(at)?;
            // With every connection busy there is nothing to send before an answer comes.
            let next = if self.idle.is_empty() { end } else { self.schedule.due(end).min(end) };
            self.take_answers(next.saturating_duration_since(now()))?;
        }
    }

    fn send_due(&mut self, at: Instant) -> Result<()> {
        let seconds = unix_seconds();
        while !self.idle.is_empty() {
            let due = self.schedule.due(at);
            if due > at {
                break;
            }
            let token = self.idle.pop_front().expect("checked not to be empty");
            self.signer.request(seconds, &mut self.request);
            let connection = &mut self.connections[token];
            connection.stream.write_all(&self.request).context("a socket did not take one small request")?;
            connection.due = Some(due);
            self.schedule.took_one();
        }
        Ok(())
    }

    fn take_answers(&mut self, patience: Duration) -> Result<()> {
        let fine = patience < COARSE;
        let mut ready = std::mem::take(&mut self.ready);
        self.poll.wait(if fine { Duration::ZERO } else { patience.min(PATIENCE) }, &mut ready)?;
        if fine && ready.is_empty() {
            thread::yield_now();
        }
        let at = now();
        for &token in &ready {
            self.read(token, at)?;
        }
        self.ready = ready;
        Ok(())
    }

    fn read(&mut self, token: usize, at: Instant) -> Result<()> {
        let connection = &mut self.connections[token];
        let open = read_some(&mut connection.stream, &mut connection.received).unwrap_or(false);
        let answer = wire::message(&connection.received)?;
        let mut renew = !open;
        if let Some(answer) = answer {
            let Some(due) = connection.due.take() else { bail!("an answer without a request") };
            let status = wire::status(&connection.received)?;
            if answer.len != connection.received.len() {
                bail!("more bytes than one answer");
            }
            connection.received.clear();
            self.idle.push_back(token);
            self.count(status, at.saturating_duration_since(due));
            renew |= answer.last;
        }
        if renew {
            let unanswered = self.connections[token].due.is_some();
            self.broken += u64::from(unanswered);
            if unanswered {
                self.idle.push_back(token);
            }
            self.connections[token] = connect(self.address, &self.poll, token)?;
        }
        Ok(())
    }

    fn count(&mut self, status: u16, latency: Duration) {
        if status != 200 {
            *self.refused.entry(status).or_default() += 1;
            return;
        }
        self.answered_in_all += 1;
        if self.measuring {
            self.latency.saturating_record(micros(latency));
        }
    }

    /// Waits for the answers still owed.
    fn drain(&mut self) -> Result<()> {
        let end = now() + DRAIN_MAX;
        while self.idle.len() < self.connections.len() {
            if now() > end {
                bail!("{} answers stayed out", self.connections.len() - self.idle.len());
            }
            self.take_answers(PATIENCE)?;
        }
        Ok(())
    }
}

fn connect(address: SocketAddr, poll: &Poll, token: usize) -> Result<Connection> {
    let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    poll.add(&stream, token)?;
    Ok(Connection { stream, received: Vec::with_capacity(4096), due: None })
}

#[cfg(test)]
mod tests;

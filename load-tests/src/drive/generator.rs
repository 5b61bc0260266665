//! The generator's loop: send what is due, take what has come, count it.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;

use super::{Pace, Plan};
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

/// When requests are due.
pub(super) enum Schedule {
    Closed,
    Open { start: Instant, gap: Duration, sent: u32 },
}

impl Schedule {
    pub(super) fn new(pace: Pace, start: Instant) -> Self {
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

/// Connections, what is in flight on them, and the count so far.
pub(super) struct Generator {
    address: SocketAddr,
    poll: Poll,
    connections: Vec<Connection>,
    /// Connections without a request in flight, longest idle first.
    idle: VecDeque<usize>,
    signer: Signer,
    pub(super) schedule: Schedule,
    request: Vec<u8>,
    ready: Vec<usize>,
    pub(super) measuring: bool,
    pub(super) latency: Histogram<u64>,
    pub(super) answered_in_all: u64,
    pub(super) refused: BTreeMap<u16, u64>,
    pub(super) broken: u64,
}

impl Generator {
    /// Connects.
    pub(super) fn new(plan: &Plan, call: &Call) -> Result<Self> {
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
    pub(super) fn until(&mut self, end: Instant) -> Result<()> {
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
    pub(super) fn drain(&mut self) -> Result<()> {
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

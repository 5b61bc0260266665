//! What is known of one open connection, shared by its guard, its driver and the requests on it.
//!
//! All fields are atomics written with relaxed ordering: on HTTP/1 one task uses them all, on HTTP/2 the worst a late
//! read does is to look once more. Times are milliseconds since the connection opened; 0 means never.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Poll, Waker};
use std::time::Duration;

use shuzha_core::Code;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::limits::Limits;
use crate::peers::Peer;

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1 and 1.0.
    H1,
    /// HTTP/2.
    H2,
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct Conn {
    /// Address that the connection comes from: the caller's, or a trusted proxy's that tells the caller's with each request.
    pub(crate) peer: IpAddr,
    /// What that address holds.
    pub(crate) account: Arc<Peer>,
    /// Whether it is a trusted proxy.
    pub(crate) trusted: bool,
    /// Bytes of bodies of requests on it.
    pub(crate) body_bytes: Arc<AtomicU64>,
    /// Whether it came over TLS.
    pub(crate) secure: bool,
    opened: Instant,
    /// Requests whose answer is not complete.
    serving: AtomicU32,
    /// Requests served so far.
    served: AtomicU32,
    /// When the last answer was complete.
    rested: AtomicU64,
    /// Since when a head has been arriving.
    head_since: AtomicU64,
    /// Since when the caller has taken no byte of what is being written.
    blocked_since: AtomicU64,
    /// The code of a refused head, as a number.
    refused: AtomicU16,
    /// A refusal the driver wants the guard to make.
    late: AtomicU16,
    /// Since when a drain has wanted the connection closed.
    retiring_since: AtomicU64,
    /// The connection is to be closed in order.
    closing: AtomicBool,
    /// The connection is to end at once if it carries no request.
    cut: AtomicBool,
    /// Told when a request has ended; set when the connection is counted in.
    room: OnceLock<Arc<Wanted>>,
    /// Owner: the driver, which renews it at each poll; woken by drains and by requests that want the connection closed.
    waker: Mutex<Option<Waker>>,
}

/// Room for a connection, where somebody waits for it.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    waiting: AtomicBool,
    idle: Notify,
}

impl Wanted {
    /// Somebody waits for room from now on, or nobody does.
    pub(crate) fn wait(&self, waiting: bool) {
        self.waiting.store(waiting, Relaxed);
    }

    /// Resolves when a connection has come to rest since it was last asked.
    pub(crate) async fn offered(&self) {
        self.idle.notified().await;
    }

    /// A connection carries no request any more.
    fn offer(&self) {
        if self.waiting.load(Relaxed) {
            self.idle.notify_one();
        }
    }
}

/// What the driver has to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing: look again after this time.
    Nothing(Duration),
    /// A head did not arrive in time.
    HeadLate,
    /// No request for too long.
    Idle,
    /// The caller takes nothing: drop the connection.
    Stalled,
}

impl Conn {
    /// A connection that has just opened.
    pub(crate) fn new(peer: IpAddr, secure: bool, trusted: bool, account: Arc<Peer>) -> Self {
        Self {
            peer,
            account,
            trusted,
            body_bytes: Arc::default(),
            secure,
            opened: Instant::now(),
            serving: AtomicU32::new(0),
            served: AtomicU32::new(0),
            rested: AtomicU64::new(0),
            head_since: AtomicU64::new(0),
            blocked_since: AtomicU64::new(0),
            refused: AtomicU16::new(0),
            late: AtomicU16::new(0),
            retiring_since: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            room: OnceLock::new(),
            waker: Mutex::new(None),
        }
    }

    /// Milliseconds since the connection opened, at least 1.
    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// Leaves the code of a refused head for the service.
    pub(crate) fn refuse(&self, code: Code) {
        self.refused.store(code.number(), Relaxed);
    }

    /// The code of the refused head.
    pub(crate) fn refused(&self) -> Option<Code> {
        Code::from_number(self.refused.load(Relaxed))
    }

    /// Asks the guard to refuse whatever head is arriving.
    pub(crate) fn make_late(&self, code: Code) {
        self.late.store(code.number(), Relaxed);
    }

    /// The refusal that [`Conn::make_late`] asked for.
    pub(crate) fn take_late(&self) -> Option<Code> {
        match self.late.load(Relaxed) {
            0 => None,
            _ => Code::from_number(self.late.swap(0, Relaxed)),
        }
    }

    /// Whether a head has begun to arrive and has not ended.
    pub(crate) fn head_pending(&self, pending: bool) {
        let since = self.head_since.load(Relaxed);
        if pending && since == 0 {
            self.head_since.store(self.now(), Relaxed);
        } else if !pending && since != 0 {
            self.head_since.store(0, Relaxed);
        }
    }

    /// Whether the caller's receive window is shut.
    pub(crate) fn write_blocked(&self, blocked: bool) {
        let since = self.blocked_since.load(Relaxed);
        if blocked && since == 0 {
            self.blocked_since.store(self.now(), Relaxed);
        } else if !blocked && since != 0 {
            self.blocked_since.store(0, Relaxed);
        }
    }

    /// Whether a request is being answered.
    pub(crate) fn is_serving(&self) -> bool {
        self.serving.load(Relaxed) > 0
    }

    /// Requests begun.
    pub(crate) fn served(&self) -> u32 {
        self.served.load(Relaxed)
    }

    /// Whether the caller takes nothing at this moment.
    pub(crate) fn is_write_blocked(&self) -> bool {
        self.blocked_since.load(Relaxed) != 0
    }

    /// Since when the connection carries no request; none while it does.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let rested = Duration::from_millis(self.rested.load(Relaxed));
        (!self.is_serving()).then(|| self.opened + rested)
    }

    /// Ends the connection at once, unless it carries a request by then.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Relaxed);
        self.close();
    }

    /// Whether the connection ends now, to make room.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Relaxed) && !self.is_serving()
    }

    /// Resolves when the connection ends to make room; for what comes before its driver.
    pub(crate) async fn cut_off(&self) {
        std::future::poll_fn(|cx| {
            self.watch(cx.waker());
            if self.is_cut() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Tells `room` from now on when a request has ended.
    pub(crate) fn tell(&self, room: &Arc<Wanted>) {
        self.room.get_or_init(|| Arc::clone(room));
    }

    /// Asks the driver to close the connection once what is in flight is answered.
    pub(crate) fn close(&self) {
        self.closing.store(true, Relaxed);
        self.wake();
    }

    /// Asks the driver to close the connection behind the next answer, or when it has been quiet for the time of a farewell.
    pub(crate) fn retire(&self) {
        self.retiring_since.store(self.now(), Relaxed);
        self.wake();
    }

    /// How much longer a quiet connection is left open; none while nobody wants it closed.
    pub(crate) fn farewell_left(&self, limits: &Limits) -> Option<Duration> {
        match self.retiring_since.load(Relaxed) {
            0 => None,
            _ if self.serving.load(Relaxed) > 0 => Some(Duration::ZERO),
            since => {
                let gone = Duration::from_millis(self.now().saturating_sub(since));
                Some(limits.farewell.saturating_sub(gone))
            }
        }
    }

    fn wake(&self) {
        let waker = self.waker.lock().expect("no code panics while it holds this lock").clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether the connection is to be closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Relaxed)
    }

    /// Keeps the driver's waker.
    pub(crate) fn watch(&self, waker: &Waker) {
        let mut kept = self.waker.lock().expect("no code panics while it holds this lock");
        if !kept.as_ref().is_some_and(|old| old.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
    }

    /// What has run out by now.
    pub(crate) fn due(&self, limits: &Limits) -> Due {
        let now = self.now();
        let millis = |limit: Duration| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).max(1);
        let since = |then: u64| now.saturating_sub(then);
        let tick = limits.head.min(limits.idle).min(limits.write_stall);
        let blocked = self.blocked_since.load(Relaxed);
        if blocked != 0 {
            let left = millis(limits.write_stall).saturating_sub(since(blocked));
            return if left == 0 {
                Due::Stalled
            } else {
                Due::Nothing(tick.min(Duration::from_millis(left)))
            };
        }
        if self.serving.load(Relaxed) > 0 {
            return Due::Nothing(tick);
        }
        let rested = self.rested.load(Relaxed);
        let head = self.head_since.load(Relaxed);
        let (limit, start, out) = if head == 0 {
            (limits.idle, rested, Due::Idle)
        } else {
            (limits.head, head.max(rested), Due::HeadLate)
        };
        let left = millis(limit).saturating_sub(since(start));
        if left == 0 { out } else { Due::Nothing(tick.min(Duration::from_millis(left))) }
    }

    /// Counts a request in; it counts itself out when the guard is dropped. The second value is true for the last
    /// request the connection may carry.
    pub(crate) fn begin(self: &std::sync::Arc<Self>, limits: &Limits) -> (Serving, bool) {
        self.serving.fetch_add(1, Relaxed);
        let served = self.served.fetch_add(1, Relaxed) + 1;
        let last = served >= limits.requests_per_connection_max || self.retiring_since.load(Relaxed) != 0;
        (Serving(std::sync::Arc::clone(self)), last)
    }
}

/// A request in flight.
#[derive(Debug)]
pub(crate) struct Serving(std::sync::Arc<Conn>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.rested.store(self.0.now(), Relaxed);
        let last = self.0.serving.fetch_sub(1, Relaxed) == 1;
        if last && let Some(room) = self.0.room.get() {
            room.offer();
        }
    }
}

//! Counts the frames of an HTTP/2 connection that carry nothing: PRIORITY, WINDOW_UPDATE, SETTINGS, PING, RST_STREAM and those of
//! unknown kinds. Each costs its reader as much as a frame that carries something, and no limit of the protocol holds them.
//!
//! hyper has no hook for them, so they are counted on the bytes: nine of each frame say its length and kind (RFC 9113 §4.1).

use tokio::time::Instant;

/// Bytes of a frame's head.
const HEAD_BYTES: usize = 9;
/// Bytes that start a connection, before its first frame.
const PREFACE_BYTES: usize = 24;
/// Frames without content that a request may come with, besides what the rate allows.
const FRAMES_PER_REQUEST: u32 = 16;
/// Bytes of answers for each of which a caller may send one frame: it opens its windows as it reads.
const BYTES_PER_FRAME: usize = 1_024;
/// Seconds' worth that may come at once.
const BURST_SECONDS: u32 = 2;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;

/// What hyper reads once there were too many: a header block that never ends, in frames that hold nothing of it. It is the one
/// thing to which h2 answers GOAWAY with ENHANCE_YOUR_CALM by itself, in order with whatever it is writing.
pub(super) const FLOOD: &[u8] = &flood();
const FLOOD_FRAMES: usize = 64;

const fn flood() -> [u8; FLOOD_FRAMES * HEAD_BYTES] {
    let mut bytes = [0; FLOOD_FRAMES * HEAD_BYTES];
    let mut frame = 0;
    while frame < FLOOD_FRAMES {
        let at = frame * HEAD_BYTES;
        bytes[at + 3] = if frame == 0 { HEADERS } else { CONTINUATION };
        // The highest stream that a caller can open: none of its own comes after it.
        (bytes[at + 5], bytes[at + 6], bytes[at + 7], bytes[at + 8]) = (0x7f, 0xff, 0xff, 0xff);
        frame += 1;
    }
    bytes
}

/// The frames of one connection.
#[derive(Debug)]
pub(crate) struct FrameMeter {
    head: [u8; HEAD_BYTES],
    /// Bytes of `head` that have come.
    filled: usize,
    /// Bytes still to come of the preface or of the present frame's payload.
    skip: usize,
    /// Frames without content that may come now.
    left: u32,
    per_second: u32,
    since: Instant,
    /// Bytes written that have not made up a frame yet.
    written: usize,
    /// One came too many: the connection ends with it.
    over: bool,
}

impl FrameMeter {
    /// A connection that begins `now`, on which `per_second` frames may carry nothing.
    pub(crate) fn new(per_second: u32, now: Instant) -> Self {
        Self {
            head: [0; HEAD_BYTES],
            filled: 0,
            skip: PREFACE_BYTES,
            left: per_second.saturating_mul(BURST_SECONDS),
            per_second,
            since: now,
            written: 0,
            over: false,
        }
    }

    /// Takes `bytes` that came `now` into account. Where one frame was too many, the place behind it: nothing after that is to be read.
    pub(super) fn scan(&mut self, bytes: &[u8], now: Instant) -> Option<usize> {
        let mut at = 0;
        loop {
            let skipped = self.skip.min(bytes.len() - at);
            self.skip -= skipped;
            at += skipped;
            if self.skip > 0 {
                return None;
            }
            if self.over {
                return Some(at);
            }
            if at == bytes.len() {
                return None;
            }
            let taken = (HEAD_BYTES - self.filled).min(bytes.len() - at);
            self.head[self.filled..self.filled + taken].copy_from_slice(&bytes[at..at + taken]);
            self.filled += taken;
            at += taken;
            if self.filled < HEAD_BYTES {
                return None;
            }
            self.filled = 0;
            self.frame(now);
        }
    }

    /// A frame's head is whole.
    fn frame(&mut self, now: Instant) {
        let [high, middle, low, kind, ..] = self.head;
        self.skip = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        match kind {
            HEADERS => self.allow(FRAMES_PER_REQUEST),
            CONTINUATION => {}
            DATA if self.skip > 0 => {}
            _ => self.spend(now),
        }
    }

    fn spend(&mut self, now: Instant) {
        if self.left == 0 {
            let passed = now.saturating_duration_since(self.since).as_millis();
            let passed = u64::try_from(passed).unwrap_or(u64::MAX);
            let earned = passed.saturating_mul(self.per_second.into()) / 1_000;
            let earned = u32::try_from(earned).unwrap_or(u32::MAX);
            if earned > 0 {
                self.since = now;
                self.allow(earned);
            }
        }
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => self.over = true,
        }
    }

    fn allow(&mut self, more: u32) {
        self.left =
            self.left.saturating_add(more).min(self.per_second.saturating_mul(BURST_SECONDS).max(more));
    }

    /// Bytes of answers went out.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.written += bytes;
        let frames = self.written / BYTES_PER_FRAME;
        if frames > 0 {
            self.written %= BYTES_PER_FRAME;
            self.allow(u32::try_from(frames).unwrap_or(u32::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).expect("short").to_be_bytes();
        let mut bytes = vec![length[1], length[2], length[3], kind, 0, 0, 0, 0, 1];
        bytes.resize(HEAD_BYTES + payload, 0xab);
        bytes
    }

    /// How many bytes pass when they come in pieces of `piece` bytes.
    fn passed(meter: &mut FrameMeter, bytes: &[u8], piece: usize, now: Instant) -> usize {
        let mut sum = 0;
        for piece in bytes.chunks(piece) {
            match meter.scan(piece, now) {
                Some(at) => return sum + at,
                None => sum += piece.len(),
            }
        }
        sum
    }

    #[test]
    fn frames_without_content_pass_at_their_rate_however_they_are_cut() {
        let now = Instant::now();
        for (kind, payload) in [(2, 5), (8, 4), (4, 0), (6, 8), (0, 0), (0x33, 100)] {
            for piece in [1, 7, 9, 64, 100_000] {
                let mut meter = FrameMeter::new(10, now);
                let mut bytes = vec![0; PREFACE_BYTES];
                (0..50).for_each(|_| bytes.extend(frame(kind, payload)));
                let expected = PREFACE_BYTES + 21 * (HEAD_BYTES + payload);
                let passed = passed(&mut meter, &bytes, piece, now);
                assert_eq!(passed, expected, "kind {kind}, pieces of {piece}");
            }
        }
    }

    #[test]
    fn requests_their_bodies_and_what_answers_need_are_no_flood() {
        let mut now = Instant::now();
        let mut meter = FrameMeter::new(10, now);
        assert_eq!(meter.scan(&[0; PREFACE_BYTES], now), None);
        for _ in 0..10_000 {
            let request = [frame(HEADERS, 40), frame(DATA, 300), frame(8, 4), frame(8, 4)].concat();
            assert_eq!(meter.scan(&request, now), None);
        }
        for _ in 0..10_000 {
            meter.wrote(4_096);
            assert_eq!(meter.scan(&[frame(8, 4), frame(8, 4)].concat(), now), None);
        }
        for _ in 0..100 {
            now += std::time::Duration::from_secs(1);
            (0..10).for_each(|_| assert_eq!(meter.scan(&frame(6, 8), now), None, "ten a second"));
        }
    }
}

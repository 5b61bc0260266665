//! Reading a request body whole, within bounds of size, time and memory.
//!
//! Memory is taken chunk by chunk of the shares of connection, address and node ([`Room`]) before a chunk is kept, and is held for
//! as long as the body is. A body that finds no room is refused and what was kept of it let go: nobody waits for room while
//! holding some.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;
use shuzha_core::Code;
use tokio::time::Sleep;

use crate::peers::{Held, Room};

/// A body that comes in pieces is kept in a buffer that grows by at least this much, and by no more than arrives otherwise: one
/// that doubled would take twice what was sent.
const STEP_BYTES: usize = 64 * 1024;

/// What has arrived of a body.
enum Arrived {
    /// One piece, as it came.
    Piece(Bytes),
    /// Several, put together.
    Joined(Vec<u8>),
}

impl Arrived {
    fn len(&self) -> usize {
        match self {
            Self::Piece(piece) => piece.len(),
            Self::Joined(joined) => joined.len(),
        }
    }

    /// Keeps `chunk`, for which `room` is taken first; at most `bytes_max` are expected.
    fn add(&mut self, chunk: Bytes, bytes_max: usize, room: &mut Room) -> Result<(), Code> {
        let joined = match self {
            Self::Piece(none) if none.is_empty() => {
                room.resize(chunk.len())?;
                *self = Self::Piece(chunk);
                return Ok(());
            }
            Self::Piece(first) => {
                let size = (first.len() + chunk.len()).max(STEP_BYTES.min(bytes_max));
                room.resize(size)?;
                let mut joined = Vec::with_capacity(size);
                joined.extend_from_slice(first);
                joined.extend_from_slice(&chunk);
                *self = Self::Joined(joined);
                return Ok(());
            }
            Self::Joined(joined) => joined,
        };
        let needed = joined.len() + chunk.len();
        if needed > joined.capacity() {
            let size = needed.max((joined.capacity() + STEP_BYTES).min(bytes_max));
            room.resize(size)?;
            joined.reserve_exact(size - joined.len());
        }
        joined.extend_from_slice(&chunk);
        Ok(())
    }
}

/// Reads `body` to its end.
///
/// # Errors
/// C003 past `bytes_max`, C005 past `time`, C001 when the connection breaks off: the body is shorter than stated; C011 and C096
/// when there is no room for it.
pub(super) async fn read(
    body: Incoming,
    bytes_max: usize,
    time: Duration,
    room: &mut Room,
) -> Result<Bytes, Code> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(Code::C003);
    }
    // What is stated is never exceeded: hyper sees to that.
    let stated = body.size_hint().upper().and_then(|upper| usize::try_from(upper).ok());
    let expected = stated.unwrap_or(bytes_max).min(bytes_max);
    let mut body = pin!(body);
    let mut arrived = Arrived::Piece(Bytes::new());
    // A body nearly always arrives with its head: the timer is made, and the request counted as unfinished, only when it did not.
    let mut waiting: Option<(Pin<Box<Sleep>>, Held)> = None;
    poll_fn(|cx| {
        loop {
            let frame = match body.as_mut().poll_frame(cx) {
                Poll::Pending => {
                    if waiting.is_none() {
                        let Some(held) = room.peers().unfinished(room.peer()) else {
                            return Poll::Ready(Err(Code::C011));
                        };
                        waiting = Some((Box::pin(tokio::time::sleep(time)), held));
                    }
                    let (timer, _) = waiting.as_mut().expect("it was made above");
                    return timer.as_mut().poll(cx).map(|()| Err(Code::C005));
                }
                Poll::Ready(None) => break,
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(Code::C001)),
                Poll::Ready(Some(Ok(frame))) => frame,
            };
            // Trailers are not part of a call: nothing reads them.
            let Ok(chunk) = frame.into_data() else { continue };
            if arrived.len() + chunk.len() > bytes_max {
                return Poll::Ready(Err(Code::C003));
            }
            if let Err(full) = arrived.add(chunk, expected, room) {
                return Poll::Ready(Err(full));
            }
            if body.is_end_stream() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    })
    .await?;
    Ok(match arrived {
        Arrived::Piece(piece) => piece,
        Arrived::Joined(joined) => joined.into(),
    })
}

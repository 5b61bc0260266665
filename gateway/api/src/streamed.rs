//! A body that is written while it is read, in bounded memory: whoever takes it slowly is waited for, and who goes away ends
//! the writing.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body as HttpBody, Frame};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Bytes that are handed on at once.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces between who writes and who reads.
const PIECES_MAX: usize = 4;

enum Piece {
    Bytes(Bytes),
    /// Everything was written.
    End,
}

/// A body of what `write` writes, on a thread where it may block. Where it fails, the connection breaks off instead of the
/// body ending, so that no caller takes a part for the whole.
pub(crate) fn streamed(
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()> + Send + 'static,
) -> Body {
    let (to, from) = channel(PIECES_MAX);
    tokio::task::spawn_blocking(move || {
        let mut pieces = Pieces { to, gathered: BytesMut::with_capacity(PIECE_BYTES) };
        // Who reads notices that the end is missing.
        if write(&mut pieces).and_then(|()| pieces.flush()).is_ok() {
            drop(pieces.to.blocking_send(Piece::End));
        }
    });
    Body::new(Reading { from, ended: false })
}

struct Pieces {
    to: Sender<Piece>,
    gathered: BytesMut,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE_BYTES - self.gathered.len());
        self.gathered.extend_from_slice(&bytes[..taken]);
        if self.gathered.len() == PIECE_BYTES {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.gathered, BytesMut::with_capacity(PIECE_BYTES));
        self.to.blocking_send(Piece::Bytes(piece.freeze())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

struct Reading {
    from: Receiver<Piece>,
    ended: bool,
}

impl HttpBody for Reading {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.from.poll_recv(context)) {
            Some(Piece::Bytes(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Piece::End) => {
                self.ended = true;
                None
            }
            None => {
                self.ended = true;
                Some(Err(io::Error::other("what was being written was not finished")))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http_body_util::BodyExt as _;

    use super::*;

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap().block_on(work)
    }

    #[test]
    fn g4_a_body_is_written_whole_and_in_order() {
        let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_be_bytes).collect();
        let all = bytes.clone();
        let read =
            run(async move { streamed(move |to| to.write_all(&all)).collect().await.unwrap().to_bytes() });
        assert_eq!(read, bytes);
    }

    /// A caller must not take a part for the whole.
    #[test]
    fn g4_a_body_that_is_not_finished_is_an_error() {
        for fails in [true, false] {
            let read = run(async move {
                let body = streamed(move |to| {
                    to.write_all(&[7; 100_000])?;
                    assert!(fails, "a bug while writing");
                    Err(io::Error::other("the disk"))
                });
                body.collect().await
            });
            assert!(read.is_err());
        }
    }

    #[test]
    fn g4_whoever_writes_waits_for_the_reader_and_ends_with_it() {
        let written = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&written);
        let (ended, end) = tokio::sync::oneshot::channel();
        run(async move {
            let mut body = streamed(move |to| {
                let failed = loop {
                    if let Err(error) = to.write_all(&[1; PIECE_BYTES]) {
                        break error;
                    }
                    seen.fetch_add(1, Ordering::SeqCst);
                };
                ended.send(failed.kind()).expect("it is waited for");
                Err(failed)
            });
            for read in 1..=50 * PIECES_MAX {
                assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
                let ahead = written.load(Ordering::SeqCst).saturating_sub(read);
                assert!(ahead <= PIECES_MAX + 1, "it ran {ahead} pieces ahead");
            }
            drop(body);
            assert_eq!(end.await, Ok(io::ErrorKind::BrokenPipe));
        });
    }
}

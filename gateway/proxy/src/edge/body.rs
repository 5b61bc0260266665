//! Reading a request body whole, within bounds of size and time.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use hyper::body::Incoming;
use shuzha_core::Code;
use tokio::time::Sleep;

/// Reads `body` to its end.
///
/// # Errors
/// C003 past `bytes_max`, C005 past `time`, C001 when the connection breaks off: the body is shorter than stated.
pub(super) async fn read(body: Incoming, bytes_max: usize, time: Duration) -> Result<Bytes, Code> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(Code::C003);
    }
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut rest: Option<BytesMut> = None;
    // A body nearly always arrives with its head: the timer is made only when it did not.
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        loop {
            let frame = match body.as_mut().poll_frame(cx) {
                Poll::Pending => {
                    let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
                    return timer.as_mut().poll(cx).map(|()| Err(Code::C005));
                }
                Poll::Ready(None) => break,
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(Code::C001)),
                Poll::Ready(Some(Ok(frame))) => frame,
            };
            // Trailers are not part of a call: nothing reads them.
            let Ok(chunk) = frame.into_data() else { continue };
            let so_far = rest.as_ref().map_or(first.len(), BytesMut::len);
            if so_far + chunk.len() > bytes_max {
                return Poll::Ready(Err(Code::C003));
            }
            if first.is_empty() && rest.is_none() {
                first = chunk;
            } else {
                rest.get_or_insert_with(|| BytesMut::from(&*first)).extend_from_slice(&chunk);
            }
            if body.is_end_stream() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    })
    .await?;
    Ok(rest.map_or(first, BytesMut::freeze))
}

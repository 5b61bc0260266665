//! A package that stalls is over, whatever comes afterwards.

use super::super::link::due;
use super::super::link::tests::{SHORT, request, told};
use super::*;

#[tokio::test]
async fn a_piece_that_lies_there_after_a_stall_comes_too_late() {
    let (mut link, service) = told().await;
    service.tell("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    let answer = link.send(request(), due(Duration::MAX)).await.expect("an answer");
    service.wrote();
    let mut package = PackageBody::new(answer.into_body(), link, Arc::default(), SHORT);
    let first = std::future::poll_fn(|cx| package.poll_chunk(cx)).await;
    assert_eq!(first, Some(Ok(Bytes::from_static(b"ab"))));
    let second = std::future::poll_fn(|cx| Poll::Ready(package.poll_chunk(cx))).await;
    assert_eq!(second, Poll::Pending, "the wait begins");
    service.tell("cd");
    service.wrote();
    tokio::time::sleep(SHORT).await;
    let late = std::future::poll_fn(|cx| Poll::Ready(package.poll_chunk(cx))).await;
    assert_eq!(late, Poll::Ready(Some(Err(StreamFault::Stalled))));
    let after = std::future::poll_fn(|cx| package.poll_chunk(cx)).await;
    assert_eq!(after, None, "and nothing comes after it");
}

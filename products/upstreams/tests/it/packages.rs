//! The package store: whole, in parts, and under conditions.

use bytes::Bytes;
use http::Method;
use shuzha_core::identity::check_organisation;
use shuzha_upstreams::packages::{PATH, Packages};
use shuzha_upstreams::register::{ENTERPRISES, enterprise};

use crate::harness::{Running, start};

async fn small() -> (Running, String) {
    let store = Packages::holding(Bytes::from_static(b"0123456789"));
    let etag = store.etag().to_owned();
    (start(store).await, etag)
}

#[test]
fn the_package_is_derived_and_always_the_same() {
    let (one, two) = (Packages::enterprises(), Packages::enterprises());
    assert_eq!((one.content(), one.etag()), (two.content(), two.etag()));
    let text = std::str::from_utf8(one.content()).unwrap();
    let mut lines = text.lines();
    let columns = lines.next().unwrap().split(',').count();
    let mut rows = 0;
    for (line, index) in lines.zip(0..) {
        let cells: Vec<&str> = line.split(',').collect();
        let firm = enterprise(index);
        assert_eq!(cells.len(), columns, "{line}");
        assert_eq!((cells[0], cells[1]), (firm.uscc.as_str(), firm.name.as_str()));
        assert_eq!(check_organisation(cells[0]), Ok(()));
        assert!(!line.contains(&firm.phone) && !cells.contains(&firm.legal_person.as_str()), "{line}");
        assert!(!line.contains(&firm.established.to_string()), "{line}");
        assert!(cells[10].parse::<u32>().unwrap() <= 100, "{line}");
        rows += 1;
    }
    assert_eq!(rows, ENTERPRISES);
    assert!((4_000_000..8_000_000).contains(&text.len()), "{}", text.len());
}

#[tokio::test]
async fn whole_and_head_have_the_same_head() {
    let (store, etag) = small().await;
    for method in [Method::GET, Method::HEAD] {
        let got = store.get(&method, PATH, &[]).await;
        assert_eq!(got.status, 200);
        assert_eq!((got.header("etag"), got.header("accept-ranges")), (etag.as_str(), "bytes"));
        assert_eq!(got.header("content-length"), "10");
        assert_eq!(got.header("content-type"), "text/csv; charset=utf-8; header=present");
        assert_eq!(&got.body[..], if method == Method::GET { &b"0123456789"[..] } else { b"" });
    }
    // `printf 0123456789 | sha256sum`
    assert_eq!(etag, "\"84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882\"");
}

#[tokio::test]
async fn ranges_and_conditions() {
    let (store, etag) = small().await;
    let weak = format!("W/{etag}");
    let tag = etag.as_str();
    type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a str, &'a str);
    let table: &[Case<'_>] = &[
        (&[("range", "bytes=2-4")], 206, "bytes 2-4/10", "234"),
        (&[("range", "bytes=-3")], 206, "bytes 7-9/10", "789"),
        (&[("range", "bytes=8-")], 206, "bytes 8-9/10", "89"),
        (&[("range", "bytes=0-99")], 206, "bytes 0-9/10", "0123456789"),
        (&[("range", "bytes=10-")], 416, "bytes */10", ""),
        (&[("range", "bytes=-0")], 416, "bytes */10", ""),
        (&[("range", "bytes=4-2")], 200, "", "0123456789"),
        (&[("range", "bytes=0-1,4-5")], 200, "", "0123456789"),
        (&[("range", "bytes=0-1"), ("range", "bytes=2-3")], 200, "", "0123456789"),
        (&[("range", "rows=0-1")], 200, "", "0123456789"),
        (&[("range", "bytes=2-4"), ("if-range", tag)], 206, "bytes 2-4/10", "234"),
        (&[("range", "bytes=2-4"), ("if-range", "\"other\"")], 200, "", "0123456789"),
        (&[("range", "bytes=2-4"), ("if-range", &weak)], 200, "", "0123456789"),
        (&[("range", "bytes=2-4"), ("if-range", "Wed, 01 Jan 2025 00:00:00 GMT")], 200, "", "0123456789"),
        (&[("range", "bytes=10-"), ("if-range", "\"other\"")], 200, "", "0123456789"),
        (&[("if-none-match", tag)], 304, "", ""),
        (&[("if-none-match", tag), ("range", "bytes=2-4")], 304, "", ""),
        (&[("if-match", "\"other\""), ("range", "bytes=2-4")], 412, "", ""),
        (&[("if-match", tag), ("range", "bytes=2-4")], 206, "bytes 2-4/10", "234"),
    ];
    for (headers, status, content_range, body) in table {
        let got = store.get(&Method::GET, PATH, headers).await;
        assert_eq!(got.status.as_u16(), *status, "{headers:?}");
        assert_eq!(got.header("content-range"), *content_range, "{headers:?}");
        assert_eq!(got.body, *body, "{headers:?}");
        assert_eq!(got.header("etag"), etag, "{headers:?}");
    }
    let head = store.get(&Method::HEAD, PATH, &[("range", "bytes=2-4")]).await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, "10"), "a range is for GET only");
}

#[tokio::test]
async fn a_download_in_pieces_is_the_whole() {
    let store = Packages::enterprises();
    let (content, etag) = (store.content().clone(), store.etag().to_owned());
    let service = start(store).await;
    let mut pieces = Vec::new();
    while pieces.len() < content.len() {
        let range = format!("bytes={}-{}", pieces.len(), pieces.len() + 1_234_567);
        let got = service.get(&Method::GET, PATH, &[("range", &range), ("if-range", &etag)]).await;
        assert_eq!(got.status, 206);
        pieces.extend_from_slice(&got.body);
    }
    assert!(content == pieces, "the pieces are not the whole");
}

#[tokio::test]
async fn other_methods_and_paths_are_refused() {
    let (store, _) = small().await;
    let got = store.post(PATH, "{}").await;
    assert_eq!((got.status.as_u16(), got.header("allow")), (405, "GET, HEAD"));
    for path in [
        "/v1/packages/",
        "/v1/packages/persons.csv",
        "/v1/packages/../packages/enterprises.csv",
        "/v1/packages/enterprises.csv/",
    ] {
        assert_eq!(store.get(&Method::GET, path, &[]).await.status, 404, "{path}");
    }
}

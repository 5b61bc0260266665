//! Known tricks by table, and a generator that assembles paths from ambiguous pieces.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{authority_is_plain, is_canonical, query_is_plain};

#[test]
fn plain_paths_pass() {
    for path in
        ["/", "/v1/products/credit-score/score", "/v1/consents:withdraw", "/errors/C401", "/a/", "/a.b/c~d"]
    {
        assert!(is_canonical(path), "{path}");
    }
    assert!(is_canonical("/%E6%95%B0/x"), "UTF-8 in upper-case hexadecimal has one reading");
}

#[test]
fn ambiguous_paths_are_refused() {
    let long = format!("/{}", "a".repeat(super::PATH_BYTES_MAX));
    for path in [
        "",
        "a",
        "*",
        "//",
        "//a",
        "/a//b",
        "/a/./b",
        "/a/../b",
        "/.",
        "/..",
        "/a/..",
        "/a/.",
        "/%2e",
        "/%2E/a",
        "/%2E%2E/a",
        "/.%2E/a",
        "/a%2Fb",
        "/a%2fb",
        "/a%5Cb",
        "/a\\b",
        "/a%00",
        "/a;x=1",
        "/a%3Bx",
        "/%61dmin",
        "/a%252Fb",
        "/a%25",
        "/a%",
        "/a%4",
        "/a%zz",
        "/a%e6%95%b0",
        "/%C0%AF",
        "/%E6%95",
        "/%FF",
        "/a b",
        "/a\tb",
        "/a\u{7f}",
        "/数",
        "/a%0D%0Ab",
        "/a%C2%80",
        "/a#b",
        "/a?b",
        "/a\"b",
        "/a<b>",
        "/a|b",
        "/a^b",
        "/a`b",
        "/a{b}",
        "/a/...%2E/b",
        long.as_str(),
    ] {
        assert!(!is_canonical(path), "{path:?}");
    }
}

#[test]
fn authorities() {
    for ok in ["localhost", "a.example:443", "127.0.0.1:8080", "[::1]:80", "[::1]", "A.Example"] {
        assert!(authority_is_plain(ok), "{ok}");
    }
    for bad in [
        "", ":80", "a:", "a:b", "a:0", "a:65536", "a:+80", "a:080808", "u@a", "u:p@a", "a.", "a.:80", ".a",
        "a..b", "a%2e", "a/b", "a b", "[::1", "[::1]x", "[zz]", "::1", "a,b", "数",
    ] {
        assert!(!authority_is_plain(bad), "{bad:?}");
    }
}

#[test]
fn queries() {
    assert!(query_is_plain("a=1&b=%E6%95%B0"));
    for bad in ["a b", "a\\b", "%", "%0", "%zz", "%e6", "a\u{1}", "数", "a#b"] {
        assert!(!query_is_plain(bad), "{bad:?}");
    }
}

/// Decodes percent-encoding once, leniently, as the most forgiving reader would.
fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(value) if bytes[at] == b'%' => {
                out.push(value);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// Segments as a forgiving reader normalises them: decoded, `\` read as `/`, parameters cut, dots resolved.
fn forgiving(path: &str) -> Vec<Vec<u8>> {
    let mut out: Vec<Vec<u8>> = Vec::new();
    for raw in decode(&path.replace('\\', "/")).split(|&b| b == b'/' || b == b'\\').skip(1) {
        let segment = raw.split(|&b| b == b';').next().unwrap_or_default();
        match segment {
            b"" | b"." => {}
            b".." => {
                out.pop();
            }
            other => out.push(other.to_vec()),
        }
    }
    out
}

/// Segments as we route them: the bytes between slashes, each decoded once.
fn strict(path: &str) -> Vec<Vec<u8>> {
    path[1..].split('/').filter(|segment| !segment.is_empty()).map(decode).collect()
}

#[test]
fn accepted_paths_have_one_reading() {
    let piece = prop_oneof![
        4 => prop::sample::select(vec!["/", "/", "a", "v1", "products", ".", "..", "~", ":", "-", "_"]),
        3 => prop::sample::select(vec!["%2e", "%2E", "%2F", "%2f", "%5C", "%00", "%25", "%252E", "%20", "%E6%95%B0"]),
        1 => prop::sample::select(vec!["\\", ";", ";x=1", "//", "/./", "/../", "%", "%4", "%C0%AF", "数", "\u{1}", " "]),
    ];
    let paths = prop::collection::vec(piece, 0..8).prop_map(|pieces| format!("/{}", pieces.concat()));
    let mut accepted = 0_u32;
    let mut runner =
        TestRunner::new(Config { cases: 120_000, failure_persistence: None, ..Config::default() });
    let counted = std::cell::Cell::new(0_u32);
    runner
        .run(&paths, |path| {
            if is_canonical(&path) {
                counted.set(counted.get() + 1);
                prop_assert_eq!(strict(&path), forgiving(&path), "{}", path);
                let once = String::from_utf8(decode(&path)).expect("accepted paths decode to UTF-8");
                prop_assert_eq!(decode(&once), once.as_bytes(), "decoding twice changes {}", path);
            }
            Ok(())
        })
        .expect("every accepted path reads the same for strict and forgiving readers");
    accepted += counted.get();
    assert!(accepted > 5_000, "the generator must reach accepted paths, and reached {accepted}");
}

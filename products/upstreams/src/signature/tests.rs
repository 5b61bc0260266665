//! The vectors that other implementations are checked against, and what the signature must not accept.

use std::collections::HashMap;

use proptest::prelude::*;
use shuzha_testkit::unhex;

use super::*;

const VECTORS: &str = include_str!("../../testdata/gateway-signature.txt");

/// The blocks of the file, each as its names and values.
fn vectors() -> Vec<HashMap<&'static str, &'static str>> {
    VECTORS
        .split("\n\n")
        .skip(1)
        .map(|block| {
            let pair = |line: &'static str| {
                line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, ""))).unwrap()
            };
            block.lines().map(pair).collect()
        })
        .collect()
}

#[test]
fn the_vectors_are_signed_and_verified() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        let (key, body) = (GatewayKey::new(&unhex(vector["key"])).unwrap(), unhex(vector["body"]));
        let signed = Signed {
            method: vector["method"],
            path: vector["path"],
            request_id: vector["request_id"],
            unit: vector["unit"],
            scenario: vector["scenario"],
            fields: vector["fields"],
            timestamp: vector["timestamp"],
            body: &body,
        };
        assert_eq!(signed.text().replace('\n', "\\n"), vector["text"], "{}", vector["title"]);
        assert_eq!(sign(&key, &signed), vector["signature"], "{}", vector["title"]);
        assert!(verify(&key, &signed, vector["signature"]), "{}", vector["title"]);
    }
}

fn example() -> (GatewayKey, Signed<'static>) {
    let signed = Signed {
        method: "POST",
        path: "/v1/score",
        request_id: "r-1",
        unit: "bank-a",
        scenario: "loan",
        fields: "/score",
        timestamp: "1735689600",
        body: b"{}",
    };
    (GatewayKey::new(&[7; 32]).unwrap(), signed)
}

#[test]
fn a_change_of_any_part_breaks_it() {
    let (key, signed) = example();
    let signature = sign(&key, &signed);
    for changed in [
        Signed { method: "PUT", ..signed },
        Signed { path: "/v1/scores", ..signed },
        Signed { request_id: "r-2", ..signed },
        Signed { unit: "bank-b", ..signed },
        Signed { scenario: "loans", ..signed },
        Signed { fields: "/score,/grade", ..signed },
        Signed { timestamp: "1735689601", ..signed },
        Signed { body: b"{ }", ..signed },
        Signed { unit: "bank-aloan", scenario: "", ..signed },
    ] {
        assert!(!verify(&key, &changed, &signature), "{changed:?}");
    }
    assert!(!verify(&GatewayKey::new(&[8; 32]).unwrap(), &signed, &signature));
}

#[test]
fn only_the_canonical_form_of_a_signature_counts() {
    let (key, signed) = example();
    let signature = sign(&key, &signed);
    let unpadded = signature.trim_end_matches('=');
    for bad in
        ["", "=", unpadded, &format!("{signature}="), &format!(" {signature}"), &signature[..40], "AAAA"]
    {
        assert!(!verify(&key, &signed, bad), "{bad}");
    }
}

#[test]
fn the_window_is_sixty_seconds_either_way() {
    const NOW: i64 = 1_735_689_600;
    for (timestamp, within) in [
        ("1735689600", true),
        ("1735689660", true),
        ("1735689540", true),
        ("1735689661", false),
        ("1735689539", false),
        ("", false),
        ("+1735689600", false),
        ("-1", false),
        ("01735689600", false),
        (" 1735689600", false),
        ("1735689600.0", false),
        ("99999999999999999999999", false),
    ] {
        assert_eq!(in_window(timestamp, NOW), within, "{timestamp}");
    }
    assert!(!in_window("1735689600", i64::MIN), "no overflow");
}

#[test]
fn short_and_huge_keys_are_refused() {
    assert!(matches!(GatewayKey::new(&[0; 31]), Err(Error::KeyLength { .. })));
    assert!(matches!(GatewayKey::new(&[0; KEY_BYTES_MAX + 1]), Err(Error::KeyLength { .. })));
    assert!(GatewayKey::new(&[0; 32]).is_ok());
    assert_eq!(format!("{:?}", GatewayKey::new(&[0x41; 32]).unwrap()), "GatewayKey(withheld)");
}

#[test]
fn a_key_file_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    assert!(matches!(GatewayKey::read(&path), Err(Error::KeyFile { .. })));
    std::fs::write(&path, [b'k'; 32]).unwrap();
    let (_, signed) = example();
    let with_line_feed = folder.path().join("key-lf");
    std::fs::write(&with_line_feed, [&[b'k'; 32][..], b"\n"].concat()).unwrap();
    let (one, two) = (GatewayKey::read(&path).unwrap(), GatewayKey::read(&with_line_feed).unwrap());
    assert_ne!(sign(&one, &signed), sign(&two, &signed));
}

proptest! {
    #[test]
    fn what_is_signed_verifies(key in proptest::collection::vec(any::<u8>(), 32..200), unit in "[!-~]{0,40}", fields in "[!-~]{0,80}", body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let key = GatewayKey::new(&key).unwrap();
        let signed = Signed { unit: &unit, fields: &fields, body: &body, ..example().1 };
        prop_assert!(verify(&key, &signed, &sign(&key, &signed)));
    }

    #[test]
    fn no_text_is_a_signature(text in "\\PC{0,60}") {
        let (key, signed) = example();
        prop_assert!(!verify(&key, &signed, &text));
    }
}

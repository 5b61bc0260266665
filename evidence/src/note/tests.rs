//! Notes and keys against the oracle, against published vectors, and against whoever forges one.

use std::sync::Arc;

use proptest::prelude::*;
use shuzha_core::Timestamp;
use shuzha_core::clock::ManualClock;
use signed_note::{Note as OracleNote, StandardVerifier, VerifierList};

use super::*;
use crate::checkpoint::Checkpoint;

const NAME: &str = "log.example/gate-1/2026h2";
const TEXT: &str = "log.example/gate-1/2026h2\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

fn ed25519() -> Ed25519Signer {
    Ed25519Signer::new(NAME, &[1; 32]).expect("a name")
}

fn sm2() -> Sm2Signer {
    Sm2Signer::new(NAME, &[2; 32]).expect("a name")
}

fn witness() -> CosignatureSigner {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_679_315_147)));
    CosignatureSigner::new("witness.example/w1", &[3; 32], clock).expect("a name")
}

fn signed() -> Note {
    let mut note = Note::unsigned(TEXT).expect("lines");
    for signer in [&ed25519() as &dyn Signer, &sm2(), &witness()] {
        note.sign(signer).expect("signed");
    }
    note
}

/// What we sign, an outside tool opens; SM2 and cosignatures are keys that it does not know, and ignores.
#[test]
fn the_oracle_opens_our_note_and_reads_our_key() {
    let text = signed().to_string();
    let key = ed25519().verifier().to_string();
    let verifier = StandardVerifier::new(&key).expect("a key it knows");
    let note = OracleNote::from_bytes(text.as_bytes()).expect("a note");
    let (known, unknown) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).expect("verified");
    assert_eq!((known.len(), unknown.len()), (1, 2));
    let theirs = tlog_tiles::Checkpoint::from_bytes(note.text()).expect("a checkpoint");
    assert_eq!((theirs.origin(), theirs.size()), (NAME, 3));
    assert_eq!(theirs.to_bytes(), Checkpoint::parse(TEXT).expect("ours").to_string().into_bytes());
}

/// The note and the key of the Go module that the format comes from, as the oracle's documentation has them.
#[test]
fn the_published_note_is_verified() {
    let key: Verifier =
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().expect("a key");
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let note = Note::parse(text.as_bytes()).expect("a note");
    assert_eq!(note.verified_by(&key), Ok(()));
    assert_eq!(note.to_string(), text);
    let changed = Note::parse(text.replacen("problem", "Problem", 1).as_bytes()).expect("a note");
    assert_eq!(changed.verified_by(&key), Err(Unverified::WrongSignature));
}

#[test]
fn every_algorithm_signs_and_reads_back() {
    let note = Note::parse(signed().to_string().as_bytes()).expect("a note");
    assert_eq!(note, signed());
    for signer in [&ed25519() as &dyn Signer, &sm2(), &witness()] {
        let key: Verifier = signer.verifier().to_string().parse().expect("a key");
        assert_eq!(key.to_string(), signer.verifier().to_string());
        assert_eq!(note.verified_by(&key), Ok(()), "{key}");
        let other = key.renamed("somebody.example").expect("a name");
        assert_eq!(note.verified_by(&other), Err(Unverified::NoSignature));
        let wrong = Note { text: TEXT.replacen('3', "4", 1), ..note.clone() };
        assert_eq!(wrong.verified_by(&key), Err(Unverified::WrongSignature), "{key}");
    }
}

/// The time is signed: moved by a second, the cosignature is wrong.
#[test]
fn a_cosignature_binds_its_time() {
    let mut note = signed();
    let key = witness().verifier().clone();
    let cosignature = note.signatures.last_mut().expect("three");
    assert_eq!(cosignature.bytes.len(), 72);
    assert_eq!(cosignature.bytes[..8], 1_679_315_147_u64.to_be_bytes());
    cosignature.bytes[7] ^= 1;
    assert_eq!(note.verified_by(&key), Err(Unverified::WrongSignature));
}

/// A cosignature is no log's signature and the other way round, though the key be the same.
#[test]
fn algorithms_do_not_stand_in_for_each_other() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1)));
    let same = CosignatureSigner::new(NAME, &[1; 32], clock).expect("a name");
    assert_ne!(same.verifier().key_id(), ed25519().verifier().key_id());
    let mut note = Note::unsigned(TEXT).expect("lines");
    note.sign(&same).expect("signed");
    assert_eq!(note.verified_by(ed25519().verifier()), Err(Unverified::NoSignature));
    note.signatures[0].key_id = ed25519().verifier().key_id();
    assert_eq!(note.verified_by(ed25519().verifier()), Err(Unverified::WrongSignature));
}

#[test]
fn signing_again_replaces_and_repetition_adds_nothing() {
    let mut note = signed();
    note.sign(&ed25519()).expect("signed");
    assert_eq!(note.signatures().len(), 3);
    note.add(note.signatures()[0].clone());
    assert_eq!(note.signatures().len(), 3);
}

#[test]
fn what_is_no_note_is_refused() {
    let good = signed().to_string();
    assert!(Note::parse(good.as_bytes()).is_ok());
    for bad in [
        String::new(),
        "\n\n".to_owned(),
        TEXT.to_owned(),
        format!("{TEXT}\n"),
        good.trim_end().to_owned(),
        good.replace("— log", "- log"),
        good.replace("— log", "—  log"),
        good.replace(NAME, "a+b"),
        good.replacen('\n', "\r\n", 1),
        good.replace("— witness.example/w1 ", "— witness.example/w1 !"),
        format!("{good}— a AAAA\n"),
        format!("{TEXT}\n{}", "— a AAAAAAA=\n".repeat(SIGNATURES_MAX + 1)),
        format!("{}\n{TEXT}", "x".repeat(NOTE_BYTES_MAX)),
    ] {
        assert!(Note::parse(bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert!(Note::parse(b"\xff\n\n\xe2\x80\x94 a AAAAAAA=\n").is_err());
}

#[test]
fn what_is_no_key_is_refused() {
    let good = ed25519().verifier().to_string();
    let small_order = Verifier::new(NAME, Algorithm::Ed25519, &[[1].as_slice(), &[0; 31]].concat());
    assert!(small_order.is_err(), "a key of small order verifies anything");
    for bad in [
        String::new(),
        "a".into(),
        "a+b".into(),
        "a+00000000+".into(),
        good.replacen("+A", "+B", 1),
        good.replacen('e', "f", 1),
        good.replacen("+A", "+D", 1),
        format!("{good}="),
        format!("{good}AAAA"),
        format!("x{good}"),
        "k".repeat(2000),
    ] {
        assert!(bad.parse::<Verifier>().is_err(), "{bad}");
    }
    assert!(Sm2Signer::new(NAME, &[0; 32]).is_err());
    assert!(Sm2Signer::new(NAME, &[0xff; 32]).is_err());
    assert!(Verifier::new(NAME, Algorithm::Sm2, &[4; 65]).is_err(), "a point off the curve");
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    assert!(Checkpoint::parse(TEXT).is_ok());
    assert!(Checkpoint::parse(&format!("{TEXT}an extension\n")).is_ok());
    for bad in [
        "",
        "a\n1\n",
        "a\n1\nAA==\n",
        &TEXT.replace("\n3\n", "\n03\n"),
        &TEXT.replace("\n3\n", "\n+3\n"),
        TEXT.trim_end(),
        &TEXT.replace("\n3\n", "\n18446744073709551616\n"),
        &format!("{TEXT}\n"),
        &format!("\n{TEXT}"),
        &TEXT.replace('=', ""),
    ] {
        assert!(Checkpoint::parse(bad).is_err(), "{bad:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// One byte changed anywhere: no panic, and what still verifies says the same as before.
    #[test]
    fn a_changed_byte_is_not_believed(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let good = signed();
        let mut bytes = good.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let Ok(note) = Note::parse(&bytes) else { return Ok(()) };
        let trusted = [ed25519().verifier().clone(), sm2().verifier().clone(), witness().verifier().clone()];
        if trusted.iter().any(|key| note.verified_by(key) == Ok(())) {
            prop_assert_eq!(note.text(), good.text());
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), text in ".{0,200}") {
        let _ = Note::parse(&bytes);
        let _ = Note::parse(format!("{text}\n\n— a {text}\n").as_bytes());
        let _ = text.parse::<Verifier>();
        let _ = format!("a+00000000+{}", BASE64.encode(&bytes)).parse::<Verifier>();
        let _ = Checkpoint::parse(&text);
        for key in [ed25519().verifier(), sm2().verifier(), witness().verifier()] {
            prop_assert!(!key.verify(TEXT, &bytes));
        }
    }
}

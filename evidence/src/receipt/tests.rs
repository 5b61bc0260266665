//! Receipts: what they show, how large they get, and what a forged one does.

use std::sync::Arc;

use proptest::prelude::*;
use shuzha_core::Timestamp;
use shuzha_core::clock::ManualClock;

use super::*;
use crate::checkpoint::Checkpoint;
use crate::commit::Committer;
use crate::merkle::{Sha256, check_inclusion};
use crate::note::{CosignatureSigner, Ed25519Signer, Signer};

const ORIGIN: &str = "evidence.example/gate-1/2026h2";

fn log() -> Ed25519Signer {
    Ed25519Signer::new(ORIGIN, &[1; 32]).expect("a name")
}

fn policy() -> Policy {
    Policy { log: vec![log().verifier().clone()], ..Policy::default() }
}

fn entry(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

fn enclosed(length: usize) -> Enclosed {
    let committer = Committer::new(&[4; 32]);
    Enclosed {
        entry: entry(length),
        request: committer.opening(&[1; 16]),
        answer: committer.opening(&[2; 16]),
    }
}

/// A receipt for leaf `index` of a tree of `size` leaves, made up from its path alone: all other leaves are whatever
/// gives these neighbours.
fn receipt(index: u64, size: u64, length: usize, witnesses: u8) -> Receipt {
    let leaf = Sha256::leaf(&entry(length));
    let mut path = Vec::new();
    // The right number of hashes is the one for which the proof has the right length.
    let wrong = loop {
        match check_inclusion::<Sha256>(&leaf, index, size, &path, &[0; 32]) {
            Err(WrongProof::Length) => path.push(Sha256::digest(&path.concat())),
            other => break other,
        }
    };
    assert_eq!(wrong, Err(WrongProof::Root));
    let root = rooted(&leaf, index, size, &path);
    let text = Checkpoint { origin: ORIGIN.into(), size, root }.to_string();
    let mut note = Note::unsigned(text).expect("lines");
    note.sign(&log()).expect("signed");
    for number in 0..witnesses {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let name = format!("witness{number}.example");
        note.sign(&CosignatureSigner::new(&name, &[number + 9; 32], clock).expect("a name")).expect("signed");
    }
    Receipt { enclosed: Some(enclosed(length)), others: None, index, path, note }
}

/// The root to which a path leads, for the last leaf of a tree: every neighbour stands on the left.
fn rooted(leaf: &Hash, index: u64, size: u64, path: &[Hash]) -> Hash {
    assert_eq!(index + 1, size, "every neighbour stands on the left");
    path.iter().fold(*leaf, |hash, beside| Sha256::node(beside, &hash))
}

#[test]
fn h1_a_receipt_reads_back_and_checks() {
    let receipt = receipt(72, 73, 300, 0);
    let text = receipt.to_string();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{text}");
    let read = Receipt::parse(text.as_bytes()).expect("a receipt");
    assert_eq!(read, receipt);
    assert_eq!(read.check::<Sha256>(&entry(300), &policy()), Ok(()));
    assert_eq!(read.check::<Sha256>(&entry(299), &policy()), Err(BadReceipt::Proof(WrongProof::Root)));
}

/// 10⁸ leaves: the proof with three witnesses, and the whole receipt of a usual entry without any, fit 2 KiB.
#[test]
fn h1_a_receipt_is_short_at_a_hundred_million_leaves() {
    const LEAVES: u64 = (1 << 27) - 1;
    let whole = receipt(LEAVES - 1, LEAVES, 260, 0);
    assert_eq!(whole.path.len(), 26, "the last leaf of a full tree has one neighbour fewer");
    // A leaf on the left has one neighbour more.
    let one_more = 45;
    let bytes = whole.to_string().len() + one_more;
    assert!(bytes <= 2048, "{bytes}");
    let bare = Receipt { enclosed: None, ..receipt(LEAVES - 1, LEAVES, 260, 3) };
    let proof = bare.to_string().len() + one_more;
    assert!(proof <= 2048, "{proof}");
    // Both together do not: 27 hashes take 1,215 bytes of base64 lines, three cosignatures 380, and neither gets shorter.
    let all = receipt(LEAVES - 1, LEAVES, 260, 3).to_string().len() + one_more;
    assert!(all <= 2304, "{all}");
    println!(
        "10^8 leaves: {bytes} bytes with the entry, {proof} with three witnesses and without it, {all} with both"
    );
}

#[test]
fn a_proof_by_others_reads_without_an_entry() {
    let bare = Receipt { enclosed: None, ..receipt(8, 9, 50, 0) };
    let text = bare.to_string();
    assert_eq!(Receipt::parse(text.as_bytes()), Ok(bare.clone()));
    let foreign = text.replacen("\nindex", "\nextra /////w==\nindex", 1);
    let read = Receipt::parse(foreign.as_bytes()).unwrap();
    assert_eq!(read, Receipt { others: Some(vec![0xff; 4]), ..bare });
    assert_eq!(read.to_string(), foreign, "what is theirs is written again");
}

#[test]
fn what_is_no_receipt_is_refused() {
    let good = receipt(72, 73, 40, 0).to_string();
    for bad in [
        String::new(),
        good.replace("@v1", "@v2"),
        good.replace("index 72", "index 072"),
        good.replace("index 72", "index -72"),
        good.replace("extra A", "extra !"),
        good.replacen("extra ", "extra", 1),
        good.replacen("\nindex", "\nextra AQ==\nindex", 1),
        good.replace("\n\nevidence", "\nevidence"),
        good.replacen("=\n", "\n", 1),
        good.replacen("\n\n", &format!("\n{}\n", format!("{}\n", BASE64.encode([0; 32])).repeat(64)), 1),
        "x".repeat(RECEIPT_BYTES_MAX + 1),
    ] {
        assert!(Receipt::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

proptest! {
    /// Before, extra data of others was dropped when a receipt was written again.
    #[test]
    fn whatever_is_enclosed_a_receipt_is_written_again_as_it_stood(extra in prop::collection::vec(any::<u8>(), 0..80)) {
        let bare = Receipt { enclosed: None, ..receipt(8, 9, 50, 0) }.to_string();
        let text = bare.replacen("\nindex", &format!("\nextra {}\nindex", BASE64.encode(&extra)), 1);
        if let Ok(read) = Receipt::parse(text.as_bytes()) {
            prop_assert_eq!(read.to_string(), text);
        }
    }
}

/// What belongs to one request opens that, and nothing of another.
#[test]
fn h1_an_opening_opens_its_own_request_only() {
    let committer = Committer::new(&[7; 32]);
    let (mine, theirs) = (committer.opening(&[1; 16]), committer.opening(&[2; 16]));
    let id = shuzha_core::RequestId::from_bytes([1; 16]);
    let committed = mine.answer(&id, b"answer");
    let given = Opening::from_bytes(*mine.as_bytes());
    assert_eq!(given.answer(&id, b"answer"), committed);
    assert_ne!(given.answer(&id, b"another"), committed);
    assert_ne!(theirs.answer(&id, b"answer"), committed);
    assert_ne!(committer.commit("response", &[id.as_bytes(), b"answer"]), committed);
    assert_eq!(format!("{given:?}"), "Opening(key withheld)");
    // E9: with another master key, as after erasing this one, nothing that was committed to is found again.
    assert_ne!(Committer::new(&[8; 32]).opening(&[1; 16]), mine);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40_000))]

    /// E4: whatever is done to a receipt, it does not panic, and shows nothing but what it showed.
    #[test]
    fn e4_a_changed_receipt_shows_nothing_else(
        at in any::<prop::sample::Index>(), flip in 1_u8.., cut in any::<prop::sample::Index>(),
        again in any::<prop::sample::Index>(),
    ) {
        let good = receipt(72, 73, 60, 1);
        let text = good.to_string().into_bytes();
        let mut flipped = text.clone();
        flipped[at.index(text.len())] ^= flip;
        let (short, end) = (cut.index(text.len()), again.index(text.len()));
        let doubled = [&text[..short], &text[end..]].concat();
        for bytes in [flipped, text[..short].to_vec(), doubled] {
            let Ok(receipt) = Receipt::parse(&bytes) else { continue };
            let Some(enclosed) = &receipt.enclosed else { continue };
            if receipt.check::<Sha256>(&enclosed.entry, &policy()).is_ok() {
                prop_assert_eq!(&enclosed.entry, &entry(60));
                prop_assert_eq!(receipt.index, good.index);
            }
        }
    }

    #[test]
    fn e4_arbitrary_receipts_do_not_panic(
        text in "(c2sp.org/tlog-proof@v1\n)?(extra [A-Za-z0-9+/=]{0,60}\n)?(index [0-9]{0,21}\n)?([A-Za-z0-9+/]{43}=\n){0,3}\n?.{0,60}",
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        for bytes in [text.as_bytes(), &bytes] {
            if let Ok(receipt) = Receipt::parse(bytes) {
                prop_assert_eq!(receipt.to_string().into_bytes(), bytes.to_vec(), "written again as it stood");
            }
        }
    }
}

/// F14: a receipt's keys are bound by records of this software, and say nothing either way in those of the last.
#[test]
fn altered_keys_are_found_where_the_record_binds_them() {
    let mut call = Call::of(shuzha_core::RequestId::from_bytes([1; 16]), Timestamp::from_seconds(1));
    let given = enclosed(300);
    assert_eq!(given.keys(&call), Keys::Unbound);
    call.openings = Some(Opening::bound(&given.request, &given.answer));
    assert_eq!(given.keys(&call), Keys::Bound);
    for at in 0..32 {
        let mut altered = given.clone();
        let key = if at < 16 { &mut altered.request } else { &mut altered.answer };
        let mut bytes = *key.as_bytes();
        bytes[at % 16] ^= 0x80;
        *key = Opening::from_bytes(bytes);
        assert_eq!(altered.keys(&call), Keys::Altered, "{at}");
    }
    let swapped = Enclosed { request: given.answer, answer: given.request, ..given };
    assert_eq!(swapped.keys(&call), Keys::Altered);
}

/// A receipt as it was handed out in version 1. The file is never written again: a later version gets one of its own.
#[test]
fn h1_a_receipt_that_was_handed_out_is_checked_by_what_comes_later() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/receipt/testdata/receipt-1.txt");
    #[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests")]
    if !path.exists() && std::env::var("SHUZHA_WRITE_GOLDEN").is_ok() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, receipt(72, 73, 300, 1).to_string()).expect("written");
    }
    let kept = std::fs::read_to_string(&path).expect("is kept");
    let read = Receipt::parse(kept.as_bytes()).expect("a receipt");
    assert_eq!(read.check::<Sha256>(&entry(300), &policy()), Ok(()));
    assert_eq!(read.enclosed, Some(enclosed(300)));
    assert_eq!(read.to_string(), kept, "it is given out so today");
    let altered = kept.replace("index 72", "index 71");
    let altered = Receipt::parse(altered.as_bytes()).expect("a receipt");
    assert!(altered.check::<Sha256>(&entry(300), &policy()).is_err());
    // One of another version is none that could be checked here.
    assert!(Receipt::parse(kept.replace("tlog-proof@v1", "tlog-proof@v2").as_bytes()).is_err());
}

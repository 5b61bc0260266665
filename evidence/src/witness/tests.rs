//! The witness's answers, one by one, and a log that shows two faces.

use std::convert::Infallible;
use std::sync::Arc;

use proptest::prelude::*;
use shuzha_core::Timestamp;
use shuzha_core::clock::ManualClock;

use super::*;
use crate::log::{LogKeys as _, SeedKeys};
use crate::merkle::tests::Whole;
use crate::merkle::{consistency, root};
use crate::note::CosignatureSigner;

const BASE: &str = "log.example/gate-1";

fn keys(seed: u8) -> SeedKeys {
    SeedKeys::new(BASE, [seed; 32], [seed; 32], []).expect("a name")
}

fn logs() -> Policy {
    Policy { log: keys(1).known().to_vec(), ..Policy::default() }
}

fn witness() -> CosignatureSigner {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
    CosignatureSigner::new("witness.example/w1", &[9; 32], clock).expect("a name")
}

/// The log's tree of `size`; entries from `fork` on are those of another history.
fn tree<D: Digest>(size: u64, fork: u64) -> Whole {
    Whole::of::<D>((0..size).map(|index| D::leaf(format!("{index} {}", index >= fork).as_bytes())))
}

fn request<D: Digest>(old: u64, new: u64, fork: u64, seed: u8) -> AddCheckpoint {
    let mut nodes = tree::<D>(new, fork);
    let Ok(root) = root::<D, _>(&mut nodes, new);
    let Ok(proof) = consistency::<D, _>(&mut nodes, old.min(new), new);
    let origin = format!("{BASE}/2026h2{}", D::SUFFIX);
    let text = Checkpoint { origin: origin.clone(), size: new, root }.to_string();
    let mut note = Note::unsigned(text).expect("lines");
    let keys = keys(seed);
    let signer = if D::SUFFIX.is_empty() { keys.sha256(&origin) } else { keys.sm3(&origin) };
    note.sign(&*signer.expect("a key")).expect("signed");
    AddCheckpoint { old_size: old, proof, note }
}

fn answer(request: &AddCheckpoint, known: Option<&AddCheckpoint>) -> Result<u64, Declined> {
    let remembered = |_: &str| Ok::<_, Infallible>(known.map(|known| known.note.clone()));
    let Ok(decided) = decide(request, &logs(), remembered);
    decided.map(|checkpoint| checkpoint.size)
}

const NEVER: u64 = u64::MAX;

fn statuses<D: Digest>() {
    let known = request::<D>(0, 20, NEVER, 1);
    let status = |asked: AddCheckpoint, known: Option<&AddCheckpoint>| {
        answer(&asked, known).map_err(|why| why.status())
    };
    assert_eq!(status(request::<D>(0, 20, NEVER, 1), None), Ok(20), "the first time");
    assert_eq!(status(request::<D>(20, 33, NEVER, 1), Some(&known)), Ok(33));
    assert_eq!(status(request::<D>(20, 20, NEVER, 1), Some(&known)), Ok(20), "again, for a newer time");
    assert_eq!(status(request::<D>(0, 33, NEVER, 2), Some(&known)), Err(403), "another key");
    assert_eq!(answer(&request::<D>(0, 33, NEVER, 1), Some(&known)), Err(Declined::Conflict(20)));
    assert_eq!(answer(&request::<D>(30, 33, NEVER, 1), Some(&known)), Err(Declined::Conflict(20)));
    assert_eq!(answer(&request::<D>(5, 33, NEVER, 1), None), Err(Declined::Conflict(0)));
    assert_eq!(status(request::<D>(21, 20, NEVER, 1), Some(&known)), Err(400), "older than what it follows");
    assert_eq!(status(request::<D>(20, 33, 10, 1), Some(&known)), Err(422), "another history");
    let mut short = request::<D>(20, 33, NEVER, 1);
    short.proof.pop();
    assert_eq!(status(short, Some(&known)), Err(422));
    let mut long = request::<D>(0, 20, NEVER, 1);
    long.proof.push([0; 32]);
    assert_eq!(status(long, None), Err(422), "the first needs no proof and may not have one");
    // E6: the same size and another root, whatever size it says we remember.
    for old in [0, 5, 20] {
        let other = request::<D>(old, 20, 10, 1);
        let split = answer(&other, Some(&known));
        assert_eq!(split, Err(Declined::SplitView { known: known.note.clone(), other: other.note }));
        assert_eq!(split.map_err(|why| why.status()), Err(422));
    }
}

#[test]
fn h5_every_answer_has_its_status_in_both_trees() {
    statuses::<Sha256>();
    statuses::<Sm3>();
}

#[test]
fn h5_a_log_that_is_not_known_is_not_signed() {
    let mut asked = request::<Sha256>(0, 5, NEVER, 1);
    let foreign = asked.note.text().replace("gate-1", "gate-2");
    asked.note =
        Note::parse(asked.note.to_string().replace(asked.note.text(), &foreign).as_bytes()).expect("a note");
    assert_eq!(answer(&asked, None), Err(Declined::UnknownLog));
    asked.note = Note::unsigned("no checkpoint\n").expect("lines");
    assert_eq!(answer(&asked, None), Err(Declined::Malformed));
}

#[test]
fn h5_a_cosignature_counts_for_a_quorum() {
    let asked = request::<Sha256>(0, 20, NEVER, 1);
    let signature = cosign(&asked.note, &witness()).expect("signed");
    let mut note = asked.note;
    note.add(signature);
    let needs = Policy { witnesses: vec![witness().verifier().clone()], quorum: 1, ..logs() };
    assert_eq!(needs.open(&note).map(|tree| tree.size), Ok(20));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn requests_read_back_and_changed_ones_do_not_panic(at in any::<prop::sample::Index>(), flip in 1_u8.., wild in ".{0,200}") {
        let good = request::<Sha256>(20, 33, NEVER, 1);
        let text = good.to_string();
        prop_assert_eq!(&AddCheckpoint::parse(text.as_bytes()).expect("a request"), &good);
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let known = request::<Sha256>(0, 20, NEVER, 1);
        if let Ok(changed) = AddCheckpoint::parse(&bytes)
            && answer(&changed, Some(&known)).is_ok()
        {
            prop_assert_eq!(changed.note.text(), good.note.text(), "only what the log signed is signed");
        }
        let _ = AddCheckpoint::parse(wild.as_bytes());
        let _ = AddCheckpoint::parse(format!("old 0\n\n{wild}").as_bytes());
    }
}

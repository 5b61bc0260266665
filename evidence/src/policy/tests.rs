//! Who is believed, and how many it takes.

use std::sync::Arc;

use shuzha_core::Timestamp;
use shuzha_core::clock::ManualClock;

use super::*;
use crate::note::{CosignatureSigner, Ed25519Signer, Signer};

const ORIGIN: &str = "log.example/gate-1/2026h2";

fn log(name: &str, seed: u8) -> Ed25519Signer {
    Ed25519Signer::new(name, &[seed; 32]).expect("a name")
}

fn witness(number: u8) -> CosignatureSigner {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(9)));
    CosignatureSigner::new(&format!("w{number}.example"), &[number; 32], clock).expect("a name")
}

fn note(signers: &[&dyn Signer]) -> Note {
    let text = Checkpoint { origin: ORIGIN.into(), size: 7, root: [5; 32] }.to_string();
    let mut note = Note::unsigned(text).expect("lines");
    signers.iter().for_each(|signer| note.sign(*signer).expect("signed"));
    note
}

fn policy(log: &Ed25519Signer, witnesses: &[u8], quorum: usize) -> Policy {
    let witnesses = witnesses.iter().map(|number| witness(*number).verifier().clone()).collect();
    Policy { log: vec![log.verifier().clone()], witnesses, quorum, ..Policy::default() }
}

#[test]
fn the_key_of_a_gate_is_good_for_all_its_logs_and_no_others() {
    let note = note(&[&log(ORIGIN, 1)]);
    for (name, expected) in [
        (ORIGIN, Ok(7)),
        ("log.example/gate-1", Ok(7)),
        ("log.example", Ok(7)),
        ("log.example/gate-1/2026h", Err(Distrust::UnknownLog)),
        ("log.example/gate", Err(Distrust::UnknownLog)),
        ("log.example/gate-1/2026h2/sm3", Err(Distrust::UnknownLog)),
        ("other.example", Err(Distrust::UnknownLog)),
    ] {
        assert_eq!(policy(&log(name, 1), &[], 0).open(&note).map(|tree| tree.size), expected, "{name}");
    }
    let stranger = policy(&log(ORIGIN, 2), &[], 0).open(&note);
    assert_eq!(stranger, Err(Distrust::Log(Unverified::NoSignature)));
}

/// k of n: strangers and a key under two names do not count.
#[test]
fn a_quorum_counts_keys_that_are_trusted() {
    let gate = log(ORIGIN, 1);
    let signed = note(&[&gate, &witness(11), &witness(12), &witness(13)]);
    for (trusted, quorum, expected) in [
        (&[11, 12, 13][..], 3, Ok(())),
        (&[11, 12, 14], 2, Ok(())),
        (&[11, 14, 15], 2, Err(Distrust::Quorum { signed: 1, quorum: 2 })),
        (&[], 1, Err(Distrust::Quorum { signed: 0, quorum: 1 })),
    ] {
        assert_eq!(policy(&gate, trusted, quorum).open(&signed).map(|_| ()), expected, "{trusted:?}");
    }
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(9)));
    let alias = CosignatureSigner::new("alias.example", &[11; 32], clock).expect("a name");
    let twice = note(&[&gate, &witness(11), &alias]);
    let mut both = policy(&gate, &[11], 2);
    both.witnesses.push(alias.verifier().clone());
    assert_eq!(both.open(&twice).map(|_| ()), Err(Distrust::Quorum { signed: 1, quorum: 2 }));
}

#[test]
fn a_wrong_signature_of_a_trusted_key_spoils_the_note() {
    let gate = log(ORIGIN, 1);
    let other = Checkpoint { origin: ORIGIN.into(), size: 8, root: [5; 32] }.to_string();
    let mut forged = Note::unsigned(other).expect("lines");
    forged.sign(&gate).expect("signed");
    for signature in note(&[&witness(11), &witness(12)]).signatures() {
        forged.add(signature.clone());
    }
    assert_eq!(policy(&gate, &[11], 0).open(&forged), Err(Distrust::Witness));
    assert_eq!(policy(&gate, &[14], 0).open(&forged).map(|tree| tree.size), Ok(8));
}

//! The decoder of journal entries against bytes of every kind: an error, or the one entry whose encoding they are.

use shuzha_core::Timestamp;
use shuzha_evidence::{Act, ActKind, Boot, Entry};

/// Byte strings that are tried.
const CASES: usize = 100_000;

/// SplitMix64: the same bytes on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % bound
    }
}

fn encoded(entry: &Entry<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    entry.encode_into(&mut bytes).expect("short names");
    bytes
}

#[test]
fn no_bytes_break_the_decoder_and_what_decodes_is_canonical() {
    let at = Timestamp::from_seconds(1_800_000_000);
    let seeds = [
        encoded(&Entry::Boot(Boot { at, node: "gate-1", version: "0.1.0" })),
        encoded(&Entry::Act(Act {
            at,
            kind: ActKind::UseStopped,
            actor: "abuse-misses",
            object: "bank-onboarding",
            commitment: Some([7; 16]),
            target: "scenario",
        })),
    ];
    let (mut dice, mut decoded) = (Dice(1), 0);
    for _ in 0..CASES {
        let mut bytes = seeds[dice.below(seeds.len())].clone();
        match dice.below(4) {
            0 => bytes = (0..dice.below(80)).map(|_| dice.next().to_be_bytes()[0]).collect(),
            1 => bytes.truncate(dice.below(bytes.len())),
            2 => bytes.push(dice.next().to_be_bytes()[0]),
            _ => {
                for _ in 0..=dice.below(3) {
                    let at = dice.below(bytes.len());
                    bytes[at] = dice.next().to_be_bytes()[0];
                }
            }
        }
        if let Ok(entry) = Entry::decode(&bytes) {
            assert_eq!(encoded(&entry), bytes, "two encodings of {entry:?}");
            decoded += 1;
        }
    }
    assert!(decoded > CASES / 100, "{decoded} changed entries still decode: the cases reach past the head");
}

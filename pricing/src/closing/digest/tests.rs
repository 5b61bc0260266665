//! The digest that a closed period bears outlives every figure that is added to it.

use super::*;
use crate::closing::tests::reference::january;

/// The digests of the reference month, by version, as the software that brought each version worked them out.
const KEPT: [(u32, &str); 1] = [(1, "05bd8a9c6077e33de917f97b10fe2ad98bc1da77eeb4a0d8d73edbfbcb899b3a")];

/// The figures of a next version: one figure more of each line.
const NEXT: &[Figures] = &[
    FIGURES[0],
    FIGURES[1],
    FIGURES[2],
    FIGURES[3],
    Figures {
        since: 2,
        write: |to, closing| {
            for line in &closing.lines {
                to.number(line.exact.micros() / 2);
            }
        },
    },
];

fn kept(version: u32) -> Digest {
    let (_, hex) = KEPT.iter().find(|(one, _)| *one == version).expect("is kept");
    shuzha_core::hex::decode(hex).unwrap()
}

#[test]
fn g3_a_period_bears_the_digest_of_every_version() {
    let closing = january();
    assert_eq!(version(FIGURES), KEPT.last().unwrap().0, "a new version's digest is kept here");
    for (version, hex) in KEPT {
        assert_eq!(closing.bears(&kept(version)), Some(version), "{hex}");
    }
    assert_eq!(closing.digest, kept(version(FIGURES)), "closed by the present version");
}

#[test]
fn g3_a_new_figure_leaves_the_digests_of_closed_periods() {
    let closing = january();
    assert_eq!(by(NEXT, 1, &closing), kept(1));
    assert_ne!(by(NEXT, 2, &closing), kept(1));
    let mut altered = closing;
    altered.lines[0].exact =
        altered.lines[0].exact.checked_add(shuzha_core::MicroYuan::from_micros(1)).unwrap();
    assert_ne!(by(NEXT, 1, &altered), kept(1));
    assert_eq!(altered.bears(&kept(1)), None);
}

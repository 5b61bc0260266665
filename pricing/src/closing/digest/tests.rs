//! The digest that a closed period bears outlives every figure that is added to it.

use std::fmt::Write as _;

use super::*;
use crate::closing::tests::reference::january;

/// Where the digests of the reference month are kept, by version, as the software that brought each version worked them out.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/digests.txt");

/// Beyond every version that there is.
const NEXT_VERSION: u32 = 1_000;

/// The figures of a next version: one figure more of each line.
const NEXT: &[Figures] = &[
    FIGURES[0],
    FIGURES[1],
    FIGURES[2],
    FIGURES[3],
    FIGURES[4],
    Figures {
        since: NEXT_VERSION,
        write: |to, closing| {
            for line in &closing.lines {
                to.number(line.exact.micros() / 2);
            }
        },
    },
];

/// One value of a figure and another.
type Change = fn(&mut Closing);

/// The kept digests, the first version first. That of a new version is added with `SHUZHA_WRITE_GOLDEN=1`; a former one is never
/// written again.
fn all_kept() -> Vec<Digest> {
    let mut text = std::fs::read_to_string(KEPT).unwrap();
    let now = version(FIGURES);
    #[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests")]
    if text.lines().count() + 1 == now as usize && std::env::var("SHUZHA_WRITE_GOLDEN").is_ok() {
        let digest: String = shuzha_core::hex::encode(&january().digest);
        writeln!(text, "{now} {digest}").unwrap();
        std::fs::write(KEPT, &text).unwrap();
    }
    let one = |(version, line): (u32, &str)| {
        let (number, hex) = line.split_once(' ').unwrap();
        assert_eq!(number, version.to_string());
        shuzha_core::hex::decode(hex).unwrap()
    };
    (1..).zip(text.lines()).map(one).collect()
}

fn kept(version: u32) -> Digest {
    all_kept()[version as usize - 1]
}

#[test]
fn g3_a_period_bears_the_digest_of_every_version() {
    let closing = january();
    let (all, now) = (all_kept(), version(FIGURES));
    assert_eq!(all.len(), now as usize, "keep the digest of the new version with SHUZHA_WRITE_GOLDEN=1");
    for (version, digest) in (1..).zip(&all) {
        assert_eq!(closing.bears(digest), Some(version));
    }
    assert_eq!(closing.digest, kept(now), "closed by the present version");
}

#[test]
fn g3_a_new_figure_leaves_the_digests_of_closed_periods() {
    let closing = january();
    assert_eq!(by(NEXT, 1, &closing), kept(1));
    let now = version(FIGURES);
    assert_eq!(by(NEXT, now, &closing), kept(now));
    assert_ne!(by(NEXT, NEXT_VERSION, &closing), kept(now));
    let mut altered = closing;
    altered.lines[0].exact =
        altered.lines[0].exact.checked_add(shuzha_core::MicroYuan::from_micros(1)).unwrap();
    assert_ne!(by(NEXT, 1, &altered), kept(1));
    assert_eq!(altered.bears(&kept(1)), None);
}

/// REQUIREMENTS G5: what a provider's data did is a figure of the period like what is owed.
#[test]
fn g5_the_digest_covers_contributions() {
    let closing = january();
    assert!(!closing.contributions.is_empty());
    let changes: [Change; 9] = [
        |closing| closing.contributions[0].calls += 1,
        |closing| closing.contributions[0].records += 1,
        |closing| closing.contributions[0].charged += 1,
        |closing| closing.contributions[0].revenue = shuzha_core::Fen::new(1),
        |closing| closing.contributions[0].share = shuzha_core::Fen::new(-1),
        |closing| closing.contributions[0].assessment = None,
        |closing| closing.contributions[0].assessment.as_mut().unwrap().units += 1,
        |closing| closing.contributions[0].assessment.as_mut().unwrap().quality.faults += 1,
        |closing| drop(closing.contributions.pop()),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut altered = closing.clone();
        change(&mut altered);
        assert_eq!(altered.bears(&kept(2)), None, "{at}");
        assert_eq!(
            altered.bears(&kept(1)),
            Some(1),
            "{at}: a period that was closed before says nothing of them"
        );
    }
}

//! Files that are not what was written.

use proptest::prelude::*;
use ring::digest::{SHA256, digest};
use shuzha_products::World;

use super::write::to_bytes;
use super::*;

/// A small world with every part of the file in it.
fn snapshot() -> Snapshot {
    let window = "window: {from: 2025-01-01, until: 2031-01-01}";
    let object = |kind: &str, name: &str, spec: &str| {
        format!("---\napiVersion: shuzha/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n")
    };
    let mut text = String::new();
    for (kind, name, spec) in [
        ("Organisation", "p", "{kind: provider, uscc: 11690000MA00011499, name: p}".to_owned()),
        ("Organisation", "o", "{kind: operator, uscc: 91690000MA0001296J, name: o}".to_owned()),
        ("Organisation", "c", "{kind: unit, uscc: 91690000MA0001333Q, name: \"c --- kind: x\"}".to_owned()),
        ("DataSet", "d", "{provider: p, sensitivity: general}".to_owned()),
        ("Upstream", "s", "{endpoints: [\"127.0.0.1:1\"], timeout: 2s}".to_owned()),
        ("ApplicationUnit", "u", "{organisation: c, securityOfficer: x}".to_owned()),
        ("Credential", "\"1e3\"", format!("{{unit: u, algorithm: hmac-sha256, {window}}}")),
        ("Agreement", "a", format!("{{unit: u, {window}, signed: true}}")),
        ("Scenario", "s1", format!("{{unit: u, purpose: sector, title: t, {window}, approved: true}}")),
        ("Scenario", "s2", format!("{{unit: u, purpose: sector, title: t, {window}, approved: true}}")),
        (
            "Product",
            "x",
            "{kind: interface, title: t, operator: o, dataSets: [d], upstream: s, version: 1, operations: [{name: q, \
             method: POST, path: /q, personal: false, input: {type: object, additionalProperties: false}, output: \
             {/a: {type: string, max_length: 9}, /b: {type: string, max_length: 9}}}]}"
                .to_owned(),
        ),
        (
            "Grant",
            "g1",
            format!(
                "{{unit: u, scenario: s1, agreement: a, product: x, operations: [q], fields: [/a], {window}, \
                 quota: {{max: 7, per: month}}, rate: {{calls: 1, perSeconds: 1}}}}"
            ),
        ),
        (
            "Grant",
            "g2",
            format!(
                "{{unit: u, scenario: s2, agreement: a, product: x, operations: [q], fields: [/b], {window}, \
                 rate: {{calls: 1, perSeconds: 1}}}}"
            ),
        ),
    ] {
        text.push_str(&object(kind, name, &spec));
    }
    let world = World::parse(&[("w", text)]).unwrap_or_else(|faults| panic!("{}", faults[0]));
    Snapshot::compile(world, &KeyRing::default()).expect("it compiles")
}

#[test]
fn the_file_gives_the_world_back() {
    let snapshot = snapshot();
    let bytes = to_bytes(&snapshot);
    let kept = Kept::from_bytes(bytes.clone(), None).expect("it was just written");
    assert_eq!((kept.grants.1, kept.names.len(), kept.terms.len()), (2, 5, 2));
    let again = kept.compile(&KeyRing::default()).expect("it compiles");
    assert_eq!(again.digest(), snapshot.digest());
    assert_eq!((to_bytes(&again), again.mark()), (bytes, None));
    let mark = Some(Mark { revision: 7, act: [9; 16] });
    let kept = Kept::from_bytes(to_bytes(&again.marked(mark)), None).expect("it was just written");
    assert_eq!(kept.mark(), mark);
    assert_eq!(kept.compile(&KeyRing::default()).expect("it compiles").mark(), mark);
}

#[test]
fn a_file_that_is_none_says_why() {
    let bytes = to_bytes(&snapshot());
    assert!(matches!(Kept::from_bytes(Vec::new(), None), Err(KeptError::Version)));
    assert!(matches!(Kept::from_bytes(MAGIC.to_vec(), None), Err(KeptError::Checksum)));
    let other = [b"shuzha kept world 3\n", &bytes[MAGIC.len()..]].concat();
    assert!(matches!(Kept::from_bytes(other, None), Err(KeptError::Version)));
    let absent = Kept::read(Path::new("/nowhere/kept.world"));
    assert!(matches!(absent, Err(KeptError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound));
}

/// `bytes` with the checksum that fits them.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let content = bytes.len() - CHECKSUM_BYTES;
    let sum = digest(&SHA256, &bytes[..content]);
    bytes[content..].copy_from_slice(sum.as_ref());
    bytes
}

/// Whoever has not got the key writes no world that a node starts from.
#[test]
fn a_world_that_was_kept_under_another_key_or_none_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kept.world");
    let (key, other) = (KeptKey::new(&[7; 32]), KeptKey::new(&[8; 32]));
    write_sealed(&path, &snapshot(), &key).expect("written");
    assert_eq!(Kept::read_sealed(&path, &key).expect("its own").digest(), snapshot().digest());
    assert!(matches!(Kept::read_sealed(&path, &other), Err(KeptError::Checksum)));
    assert!(matches!(Kept::read(&path), Err(KeptError::Checksum)));
    write(&path, &snapshot()).expect("written");
    assert!(matches!(Kept::read_sealed(&path, &key), Err(KeptError::Checksum)));
}

proptest! {
    /// Damage is noticed, wherever it is.
    #[test]
    fn a_changed_or_shortened_file_is_refused(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let whole = to_bytes(&snapshot());
        let at = at.index(whole.len());
        let mut damaged = whole.clone();
        damaged[at] ^= flip;
        prop_assert!(Kept::from_bytes(damaged, None).is_err());
        prop_assert!(Kept::from_bytes(whole[..at].to_vec(), None).is_err());
    }

    /// What fits its checksum and was written by another hand is a world or a reason, and never a panic.
    #[test]
    fn a_forged_file_does_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<prop::sample::Index>())),
    ) {
        let mut bytes = to_bytes(&snapshot());
        let end = bytes.len() - CHECKSUM_BYTES;
        for (at, byte) in changes {
            bytes[MAGIC.len() + at.index(end - MAGIC.len())] = byte;
        }
        if let Some((from, count)) = cut {
            let from = MAGIC.len() + from.index(end - MAGIC.len());
            bytes.drain(from..from + count.index(end - from));
        }
        if let Ok(kept) = Kept::from_bytes(resealed(bytes), None) {
            let _ = kept.compile(&KeyRing::default());
        }
    }
}

//! The table has every field of a line, and its history only grows.

use std::collections::BTreeSet;

use super::*;

fn id(name: &str) -> Id {
    Id::new(name).unwrap()
}

fn line(name: &str, purpose: PurposeClass, basis: Basis) -> Line {
    let [unit, agreement, scenario, product, price] = [0; 5].map(|_| id(name));
    Line { unit, agreement, scenario, product, price, purpose, basis }
}

/// A line with another figure in every field than a line of nothing has.
fn full() -> RatedLine {
    let about = line("some", PurposeClass::Sector, Basis::Preferred);
    let mut full = RatedLine::of(about, "2026-08".parse().unwrap());
    for (number, field) in (7..).zip(FIELDS) {
        let figure = match field.kind {
            FieldKind::Text => Figure::Text("1号"),
            FieldKind::Count => Figure::Count(number),
            FieldKind::MicroYuan => Figure::MicroYuan(MicroYuan::from_micros(7)),
            FieldKind::Fen => Figure::Fen(Fen::new(7)),
            FieldKind::Parts => Figure::Parts(7),
            FieldKind::Month | FieldKind::Id | FieldKind::Purpose | FieldKind::Basis => continue,
        };
        field.put(&mut full, figure);
        assert_eq!(field.of(&full), Some(figure), "{} is read from another place than it is put", field.key);
    }
    full
}

/// The parts of what a value prints for debugging, each a field and what it holds.
fn parts(line: &RatedLine) -> BTreeSet<String> {
    format!("{line:?}").split(", ").map(str::to_owned).collect()
}

#[test]
fn g4_every_field_of_a_line_is_in_the_table() {
    let nothing =
        RatedLine::of(line("none", PurposeClass::Industry, Basis::Price), "2026-07".parse().unwrap());
    let (nothing, full) = (parts(&nothing), parts(&full()));
    let missing: Vec<_> = nothing.intersection(&full).collect();
    assert!(
        missing.is_empty(),
        "{missing:?}: each field of a line needs its row in FIELDS of pricing/src/closing/rated.rs"
    );
}

#[test]
fn g4_the_table_only_grows() {
    let mut before = FIELDS[0];
    let mut columns = BTreeSet::new();
    for field in FIELDS {
        let key = field.key;
        assert!(columns.insert(field.column), "{key}: another field is kept in this column");
        assert!(
            (before.since..=before.since + 1).contains(&field.since),
            "{key}: a new row stands at the end, with the next version of the export, as came(since, digest, migration)"
        );
        assert_eq!(
            (field.since > 1, field.since > 1),
            (field.migration.is_some(), field.digest > 1),
            "{key}: a field that came later has a migration and a version of the digest: came(since, digest, migration)"
        );
        assert!(
            field.digest >= before.digest && field.migration >= before.migration,
            "{key}: numbers only grow"
        );
        before = *field;
    }
    assert_eq!(
        FIELDS.iter().filter(|field| field.migration.is_none()).count(),
        21,
        "the first lines had these"
    );
    let mut places: Vec<_> = FIELDS.iter().filter_map(|field| field.paper).map(|paper| paper.place).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(
        places.len(),
        FIELDS.iter().filter(|field| field.paper.is_some()).count(),
        "two stand in one place on papers"
    );
}

#[test]
fn g4_a_field_that_came_later_is_none_in_lines_from_before() {
    let later = field(FieldKind::Count, "later", "后增", Access { get: |_| None, put: Some(|_, _| ()) })
        .came(2, 3, 7);
    assert_eq!((later.since, later.digest, later.migration), (2, 3, Some(7)));
    assert_eq!(later.of(&full()), None);
    assert_eq!(LineField::latest(1, &[FIELDS[0], later], Latest::Digest), 3);
    assert_eq!(LineField::latest(2, &[FIELDS[0], later.on_paper(10, "后增", 4)], Latest::Form), 4);
}

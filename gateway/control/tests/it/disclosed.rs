//! What anyone may read (J1): exactly the columns, of what is public, and no person.

use serde_json::json;
use shuzha_control::Rules;
use shuzha_control::public::{Cell, CellKind, DISCLOSURES, Disclosure};
use shuzha_products::jurisdiction::{calendar, pack};
use shuzha_testkit_control::TestWorld;

use crate::ways::ways;

fn rows(town: &TestWorld, plural: &str) -> Vec<Vec<Cell>> {
    let subject = Disclosure::find(plural).expect("a subject");
    let page = town.plane.control.disclosed(subject, None, 200).expect("answers");
    assert_eq!(page.next, None);
    page.items
}

/// The cell of a row in a column.
fn cell<'r>(plural: &str, row: &'r [Cell], column: &str) -> &'r Cell {
    let columns = Disclosure::find(plural).expect("a subject").columns;
    &row[columns.iter().position(|one| one.name == column).expect("a column")]
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn said(town: &TestWorld) -> Vec<(Cell, Cell)> {
    let of = |row: &Vec<Cell>| {
        let cell = |column| cell("announcements", row, column).clone();
        (cell("name"), cell("state"))
    };
    rows(town, "announcements").iter().map(of).collect()
}

#[test]
fn j1_authorisations_are_disclosed_with_object_content_scope_and_term() {
    let town = TestWorld::authorised();
    let scenarios = rows(&town, "scenarios");
    let onboarding = scenarios.iter().find(|row| row[0] == text("onboarding")).expect("approved");
    assert_eq!(cell("scenarios", onboarding, "state"), &text("approved"));
    assert!(matches!(cell("scenarios", onboarding, "unitTitle"), Cell::Text(_)));
    assert!(matches!(cell("scenarios", onboarding, "until"), Cell::Instant(_)));
    let agreements = rows(&town, "agreements");
    let agreement = agreements.iter().find(|row| row[0] == text("bank-2026")).expect("in force");
    for column in ["unitTitle", "scope", "state"] {
        assert!(matches!(cell("agreements", agreement, column), Cell::Text(_)), "{column}");
    }
    assert!(said(&town).contains(&(text("onboarding"), text("approved"))));
    assert!(said(&town).contains(&(text("bank-2026"), text("in-force"))));

    let before = said(&town).len();
    let body = json!({"rectifyBy": "2026-12-01"});
    town.act("wang", "Scenario", "onboarding", "suspend", &body).expect("suspended");
    assert_eq!(said(&town)[0], (text("onboarding"), text("suspended")), "the latest comes first");
    assert_eq!(said(&town).len(), before + 1);
    assert_eq!(cell("scenarios", &rows(&town, "scenarios")[0], "state"), &text("suspended"));
    // Coming back is no other approval.
    town.act("wang", "Scenario", "onboarding", "resume", &json!({})).expect("resumed");
    let latest = &rows(&town, "announcements")[0];
    let what = cell("announcements", latest, "what");
    assert_eq!((cell("announcements", latest, "state"), what), (&text("approved"), &text("恢复 resumed")));
}

#[test]
fn j1_what_is_applied_for_and_whoever_is_a_person_stays_untold() {
    let town = TestWorld::authorised();
    let draft = ways().into_iter().find(|way| way.kind == "Scenario").expect("a way");
    town.open("wu", "Scenario", "applied-for", &draft.spec);
    let accounts = ["sun", "wang", "wu", "zhao", "zhou"];
    for subject in &DISCLOSURES {
        for row in rows(&town, subject.plural) {
            assert_eq!(row.len(), subject.columns.len(), "{}", subject.plural);
            assert!(row[0] != text("applied-for"), "{}", subject.plural);
            for (column, cell) in subject.columns.iter().zip(&row) {
                let fits = matches!(
                    (column.kind, cell),
                    (_, Cell::None)
                        | (CellKind::Name | CellKind::Text | CellKind::Word, Cell::Text(_))
                        | (CellKind::Texts | CellKind::Words, Cell::Texts(_))
                        | (CellKind::Instant, Cell::Instant(_))
                        | (CellKind::Flag, Cell::Flag(_))
                );
                assert!(fits, "{} {}: {cell:?}", subject.plural, column.name);
                let shown = format!("{cell:?}");
                assert!(!shown.contains("林望舒"), "{} {}: {shown}", subject.plural, column.name);
                assert!(accounts.iter().all(|account| *cell != text(account)), "{}: {shown}", column.name);
            }
        }
    }
    assert!(!said(&town).iter().any(|(name, _)| *name == text("applied-for")));
}

#[test]
fn j1_operating_agreements_are_disclosed_with_object_content_extent_and_term() {
    let town = TestWorld::authorised();
    let rules = Rules { jurisdiction: pack("gansu").expect("built in"), calendar: calendar().clone() };
    town.plane.control.set_rules(rules).expect("taken");
    town.operating("yunze-2026");
    let found = rows(&town, "operating-agreements");
    let one = found.iter().find(|row| row[0] == text("yunze-2026")).expect("in force");
    for column in ["authoriser", "operatorTitle", "mode", "products", "state"] {
        assert!(matches!(cell("operating-agreements", one, column), Cell::Text(_)), "{column}");
    }
    let Cell::Texts(extent) = cell("operating-agreements", one, "extent") else { panic!("an extent") };
    assert!(!extent.is_empty());
    assert!(said(&town).contains(&(text("yunze-2026"), text("in-force"))));
}

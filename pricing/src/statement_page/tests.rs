//! Papers keep the form in which they were handed out.

use std::collections::BTreeMap;

use shuzha_core::{MicroYuan, PurposeClass};

use super::paper::Cell;
use super::tables::TableColumn;
use super::*;
use crate::Basis;
use crate::closing::CallTree;
use crate::metering::Line;

fn id(name: &str) -> Id {
    Id::new(name).unwrap()
}

fn line(gross: i64) -> RatedLine {
    let line = Line {
        unit: id("bank-a"),
        agreement: id("xy-1"),
        scenario: id("loan-review"),
        product: id("credit-score"),
        price: id("p1"),
        purpose: PurposeClass::Industry,
        basis: Basis::Price,
    };
    RatedLine {
        calls: 4,
        quantity: 4,
        exact: MicroYuan::from_micros(gross * 10_000),
        taxed: Taxed::inclusive(Fen::new(gross), 600),
        vat_parts: 600,
        act: "1号".to_owned(),
        first_seq: 1,
        last_seq: 4,
        ..RatedLine::of(line, "2026-08".parse().unwrap())
    }
}

type Columns = Vec<TableColumn<RatedLine>>;

/// The lines' table of a next form: one column more, in the middle, with a sum below it.
fn next() -> Columns {
    let each = TableColumn::new("再多一列", |_, one: &RatedLine, _| {
        Cell::number(yuan(Fen::new(one.taxed.gross.count() / 4)))
    });
    let mut columns = tables::lines();
    columns.insert(6, each.summed(|one| one.taxed.gross).since(FORM + 1));
    columns
}

fn free() -> FreeGround {
    let conditions = vec!["仅用于城市治理".to_owned(), "不得转供他人".to_owned()];
    FreeGround {
        kind: "Scenario",
        name: id("loan-review"),
        ground: "public-governance".to_owned(),
        conditions,
    }
}

fn printed(line: &RatedLine, form: u32, columns: &Columns) -> String {
    let party = Party { name: "某某", credit_code: "91370600MA0000001X" };
    let frame = Frame {
        form,
        month: "2026-08".parse().unwrap(),
        digest: &[7; 32],
        issued: Day::new(2026, 9, 3).unwrap(),
        issuer: party,
        recipient: party,
        free_use: &[free()],
        reply_by: None,
        names: &|id: &Id| id.to_string(),
    };
    let statement = Statement {
        number: "JS-2026-08-bank-a".to_owned(),
        unit: id("bank-a"),
        taxed: line.taxed,
        lines: 0..1,
        tree: None::<CallTree>,
    };
    statement_paper((&statement, std::slice::from_ref(line)), None, &frame, columns).unwrap()
}

#[test]
fn g3_a_paper_of_a_former_form_is_printed_as_it_was_handed_out() {
    let handed_out: BTreeMap<u32, String> =
        (1..=FORM).map(|form| (form, printed(&line(400), form, &tables::lines()))).collect();
    for (form, paper) in &handed_out {
        assert_eq!(
            printed(&line(400), *form, &next()),
            *paper,
            "a column more changes no paper of form {form}"
        );
        let altered = printed(&line(401), *form, &next());
        assert_ne!(altered, *paper, "another amount is another paper");
    }
    let new = printed(&line(400), FORM + 1, &next());
    assert!(new.contains("再多一列") && !handed_out[&FORM].contains("再多一列"));
}

#[test]
fn g3_the_form_of_a_paper_is_found_and_a_changed_one_has_none() {
    let print = |form| Ok::<_, Overflow>(printed(&line(400), form, &tables::lines()));
    let paper = print(1).unwrap();
    assert_eq!(form_of(&paper, print).unwrap(), Some(1));
    assert_eq!(form_of(&paper.replace("4.00", "5.00"), print).unwrap(), None);
}

/// REQUIREMENTS F6.
#[test]
fn f6_a_paper_says_under_what_conditions_its_free_lines_are_free() {
    let print = |form| printed(&line(400), form, &tables::lines());
    for part in ["无偿使用的条件", "公共治理", "仅用于城市治理；不得转供他人"] {
        assert!(print(FREE_USE_FORM).contains(part) && !print(1).contains(part), "{part}");
    }
}

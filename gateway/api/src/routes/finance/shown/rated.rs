//! A rated line as it is answered: every field of the table of a line's fields, at its path.

use serde_json::{Map, Value};
use shuzha_pricing::closing::RatedLine;
use shuzha_pricing::closing::rated::{FIELDS, Figure};
use shuzha_schema::finance as shown;

/// The line's document.
pub(in crate::routes::finance) fn line(line: &RatedLine) -> shown::RatedLine {
    serde_json::from_value(document(line).into())
        .expect("a test compares the type with the table of a line's fields")
}

fn document(line: &RatedLine) -> Map<String, Value> {
    let mut document = Map::new();
    for field in FIELDS {
        let value = field.of(line).map_or(Value::Null, answered);
        match field.path.split_once('.') {
            None => drop(document.insert(field.path.to_owned(), value)),
            Some((outer, inner)) => {
                let is_list = inner.parse::<usize>().is_ok();
                let empty = || if is_list { Value::Array(Vec::new()) } else { Map::new().into() };
                match document.entry(outer).or_insert_with(empty) {
                    Value::Array(items) => items.push(value),
                    within => within[inner] = value,
                }
            }
        }
    }
    document
}

fn answered(figure: Figure<'_>) -> Value {
    match figure {
        Figure::Id(id) => id.as_str().into(),
        Figure::Text(text) => text.into(),
        Figure::Month(month) => month.to_string().into(),
        Figure::Purpose(purpose) => purpose.as_str().into(),
        Figure::Basis(basis) => basis.as_str().into(),
        Figure::Count(count) => count.into(),
        Figure::MicroYuan(amount) => amount.to_string().into(),
        Figure::Fen(amount) => amount.to_string().into(),
        Figure::Parts(parts) => parts.into(),
    }
}

#[cfg(test)]
mod tests {
    use shuzha_core::{Fen, Id, MicroYuan, PurposeClass};
    use shuzha_pricing::Basis;
    use shuzha_pricing::closing::rated::FieldKind;
    use shuzha_pricing::metering::Line;

    use super::*;

    #[test]
    fn g4_the_document_of_a_line_has_every_field_of_the_table_and_no_other() {
        let [unit, agreement, scenario, product, price] =
            ["u", "a", "s", "p", "r"].map(|id| Id::new(id).unwrap());
        let (purpose, basis) = (PurposeClass::Industry, Basis::Price);
        let about = Line { unit, agreement, scenario, product, price, purpose, basis };
        let mut full = RatedLine::of(about, "2026-08".parse().unwrap());
        for field in FIELDS.iter().filter(|field| !field.is_known()) {
            field.put(
                &mut full,
                match field.kind {
                    FieldKind::Count => Figure::Count(7),
                    FieldKind::MicroYuan => Figure::MicroYuan(MicroYuan::from_micros(70_000)),
                    FieldKind::Fen => Figure::Fen(Fen::new(700)),
                    FieldKind::Parts => Figure::Parts(7),
                    _ => Figure::Text("1号"),
                },
            );
        }
        let wanted = Value::from(document(&full));
        let typed: Result<shown::RatedLine, _> = serde_json::from_value(wanted.clone());
        let typed = typed.unwrap_or_else(|error| {
            panic!("RatedLine in gateway/schema/src/finance.rs has a field that FIELDS of pricing/src/closing/rated.rs lacks: {error}")
        });
        assert_eq!(
            serde_json::to_value(typed).unwrap(),
            wanted,
            "RatedLine in gateway/schema/src/finance.rs and FIELDS of pricing/src/closing/rated.rs differ: the type has the path of \
             each field, in camel case, as an Option where it came later"
        );
    }
}

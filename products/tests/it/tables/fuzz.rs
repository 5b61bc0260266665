//! Whatever a product service answers, no text leaves a table but what was declared.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shuzha_core::Code;
use shuzha_privacy::output::FieldSet;
use shuzha_testkit::Seeded;

use super::{NOISED, SUPPRESSED, keys, noised, of, operation, product, suppressed, tabulated, with};

/// Values and answers, of random numbers.
struct Draws(Seeded);

impl Draws {
    fn value(&self, texts: &[&str]) -> Value {
        match self.0.below(8) {
            0 => json!(self.0.pick(texts)),
            1 => json!([self.0.pick(texts)]),
            2 => json!({self.0.pick(texts): self.0.pick(texts)}),
            3 => json!(-3),
            4 => json!(2.5),
            5 => Value::Null,
            _ => json!(self.0.below(2_000)),
        }
    }

    /// An answer that is right in most places, with texts that nobody declared in others.
    fn answer(&self, of: [&[&str]; 2], foreign: &[&str]) -> Value {
        let odd = 2 + self.0.below(30);
        let mut rows = Vec::new();
        for one in of[0] {
            for two in of[1] {
                let wrong = self.0.below(odd) == 0;
                let key = match (wrong, self.0.below(5)) {
                    (true, 0) => json!([self.0.pick(foreign), two]),
                    (true, 1) => json!([one, self.0.pick(foreign)]),
                    (true, 2) => json!([one, two, self.0.pick(foreign)]),
                    (true, 3) => json!(self.0.pick(foreign)),
                    (true, _) => json!({self.0.pick(foreign): one}),
                    (false, _) => json!([one, two]),
                };
                let count =
                    if self.0.below(odd) == 0 { self.value(foreign) } else { json!(self.0.below(500)) };
                let mut row = json!({"key": key, "count": count});
                if self.0.below(odd) == 0 {
                    row[self.0.pick(foreign)] = self.value(foreign);
                }
                if self.0.below(odd) > 0 {
                    rows.push(row);
                }
            }
        }
        let mut answer = json!({"reference_date": "2026-06-30", "rows": rows});
        if self.0.below(odd) == 0 {
            answer[self.0.pick(foreign)] = self.value(foreign);
        }
        answer
    }
}

/// Every text in a document, names of members among them.
fn texts(value: &Value, take: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => take(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, take)),
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            take(name);
            texts(member, take);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests, not configuration")]
fn rounds() -> u32 {
    if std::env::var("SHUZHA_FULL").is_ok() { 1_000_000 } else { 10_000 }
}

const FOREIGN: [&str; 6] =
    ["张三丰", "690113200205284265", "13800005678", "罕见病", "欠款000001元", "\u{202e}*"];

/// Whatever is answered, nothing leaves but what was declared: 10⁶ answers with `SHUZHA_FULL=1`.
#[test]
fn e2_no_foreign_byte_leaves_a_table() {
    let world = suppressed(SUPPRESSED).expect("a table");
    let table = of(&world);
    let known: BTreeSet<&str> = [
        "by",
        "county",
        "sex",
        "protection",
        "suppress",
        "reference_date",
        "2026-06-30",
        "threshold",
        "rows",
        "key",
        "count",
        "merged",
        "keys",
        "甲",
        "乙",
        "f",
        "m",
        "*",
    ]
    .into();
    let draws = Draws(Seeded::new(0x7ab1e));
    let (mut released, mut refused) = (0_u32, 0_u32);
    let mut forms = BTreeSet::new();
    for _ in 0..rounds() {
        let answer = draws.answer([&["甲", "乙"], &["f", "m"]], &FOREIGN);
        match table.release(FieldSet::default(), answer.to_string().as_bytes()) {
            Ok(left) => {
                let left: Value = serde_json::from_slice(&left.bytes).expect("JSON");
                texts(&left, &mut |text| assert!(known.contains(text), "`{text}` of {answer}"));
                forms.insert(keys(&left));
                released += 1;
            }
            Err(fault) => {
                assert_eq!((fault.code, fault.at.is_ascii()), (Code::C901, true));
                refused += 1;
            }
        }
    }
    assert!(released > 1_000 && refused > 1_000, "{released} released, {refused} refused");
    assert_eq!(forms.len(), 1, "the keys follow from the declaration alone");
}

#[test]
fn e2_no_foreign_byte_leaves_a_noised_table() {
    let world = with(&product("more", "census", &operation("get", NOISED))).expect("a table");
    let table = of(&world);
    let known: BTreeSet<&str> = [
        "by",
        "income",
        "sex",
        "protection",
        "noise",
        "data_version",
        "adult-1",
        "rows",
        "key",
        "count",
        "accuracy_95",
        "of",
        "mechanism",
        "discrete_laplace",
        "scale",
        "privacy",
        "unit",
        "person",
        "max_rows_per_person",
        "measure",
        "epsilon",
        "charge",
        "0.5",
        "post_processing",
        "nonnegative",
        "consistent_totals",
        "<=50K",
        ">50K",
        "Female",
        "Male",
        "*",
    ]
    .into();
    let draws = Draws(Seeded::new(0xca11));
    let mut released = 0;
    let mut forms = BTreeSet::new();
    for _ in 0..rounds() / 10 {
        let answer = draws.answer([&["<=50K", ">50K"], &["Female", "Male"]], &FOREIGN);
        let Some(kept) = noised(&world, table, &answer["rows"]) else { continue };
        let left = tabulated(&world, table, &kept);
        texts(&left, &mut |text| assert!(known.contains(text), "`{text}` of {answer}"));
        forms.insert(keys(&left));
        released += 1;
    }
    assert!(released > 100, "{released}");
    assert_eq!(forms.len(), 1, "the keys follow from the declaration alone");
}

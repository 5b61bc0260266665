//! Writing JSON as YAML that reads back as the same JSON.

use std::fmt::Write as _;

use serde_json::Value;

/// Words that YAML, by one version or another, reads as something else than text.
const WORDS: [&str; 11] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"];

/// `key: value`, in block style, with its line ends.
pub(super) fn field(key: &str, value: &Value) -> String {
    let mut out = text(key);
    out.push(':');
    below(value, 0, &mut out);
    out
}

/// What follows a key: on its line, or on the lines below.
fn below(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            entries(value, depth + 1, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                indent(depth + 1, out);
                out.push('-');
                match item {
                    // The first entry stands on the dash's line, where the others are aligned to it.
                    Value::Object(fields) if !fields.is_empty() => {
                        let mut inner = String::new();
                        entries(item, depth + 2, &mut inner);
                        out.push(' ');
                        out.push_str(inner.trim_start());
                    }
                    other => below(other, depth + 1, out),
                }
            }
        }
        flat => {
            out.push(' ');
            out.push_str(&scalar(flat));
            out.push('\n');
        }
    }
}

fn entries(value: &Value, depth: usize, out: &mut String) {
    for (key, value) in value.as_object().into_iter().flatten() {
        indent(depth, out);
        out.push_str(&text(key));
        out.push(':');
        below(value, depth, out);
    }
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Whatever has no inner lines: empty ones among them.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(value) => text(value),
        other => other.to_string(),
    }
}

/// Text, in quotes wherever YAML could see anything else in it.
pub(super) fn text(value: &str) -> String {
    let letter = |c: char| c.is_ascii_alphabetic() || ('\u{4e00}'..='\u{9fff}').contains(&c);
    let plain = value.starts_with(letter)
        && value.chars().all(|c| letter(c) || c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | '/'))
        && !WORDS.iter().any(|word| value.eq_ignore_ascii_case(word));
    if plain {
        return value.to_owned();
    }
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // What YAML does not print, or takes for an end of line or a mark at the start of a file.
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use shuzha_products::world::documents;

    use super::*;

    fn read_back(spec: &Value) -> Value {
        let file =
            format!("apiVersion: shuzha/v1\nkind: Product\nmetadata: {{name: a}}\n{}", field("spec", spec));
        let mut read =
            documents(&[("f", &file)], &["Product"]).unwrap_or_else(|faults| panic!("{faults:?}\n{file}"));
        read.remove(0).spec
    }

    #[test]
    fn what_yaml_could_misread_is_quoted() {
        for word in [
            "",
            "no",
            "NULL",
            "1",
            "2025-01-01",
            "~",
            "a: b",
            "a #b",
            " a",
            "- a",
            "0x1f",
            ".5",
            "*a",
            "核验，甲",
            "a\u{85}b\u{7f}",
        ] {
            assert_eq!(
                read_back(&json!({"v": word, "l": [word]})),
                json!({"v": word, "l": [word]}),
                "{word:?}"
            );
        }
        assert_eq!(text("bank-a.1"), "bank-a.1");
        assert_eq!(text("核验"), "核验");
        let nested = json!({"a": [[1, []], {"b": {}, "c": [{"d": [1.5, null]}]}, {}], "e": "x\n---\ny"});
        assert_eq!(read_back(&nested), nested);
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let number = prop_oneof![
            any::<i64>().prop_map(Value::from),
            (-1e15..1e15).prop_map(|real: f64| Value::from(real))
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            number,
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            let list = prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from);
            let map = prop::collection::btree_map(any::<String>(), inner, 0..5);
            prop_oneof![list, map.prop_map(|map| Value::Object(map.into_iter().collect()))]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_back_the_same(value in json_value()) {
            prop_assert_eq!(read_back(&value), value);
        }
    }
}

//! What differs between two specs, field by field.

use serde_json::Value;

/// One field that differs.
#[derive(Debug, PartialEq)]
pub(super) struct Difference<'v> {
    /// Where, `spec.needs[1].product`.
    pub(super) path: String,
    /// What it was; none where there was nothing.
    pub(super) before: Option<&'v Value>,
    /// What it becomes; none where it goes.
    pub(super) after: Option<&'v Value>,
}

impl Difference<'_> {
    /// The difference in one line.
    pub(super) fn line(&self) -> String {
        let shown = |value: Option<&Value>| value.map_or_else(|| "—".to_owned(), Value::to_string);
        format!("{}: {} → {}", self.path, shown(self.before), shown(self.after))
    }
}

/// Every leaf that differs, in order of path.
pub(super) fn differences<'v>(path: &str, before: &'v Value, after: &'v Value) -> Vec<Difference<'v>> {
    let mut found = Vec::new();
    compare(path.to_owned(), Some(before), Some(after), &mut found);
    found
}

fn compare<'v>(
    path: String,
    before: Option<&'v Value>,
    after: Option<&'v Value>,
    found: &mut Vec<Difference<'v>>,
) {
    match (before, after) {
        (Some(before), Some(after)) if before == after => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                compare(format!("{path}.{key}"), old.get(key), new.get(key), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for at in 0..old.len().max(new.len()) {
                compare(format!("{path}[{at}]"), old.get(at), new.get(at), found);
            }
        }
        _ => found.push(Difference { path, before, after }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_leaves_that_differ_are_told() {
        let before = json!({"a": {"b": 1, "c": [1, 2]}, "gone": true, "same": [{"x": 1}], "kind": 1});
        let after = json!({"a": {"b": 2, "c": [1, 2, 3]}, "same": [{"x": 1}], "kind": {"y": 1}});
        let lines: Vec<_> = differences("spec", &before, &after).iter().map(Difference::line).collect();
        let expected =
            ["spec.a.b: 1 → 2", "spec.a.c[2]: — → 3", "spec.gone: true → —", "spec.kind: 1 → {\"y\":1}"];
        assert_eq!(lines, expected);
        assert!(differences("spec", &before, &before).is_empty());
    }
}

//! What is asked of a spec when it is declared, and not again when it is read: rules that came after objects which are
//! still in force. Whoever takes a declaration asks here first; a register of an older version is read without it.

use serde_json::Value;
use shuzha_core::{identity, text};

use crate::parties::Organisation;
use crate::world::Object as _;
use shuzha_core::Fault;

/// Most faults of one spec that are told.
const FAULTS_MAX: usize = 32;

/// The faults of `spec`, of an object or of a verb's body:
///
/// - every text in it is one that people can read and tell apart ([`text::check`]);
/// - the code of an organisation is one that GB 32100 knows ([`identity::check_organisation`]).
#[must_use]
pub fn check(kind: &str, spec: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    texts("spec", spec, &mut faults);
    if let (Organisation::KIND, Some(code)) = (kind, spec["uscc"].as_str())
        && identity::check_organisation_form(code).is_ok()
        && let Err(error) = identity::check_organisation(code)
    {
        faults.push(Fault::new("spec.uscc", format!("not a 统一社会信用代码: {error}")));
    }
    faults
}

fn texts(path: &str, value: &Value, faults: &mut Vec<Fault>) {
    if faults.len() >= FAULTS_MAX {
        return;
    }
    match value {
        Value::String(written) => {
            if let Err(error) = text::check(written) {
                faults.push(Fault::new(path, error.to_string()));
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| texts(&format!("{path}[{at}]"), item, faults));
        }
        Value::Object(members) => {
            for (key, member) in members {
                match text::check(key) {
                    Ok(()) => texts(&format!("{path}.{key}"), member, faults),
                    // The key itself is what cannot be shown.
                    Err(error) => faults.push(Fault::new(path, format!("a key {error}"))),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(kind: &str, spec: &Value) -> Vec<String> {
        check(kind, spec).into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn every_text_of_a_spec_is_looked_at() {
        let spec = json!({"title": "核验\u{202e}", "operations": [{"name": "a"}, {"title": "x\u{200b}"}], "\u{feff}": 1, "n": 2});
        let mut found = faults("Product", &spec);
        found.sort();
        assert_eq!(found, ["spec", "spec.operations[1].title", "spec.title"]);
        assert_eq!(faults("Product", &json!({"title": "企业核验", "operations": []})), Vec::<String>::new());
    }

    #[test]
    fn the_code_of_an_organisation_is_looked_at_whole() {
        for (code, expected) in [
            ("91690114MAC4UCDX1R", vec![]),
            ("690113199802030014", vec!["spec.uscc".to_owned()]),
            ("000000000000000000", vec!["spec.uscc".to_owned()]),
            // What has not even the form is told by whoever reads the object.
            ("91690114MAC4UCDX1Q", vec![]),
        ] {
            assert_eq!(faults("Organisation", &json!({"uscc": code})), expected, "{code}");
        }
        assert_eq!(faults("Scenario", &json!({"uscc": "000000000000000000"})), Vec::<String>::new());
    }

    #[test]
    fn a_hostile_spec_tells_so_many_faults_and_no_more() {
        let spec = json!({"all": vec!["\u{200b}"; 10_000]});
        assert_eq!(check("Product", &spec).len(), FAULTS_MAX);
    }
}

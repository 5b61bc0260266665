//! What a registration claims for itself, so that nothing is registered twice (重复登记, Gansu-R 30(一)).

use serde_json::Value;
use shuzha_core::Code;

use super::spec::Content;
use super::state::{State, Step};
use crate::case::Claim;

/// The claims of a registration that was applied for, or stands: one product has one registration, one data set one as
/// a resource, one entry of a catalogue one resource; and whatever has another's name and is made of the same is the
/// other. A draft claims nothing: nobody keeps others out by writing one. What was ended may be registered anew.
pub(super) fn claims(content: &Content, spec: &Value, state: &State) -> Vec<Claim> {
    if !state.registered() && state.step().is_none_or(|step| step == Step::Draft) {
        return Vec::new();
    }
    let pending = state.procedure.as_ref().and_then(|procedure| procedure.pending.as_ref());
    let registered = state.content.as_ref().unwrap_or(spec);
    let mut claims = Vec::new();
    for told in [Some(registered), pending.map(|pending| &pending.content)].into_iter().flatten() {
        claims.extend(
            of(content, told).into_iter().filter(|claim| !claims.contains(claim)).collect::<Vec<_>>(),
        );
    }
    claims
}

fn of(content: &Content, told: &Value) -> Vec<Claim> {
    let text = |pointer| told.pointer(pointer).and_then(Value::as_str);
    let claim = |of, key: &[&str], path| {
        let key = key.iter().map(|part| (*part).to_owned()).collect();
        Claim { of, key, path, code: Code::C1210 }
    };
    let name = text("/basic/name").unwrap_or_default().trim();
    if let Some(product) = &content.product {
        let made_of = content.data_sets.join(" ");
        return vec![
            claim("registered product", &[product.as_str()], "spec.basic.product"),
            claim("registered name", &["product", name, &made_of], "spec.basic.name"),
        ];
    }
    let data_set = text("/basic/dataSet").unwrap_or_default();
    let catalogue = text("/catalogue/reference").map(str::trim);
    let catalogue = catalogue.map(|entry| claim("catalogue entry", &[entry], "spec.catalogue.reference"));
    [
        claim("registered data set", &[data_set], "spec.basic.dataSet"),
        claim("registered name", &["resource", name, data_set], "spec.basic.name"),
    ]
    .into_iter()
    .chain(catalogue)
    .collect()
}

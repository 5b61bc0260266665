//! The section `[egress]`: where the gateway may connect to for product services, and what these must prove.

use shuzha_proxy::{EgressRule, Prove};

use super::reader::Reader;

/// Most rules.
const RULES_MAX: usize = 1_024;

/// Where the gateway may connect to.
#[derive(Clone, Debug)]
pub struct EgressConfig {
    pub(crate) allow: Vec<EgressRule>,
    /// Which product services prove what they are before they are called.
    pub prove: Prove,
}

pub(crate) fn read(r: &mut Reader) -> Option<EgressConfig> {
    let texts = r.take::<Vec<String>>("egress", "allow");
    let prove = r.take::<String>("egress", "self_description");
    let mut allow = Vec::new();
    if texts.as_ref().is_some_and(|texts| texts.len() > RULES_MAX) {
        r.fault("egress.allow", format!("at most {RULES_MAX} entries"));
    }
    for text in texts? {
        match text.parse() {
            Ok(rule) => allow.push(rule),
            Err(error) => r.fault("egress.allow", format!("\"{text}\": {error}")),
        }
    }
    let prove = match prove?.as_str() {
        "declared" => Prove::Declared,
        "persons" => Prove::Persons,
        "required" => Prove::All,
        other => {
            r.fault(
                "egress.self_description",
                format!("\"{other}\" is none of: declared, persons, required"),
            );
            return None;
        }
    };
    Some(EgressConfig { allow, prove })
}

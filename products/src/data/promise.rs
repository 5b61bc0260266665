//! What earlier declarations promised about people, and whether another one keeps it (REQUIREMENTS E6, ADR 0033).
//!
//! A cap is a promise to the people behind the data: nobody widens it by declaring again. What was promised follows from every
//! version that was ever in force, removed ones too, and from the decisions that raised it ([`crate::case`], `PrivacyRaise`). The
//! one function [`Promised::check`] judges before a declaration is accepted and again before it is put in force.

use std::collections::BTreeMap;

use serde_json::Value;
use shuzha_core::{Code, Measure, NanoCharge};
use shuzha_privacy::dp::{Domain, DomainDigest, Terms};

/// δ at which a cap in ρ is read as an ε: what one unit of a cap may fail with (`shuzha_privacy::dp`).
const DELTA: f64 = 1e-9;

/// One thing that was said about a person-space or a data set, in the order of the register's acts.
#[derive(Clone, Copy, Debug)]
pub enum Said<'s> {
    /// It was declared with this spec.
    Declared(&'s Value),
    /// It was decided that its cap may be as high as this.
    Raised(NanoCharge),
}

/// What a declaration says that others rely on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Stated {
    measure: Option<String>,
    cap: Option<NanoCharge>,
    space: Option<String>,
    /// Whose the data set is.
    provider: Option<String>,
    /// The data version and the digest of its domain.
    domain: Option<(String, DomainDigest)>,
}

impl Stated {
    /// Of a `PersonSpace` or a `DataSet`; nothing of a data set without privacy terms.
    fn of(spec: &Value) -> Self {
        let terms = spec.get("privacy").unwrap_or(spec);
        let text = |field: &str| terms.get(field).and_then(Value::as_str).map(str::to_owned);
        // Only the digest is asked for, which no term is part of.
        let any = Terms { measure: Measure::PureEps, per_query_max: NanoCharge::from_nanos(1) };
        let domain = terms.get("domain").and_then(|domain| Domain::compile(domain, any).ok());
        Self {
            measure: text("measure"),
            cap: text("cap").and_then(|cap| cap.parse().ok()),
            space: text("personSpace"),
            provider: spec.get("privacy").and_then(|_| spec.get("provider")?.as_str().map(str::to_owned)),
            domain: text("dataVersion").zip(domain.map(|domain| domain.digest())),
        }
    }
}

/// What was promised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promised {
    measure: Option<String>,
    cap: Option<NanoCharge>,
    space: Option<String>,
    provider: Option<String>,
    domains: BTreeMap<String, DomainDigest>,
}

/// A promise that a declaration would break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenPromise {
    /// The code by which it is refused.
    pub code: Code,
    /// The field.
    pub path: &'static str,
    /// What was promised.
    pub reason: String,
}

impl Promised {
    /// What follows from everything that was said, in its order: caps fall with each declaration and rise by decisions alone;
    /// measure, person-space and the domain of a data version are those of the first.
    #[must_use]
    pub fn by<'s>(said: impl IntoIterator<Item = Said<'s>>) -> Self {
        let mut promised = Self::default();
        for one in said {
            match one {
                Said::Raised(cap) => promised.cap = promised.cap.map(|least| least.max(cap)),
                Said::Declared(spec) => {
                    let stated = Stated::of(spec);
                    promised.measure = promised.measure.or(stated.measure);
                    promised.space = promised.space.or(stated.space);
                    promised.provider = promised.provider.or(stated.provider);
                    promised.cap = match (promised.cap, stated.cap) {
                        (Some(least), Some(cap)) => Some(least.min(cap)),
                        (least, cap) => least.or(cap),
                    };
                    if let Some((version, digest)) = stated.domain {
                        promised.domains.entry(version).or_insert(digest);
                    }
                }
            }
        }
        promised
    }

    /// The most that may be declared as a cap; none where nothing was declared yet.
    #[must_use]
    pub const fn cap(&self) -> Option<NanoCharge> {
        self.cap
    }

    /// Whether a data set was bound to a person-space.
    #[must_use]
    pub const fn is_bound(&self) -> bool {
        self.space.is_some()
    }

    /// Whether a declaration keeps what was promised. What was promised may hold it already: then it is kept.
    ///
    /// # Errors
    /// The first promise that it breaks.
    pub fn check(&self, spec: &Value) -> Result<(), BrokenPromise> {
        let stated = Stated::of(spec);
        let of_set = spec.get("privacy").is_some();
        let broken = |code, path, reason| Err(BrokenPromise { code, path, reason });
        if let (Some(first), Some(now)) = (&self.measure, &stated.measure)
            && first != now
        {
            return broken(Code::C1552, "spec.measure", format!("has been `{first}` since it was declared"));
        }
        if let (Some(first), Some(now)) = (&self.space, &stated.space)
            && first != now
        {
            return broken(Code::C1553, "spec.privacy.personSpace", format!("is `{first}` for good"));
        }
        // Who is asked before a cap rises is part of the promise: nobody takes their place by a declaration.
        if let (Some(first), Some(now)) = (&self.provider, &stated.provider)
            && first != now
        {
            return broken(
                Code::C1553,
                "spec.provider",
                format!("is `{first}` while its people have a budget"),
            );
        }
        if let (Some(least), Some(cap)) = (self.cap, stated.cap)
            && cap > least
        {
            let path = if of_set { "spec.privacy.cap" } else { "spec.cap" };
            return broken(Code::C1552, path, format!("is at most {least}, the least that was in force"));
        }
        if let Some((version, digest)) = &stated.domain
            && self.domains.get(version).is_some_and(|first| first != digest)
        {
            let reason = format!("`{version}` was declared with another domain");
            return broken(Code::C1554, "spec.privacy.dataVersion", reason);
        }
        Ok(())
    }
}

/// A cap in words that need no formula: how much more likely, at most, any outcome becomes by one person's being in the data
/// (e^ε to one). Of ρ the ε at δ = 10⁻⁹ is taken, ρ + 2√(ρ·ln 1/δ) (Bun and Steinke 2016, proposition 1.3).
#[must_use]
pub fn odds(measure: Measure, cap: NanoCharge) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people, with two digits")]
    let cap = cap.nanos() as f64 / 1e9;
    let epsilon = match measure {
        Measure::PureEps => cap,
        Measure::Rho => cap + 2.0 * (cap * (1.0 / DELTA).ln()).sqrt(),
    };
    let odds = epsilon.exp();
    match odds {
        _ if odds < 1_000.0 => format!("{odds:.2} : 1"),
        _ if odds.is_finite() => format!("{odds:.1e} : 1"),
        _ => "> 1e308 : 1".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn space(measure: &str, cap: &str) -> Value {
        json!({"measure": measure, "cap": cap})
    }

    fn set(space: &str, cap: &str, version: &str, maximum: i64) -> Value {
        json!({"provider": "p", "privacy": {"personSpace": space, "cap": cap, "dataVersion": version,
            "domain": {"data_version": version, "max_rows_per_person": 1, "columns": {
                "n": {"type": "integer", "minimum": 0, "maximum": maximum}}}}})
    }

    fn code(promised: &Promised, spec: &Value) -> Option<Code> {
        promised.check(spec).err().map(|broken| broken.code)
    }

    #[test]
    fn e6_a_declaration_only_lowers_what_was_promised() {
        let (first, lower) = (space("pure-eps", "6.0"), space("pure-eps", "5.0"));
        let promised = Promised::by([Said::Declared(&first), Said::Declared(&lower)]);
        assert_eq!(code(&promised, &lower), None);
        assert_eq!(code(&promised, &space("pure-eps", "0.1")), None);
        assert_eq!(code(&promised, &first), Some(Code::C1552), "not even back to where it was");
        assert_eq!(code(&promised, &space("rho", "0.1")), Some(Code::C1552));
        let raised = Promised::by([
            Said::Declared(&first),
            Said::Declared(&lower),
            Said::Raised("7".parse().unwrap()),
        ]);
        assert_eq!(code(&raised, &space("pure-eps", "7.0")), None);
        assert_eq!(code(&raised, &space("pure-eps", "7.000000001")), Some(Code::C1552));
        let lowered = Promised::by([
            Said::Declared(&first),
            Said::Raised("7".parse().unwrap()),
            Said::Declared(&lower),
        ]);
        assert_eq!(code(&lowered, &first), Some(Code::C1552), "a raise that was given up is gone");
        assert_eq!(code(&Promised::default(), &space("rho", "9000000")), None, "the first is the first");
    }

    #[test]
    fn e6_a_data_set_stays_with_its_people_and_a_version_with_its_domain() {
        let first = set("a", "5", "v1", 2_000);
        let promised = Promised::by([Said::Declared(&first), Said::Declared(&json!({"provider": "p"}))]);
        assert!(promised.is_bound());
        assert_eq!(code(&promised, &first), None);
        assert_eq!(code(&promised, &json!({"provider": "p"})), None, "taking terms away promises nothing");
        assert_eq!(code(&promised, &set("b", "5", "v1", 2_000)), Some(Code::C1553));
        let mut of_another = first;
        of_another["provider"] = json!("q");
        assert_eq!(code(&promised, &of_another), Some(Code::C1553), "whoever must agree to a raise stays");
        assert_eq!(code(&promised, &set("a", "5.1", "v1", 2_000)), Some(Code::C1552));
        for maximum in [1_999, 2_001, 10] {
            assert_eq!(code(&promised, &set("a", "5", "v1", maximum)), Some(Code::C1554), "{maximum}");
            assert_eq!(code(&promised, &set("a", "5", "v2", maximum)), None, "{maximum}");
        }
    }

    #[test]
    fn odds_are_for_people() {
        let of = |measure, cap: &str| odds(measure, cap.parse().unwrap());
        assert_eq!(of(Measure::PureEps, "1"), "2.72 : 1");
        assert_eq!(of(Measure::PureEps, "6"), "403.43 : 1");
        assert_eq!(of(Measure::PureEps, "20"), "4.9e8 : 1");
        assert_eq!(of(Measure::PureEps, "9000000"), "> 1e308 : 1");
        assert!(of(Measure::Rho, "0.1").starts_with("19.67"), "{}", of(Measure::Rho, "0.1"));
    }

    proptest! {
        /// Whatever was declared and decided, a cap that is accepted next is at most the least since the last raise, or that raise.
        #[test]
        fn e6_no_history_lets_a_cap_rise_without_a_raise(
            steps in prop::collection::vec((1_u64..100, prop::bool::weighted(0.2)), 1..12), next in 1_u64..120,
        ) {
            let first = space("pure-eps", "50");
            let specs: Vec<Value> = steps.iter().map(|(cap, _)| space("pure-eps", &cap.to_string())).collect();
            let mut said = vec![Said::Declared(&first)];
            let mut most = 50;
            for ((cap, raise), spec) in steps.iter().zip(&specs) {
                if *raise {
                    said.push(Said::Raised(NanoCharge::from_nanos(cap * 1_000_000_000)));
                    most = most.max(*cap);
                } else if Promised::by(said.iter().copied()).check(spec).is_ok() {
                    said.push(Said::Declared(spec));
                    prop_assert!(*cap <= most);
                    most = *cap;
                }
            }
            let accepted = Promised::by(said).check(&space("pure-eps", &next.to_string())).is_ok();
            prop_assert_eq!(accepted, next <= most);
        }
    }
}

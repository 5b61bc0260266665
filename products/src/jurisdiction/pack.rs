//! Reading a rule pack: TOML → a tree that knows its lines → rules, every fault at once.

use std::collections::BTreeMap;

use shuzha_core::{Fault, PurposeClass};
use toml::de::{DeTable, DeValue};

use super::{
    CONTENTS, ConsentRule, Jurisdiction, Level, ListingRule, Period, PriceRegime, PriceRules, PrivacyRules,
    ProductForm, ProductKinds, RegistrationRules, Renewal, Reviewer,
};
use crate::operating::{Demand, MODES, Mode};
use crate::yaml::{Entry, Faults, Node, Place, Section, Value};
use crate::{Window, WorldError};

/// The packs that are built in, as name and text.
pub const PACKS: &[(&str, &str)] = &[
    ("gansu", include_str!("../../../config/jurisdictions/gansu.toml")),
    ("heilongjiang", include_str!("../../../config/jurisdictions/heilongjiang.toml")),
    ("qingdao", include_str!("../../../config/jurisdictions/qingdao.toml")),
    ("qingtian", include_str!("../../../config/jurisdictions/qingtian.toml")),
    ("yantai", include_str!("../../../config/jurisdictions/yantai.toml")),
];

/// Every rule a pack may have.
const RULES: &[&str] = &[
    "title",
    "sources",
    "validity",
    "product_kinds",
    "authorisation_modes",
    "agreement_term",
    "operating_agreement",
    "reapplication",
    "certificate",
    "registration_filing",
    "registration_acceptance",
    "registration_review",
    "registration_publicity",
    "registration_cancellation",
    "certificate_validity",
    "certificate_renewal",
    "operator_selection",
    "results",
    "exit_review",
    "personal_consent",
    "price",
    "exchange_listing",
    "network_logs",
    "records",
    "operator_redevelopment",
    "operation_report",
    "privacy_budget",
];

/// The words for 产品形态.
pub(crate) const FORMS: &[(&str, ProductForm)] = &[
    ("package", ProductForm::Package),
    ("model", ProductForm::Model),
    ("interface", ProductForm::Interface),
    ("report", ProductForm::Report),
    ("verification", ProductForm::Verification),
    ("service", ProductForm::Service),
    ("business-service", ProductForm::BusinessService),
];

const REVIEWERS: &[(&str, Reviewer)] = &[
    ("authority", Reviewer::Authority),
    ("implementing-body", Reviewer::ImplementingBody),
    ("operator", Reviewer::Operator),
    ("provider", Reviewer::Provider),
];

const CONSENTS: &[(&str, ConsentRule)] = &[
    ("precise", ConsentRule::Precise),
    ("no-blanket", ConsentRule::NoBlanket),
    ("no-harm", ConsentRule::NoHarm),
    ("authorised-by-person", ConsentRule::AuthorisedByPerson),
];

const REGIMES: &[(&str, PriceRegime)] = &[
    ("conditional", PriceRegime::Conditional),
    ("guided", PriceRegime::Guided),
    ("inclusive", PriceRegime::Inclusive),
    ("rules", PriceRegime::Rules),
];

const LISTINGS: &[(&str, ListingRule)] = &[
    ("encouraged", ListingRule::Encouraged),
    ("if-traded", ListingRule::IfTraded),
    ("required", ListingRule::Required),
];

const PERIODS: &[(&str, Period)] = &[("periodic", Period::Periodic), ("yearly", Period::Yearly)];

/// A built-in pack.
#[must_use]
pub fn pack(name: &str) -> Option<Jurisdiction> {
    let (name, text) = PACKS.iter().find(|(known, _)| *known == name)?;
    Some(parse(name, text).expect("built-in packs are tested"))
}

/// Reads a pack; `file` is its name in faults.
///
/// # Errors
/// Every fault found, with its line.
pub fn parse(file: &str, text: &str) -> Result<Jurisdiction, Vec<WorldError>> {
    let faults = Faults::default();
    let node = match DeTable::parse(text) {
        Ok(table) => Node { line: 1, value: map(table.get_ref(), text) },
        Err(error) => {
            let line = error.span().map_or(0, |span| line_of(text, span.start));
            let fault = Fault::new("", error.message()).at_line(line);
            return Err(vec![WorldError::new(file, "Jurisdiction", fault)]);
        }
    };
    let read = read(&Place::root(&node, file, "Jurisdiction", &faults));
    match (read, faults.into_parts().0) {
        (Some(jurisdiction), found) if found.is_empty() => Ok(jurisdiction),
        (_, found) => Err(found),
    }
}

fn map(table: &DeTable<'_>, text: &str) -> Value {
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let line = line_of(text, key.span().start);
        let key: &std::borrow::Cow<'_, str> = key.get_ref();
        Entry { line, key: key.to_string(), node: Node { line, value: value_of(value.get_ref(), text) } }
    };
    Value::Map(table.iter().map(entry).collect())
}

fn value_of(value: &DeValue<'_>, text: &str) -> Value {
    match value {
        DeValue::String(found) => Value::Text(found.to_string()),
        DeValue::Boolean(found) => Value::Boolean(*found),
        // Out of range reads as a number that no rule accepts.
        DeValue::Integer(found) => {
            i64::from_str_radix(found.as_str(), found.radix()).map_or(Value::Real(f64::MAX), Value::Integer)
        }
        DeValue::Float(_) | DeValue::Datetime(_) => Value::Real(f64::MAX),
        DeValue::Array(items) => {
            let item = |item: &toml::Spanned<DeValue<'_>>| Node {
                line: line_of(text, item.span().start),
                value: value_of(item.get_ref(), text),
            };
            Value::List(items.iter().map(item).collect())
        }
        DeValue::Table(table) => map(table, text),
    }
}

fn line_of(text: &str, at: usize) -> u32 {
    let before = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

/// The tables of a pack, and the articles met so far.
struct Rules<'n> {
    pack: Section<'n>,
    sources: Vec<&'n str>,
    articles: BTreeMap<&'static str, String>,
}

impl<'n> Rules<'n> {
    /// The table of one rule, where the pack has it.
    fn rule(&mut self, name: &'static str, fields: &[&str]) -> Option<Section<'n>> {
        let section = self.pack.optional(name)?.section(&[fields, &["article"]])?;
        let article = section.required("article").and_then(|place| {
            let article = place.text()?;
            let source = article.split_once(' ').map(|(source, _)| source);
            let known = source.is_some_and(|source| self.sources.contains(&source));
            if known { Some(article) } else { place.fail("names none of the pack's sources") }
        });
        self.articles.extend(article.map(|article| (name, article.to_owned())));
        Some(section)
    }

    fn working_days(&mut self, name: &'static str) -> Option<u16> {
        self.rule(name, &["working_days"])?.required("working_days")?.count(1..=250)
    }

    fn words<T: Copy>(section: &Section<'n>, field: &str, words: &[(&str, T)]) -> Option<Vec<T>> {
        let items = section.required(field)?.items(words.len())?;
        items.iter().map(|item| item.word(words)).collect()
    }
}

fn read(root: &Place<'_>) -> Option<Jurisdiction> {
    let pack = root.section(&[RULES])?;
    let title = pack.required("title").and_then(|place| place.text());
    let sources = pack.required("sources").and_then(|place| place.entries()).unwrap_or_default();
    let sources = sources.iter().filter(|(_, place)| place.text().is_some()).map(|(name, _)| *name).collect();
    let mut rules = Rules { pack, sources, articles: BTreeMap::new() };
    let modes = rules.rule("authorisation_modes", &["permitted", "province"]);
    let reapplication = rules.rule("reapplication", &["window_months"]);
    let agreement = rules.rule("agreement_term", &["years_max", "in_principle"]);
    let operating = rules.rule("operating_agreement", &["required", "contents"]);
    let certificate = rules.rule("certificate", &["required"]);
    let selection = rules.rule("operator_selection", &["publicity_working_days"]);
    let results = rules.rule("results", &["published"]);
    let exit_review = rules.rule("exit_review", &["by", "k_min"]);
    let consent = rules.rule("personal_consent", &["rule"]);
    let listing = rules.rule("exchange_listing", &["rule"]);
    let logs = rules.rule("network_logs", &["months_min"]);
    let records = rules.rule("records", &["years_min"]);
    let redevelopment = rules.rule("operator_redevelopment", &["permitted"]);
    let report = rules.rule("operation_report", &["period"]);
    let flag = |section: Option<Section<'_>>, field| section?.required(field)?.boolean();
    Some(Jurisdiction {
        title: title.unwrap_or_default().to_owned(),
        level: Level::default(),
        validity: validity(&mut rules),
        certificate_required: flag(certificate, "required").unwrap_or(false),
        product_kinds: product_kinds(&mut rules),
        modes: modes
            .as_ref()
            .and_then(|section| Rules::words(section, "permitted", MODES))
            .unwrap_or_else(|| vec![Mode::Scenario]),
        modes_province: modes
            .filter(|section| section.optional("province").is_some())
            .and_then(|section| Rules::words(&section, "province", MODES)),
        agreement_years_max: agreement
            .as_ref()
            .and_then(|section| section.required("years_max")?.count(1..=50)),
        agreement_years_in_principle: agreement
            .and_then(|section| section.optional("in_principle")?.boolean())
            .unwrap_or(false),
        agreement_contents: operating
            .as_ref()
            .filter(|section| section.optional("contents").is_some())
            .and_then(|section| {
                Rules::words(
                    section,
                    "contents",
                    &CONTENTS.iter().map(|one| (*one, *one)).collect::<Vec<_>>(),
                )
            })
            .unwrap_or_default(),
        operating: Demand { required: flag(operating, "required").unwrap_or(false), binds_from: None },
        reapplication_months: reapplication
            .and_then(|section| section.required("window_months")?.count(1..=24)),
        registration: registration(&mut rules),
        operator_publicity_working_days: selection
            .and_then(|section| section.required("publicity_working_days")?.count(1..=250)),
        results_published: flag(results, "published").unwrap_or(false),
        exit_review_by: exit_review
            .as_ref()
            .and_then(|section| Rules::words(section, "by", REVIEWERS))
            .unwrap_or_default(),
        anonymity_k_min: exit_review
            .and_then(|section| section.optional("k_min")?.count(2..=1_000))
            .unwrap_or(super::ANONYMITY_K_MIN),
        personal_consent: consent.and_then(|section| section.required("rule")?.word(CONSENTS)),
        price: price(&mut rules),
        exchange_listing: listing
            .and_then(|section| section.required("rule")?.word(LISTINGS))
            .unwrap_or_default(),
        network_log_months: logs.and_then(|section| section.required("months_min")?.count(1..=600)),
        record_years: records.and_then(|section| section.required("years_min")?.count(1..=100)),
        operator_redevelopment: flag(redevelopment, "permitted").unwrap_or(false),
        operation_report: report.and_then(|section| section.required("period")?.word(PERIODS)),
        privacy: privacy(&mut rules).unwrap_or_default(),
        emergency_hours: super::EMERGENCY_HOURS,
        articles: rules.articles,
    })
}

fn validity(rules: &mut Rules<'_>) -> Option<Window> {
    let section = rules.rule("validity", &["from", "until"])?;
    let from = section.required("from").and_then(|place| place.instant());
    let until = section.required("until");
    let window = Window::new(from?, until.as_ref()?.instant()?);
    window.or_else(|| until?.fail("is not after `from`"))
}

fn product_kinds(rules: &mut Rules<'_>) -> Option<ProductKinds> {
    let section = rules.rule("product_kinds", &["kinds", "exhaustive"])?;
    let kinds = Rules::words(&section, "kinds", FORMS);
    let exhaustive = section.required("exhaustive").and_then(|place| place.boolean());
    Some(ProductKinds { kinds: kinds?, exhaustive: exhaustive? })
}

fn registration(rules: &mut Rules<'_>) -> RegistrationRules {
    const FILING: &[&str] =
        &["first_working_days", "data_change_working_days", "subject_change_working_days"];
    let filing = rules.rule("registration_filing", FILING);
    let filed = |field| filing.as_ref().and_then(|section| section.required(field)?.count(1..=250));
    RegistrationRules {
        first_filing: filed("first_working_days"),
        data_change_filing: filed("data_change_working_days"),
        subject_change_filing: filed("subject_change_working_days"),
        acceptance: rules.working_days("registration_acceptance"),
        review: rules.working_days("registration_review"),
        publicity: rules.working_days("registration_publicity"),
        cancellation: rules.working_days("registration_cancellation"),
        validity_years: rules
            .rule("certificate_validity", &["years"])
            .and_then(|section| section.required("years")?.count(1..=50)),
        renewal: rules.rule("certificate_renewal", &["window_days", "years_max"]).and_then(|section| {
            let window_days = section.required("window_days").and_then(|place| place.count(1..=3_660));
            let years_max = section.required("years_max").and_then(|place| place.count(1..=50));
            Some(Renewal { window_days: window_days?, years_max: years_max? })
        }),
    }
}

fn privacy(rules: &mut Rules<'_>) -> Option<PrivacyRules> {
    let section = rules.rule("privacy_budget", &["per_query", "space_year", "raise_working_days"])?;
    let charge = |field| section.required(field)?.parsed();
    let (per_query_max, space_year_max) = (charge("per_query"), charge("space_year"));
    let raise_publicity = section.required("raise_working_days").and_then(|place| place.count(1..=250));
    Some(PrivacyRules {
        per_query_max: per_query_max?,
        space_year_max: space_year_max?,
        raise_publicity: raise_publicity?,
    })
}

fn price(rules: &mut Rules<'_>) -> Option<PriceRules> {
    let section = rules.rule("price", &["regime", "free", "provider_discount"])?;
    let regime = section.required("regime").and_then(|place| place.word(REGIMES));
    let free = Rules::words(&section, "free", &PurposeClass::ALL.map(|one| (one.as_str(), one)));
    let discount = section.required("provider_discount").and_then(|place| place.boolean());
    Some(PriceRules { regime: regime?, free: free?, provider_discount: discount? })
}

#[cfg(test)]
mod tests;

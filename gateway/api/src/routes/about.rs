//! What the API says about itself.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use shuzha_core::{Code, Role};
use shuzha_products::jurisdiction::Level;

use crate::ask::{Ask, Reply};
use crate::problem::Problem;
use crate::who;

/// `GET /api/v1/openapi.json`.
pub(crate) fn openapi(ask: &Ask) -> Result<Reply, Problem> {
    ask.parameters().done()?;
    Ok(Reply::text(StatusCode::OK, "application/json", ask.shared.openapi.clone()))
}

/// `GET /errors/{code}`: the page that a problem points at, as Markdown.
pub(crate) fn error_page(ask: &Ask) -> Result<Reply, Problem> {
    let code: Code = ask.part("code").parse().map_err(|_| Problem::from(Code::C006))?;
    let found = ask.shared.error_pages.iter().find(|(name, _)| *name == code.as_str());
    let (_, markdown) = found.ok_or(Code::C006)?;
    Ok(Reply::text(StatusCode::OK, "text/markdown; charset=utf-8", Bytes::from_static(markdown.as_bytes())))
}

/// `GET /api/v1/roles`.
pub(crate) fn roles(ask: &Ask) -> Result<Reply, Problem> {
    who::caller(ask)?;
    ask.parameters().done()?;
    let items: Vec<_> =
        Role::ALL.iter().map(|role| json!({"role": role.as_str(), "title": role.title_zh()})).collect();
    Ok(Reply::ok(&json!({"items": items, "next": null})))
}

/// `GET /api/v1/jurisdiction`: by which rules cases are decided, each with its article where a pack gives one.
pub(crate) fn jurisdiction(ask: &Ask) -> Result<Reply, Problem> {
    who::caller(ask)?;
    ask.parameters().done()?;
    let rules = ask.shared.control.rules();
    let rules = &rules.jurisdiction;
    let rule =
        |name: &str, value: Value| json!({"rule": name, "value": value, "article": rules.article(name)});
    let steps = &rules.registration;
    let renewal = steps.renewal.map(|by| json!({"windowDays": by.window_days, "yearsMax": by.years_max}));
    let level = match rules.level {
        Level::Province => "province",
        Level::Local => "local",
    };
    let items = [
        rule("certificate", rules.certificate_required.into()),
        rule("agreement_term", rules.agreement_years_max.into()),
        rule("reapplication", rules.reapplication_months.into()),
        rule("registration_acceptance", steps.acceptance.into()),
        rule("registration_review", steps.review.into()),
        rule("registration_publicity", steps.publicity.into()),
        rule("registration_cancellation", steps.cancellation.into()),
        rule("certificate_validity", steps.validity_years.into()),
        rule("certificate_renewal", renewal.unwrap_or_default()),
        rule("operator_selection", rules.operator_publicity_working_days.into()),
        rule("results", rules.results_published.into()),
        rule("network_logs", rules.network_log_months.into()),
        rule("records", rules.record_years.into()),
        rule("operator_redevelopment", rules.operator_redevelopment.into()),
    ];
    Ok(Reply::ok(&json!({"title": rules.title, "level": level, "items": items, "next": null})))
}

//! What the API says about itself.

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use shuzha_core::{Code, Role};
use shuzha_products::jurisdiction::Level;
use shuzha_schema::about::{Renewal, RoleTitle, Rule, Rules};
use shuzha_schema::{Page, Role as Shown};

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
    let items = Role::ALL.iter();
    let items = items.map(|role| RoleTitle { role: Shown::of(role), title: role.title_zh().to_owned() });
    Ok(Reply::ok(&Page { items: items.collect(), next: None }))
}

/// `GET /api/v1/jurisdiction`: by which rules cases are decided, each with its article where a pack gives one.
pub(crate) fn jurisdiction(ask: &Ask) -> Result<Reply, Problem> {
    who::caller(ask)?;
    ask.parameters().done()?;
    let rules = ask.shared.control.rules();
    let rules = &rules.jurisdiction;
    let rule = |name: &str, value: Value| Rule {
        rule: name.to_owned(),
        value,
        article: rules.article(name).map(str::to_owned),
    };
    let steps = &rules.registration;
    let renewal =
        steps.renewal.map(|by| Renewal { window_days: by.window_days, years_max: by.years_max.into() });
    let renewal = serde_json::to_value(renewal).expect("two numbers are JSON");
    let level = match rules.level {
        Level::Province => "province",
        Level::Local => "local",
    };
    let items = [
        rule("certificate", rules.certificate_required.into()),
        rule("agreement_term", rules.agreement_years_max.into()),
        rule("operating_agreement", rules.operating.required.into()),
        rule("reapplication", rules.reapplication_months.into()),
        rule("registration_acceptance", steps.acceptance.into()),
        rule("registration_review", steps.review.into()),
        rule("registration_publicity", steps.publicity.into()),
        rule("registration_cancellation", steps.cancellation.into()),
        rule("certificate_validity", steps.validity_years.into()),
        rule("certificate_renewal", renewal),
        rule("operator_selection", rules.operator_publicity_working_days.into()),
        rule("results", rules.results_published.into()),
        rule("network_logs", rules.network_log_months.into()),
        rule("records", rules.record_years.into()),
        rule("operator_redevelopment", rules.operator_redevelopment.into()),
        rule("privacy_budget", rules.privacy.space_year_max.to_string().into()),
    ];
    let (title, level) = (rules.title.clone(), level.to_owned());
    Ok(Reply::ok(&Rules { title, level, items: items.into(), next: () }))
}

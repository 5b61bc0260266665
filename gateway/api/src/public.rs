//! The public register (REQUIREMENTS B10): registrations and certificates, for anyone.

use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use shuzha_control::PublicRegistration;
use shuzha_core::Id;

use crate::ask::{Ask, Reply};
use crate::parameters::instant_text;
use crate::problem::Problem;

/// For how long whoever asked may keep an answer: a revoked certificate is seen as such a minute later at most.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// `GET /api/v1/public/registrations`.
pub(crate) fn registrations(ask: &Ask) -> Result<Reply, Problem> {
    let mut parameters = ask.parameters();
    let limit = parameters.limit();
    let after: Option<Id> = parameters.parsed("cursor");
    parameters.done()?;
    let page = ask.shared.control.public_registrations(after.as_ref(), limit)?;
    let items: Vec<_> = page.items.iter().map(shown).collect();
    Ok(kept(&json!({"items": items, "next": page.next.as_ref().map(Id::as_str)})))
}

/// `GET /api/v1/public/certificates/{code}`.
pub(crate) fn certificate(ask: &Ask) -> Result<Reply, Problem> {
    ask.parameters().done()?;
    Ok(kept(&shown(&ask.shared.control.public_certificate(ask.part("code"))?)))
}

fn kept(body: &Value) -> Reply {
    Reply::with(StatusCode::OK, body).header(CACHE_CONTROL, KEEP)
}

fn shown(found: &PublicRegistration) -> Value {
    let registered = &found.registered;
    let operator = found.operator.as_ref();
    let certificate = registered.certificate.as_ref();
    json!({
        "name": found.name.as_str(),
        "title": registered.title,
        "product": registered.product,
        "operator": operator.map(|operator| json!({"organisation": operator.organisation.as_str(), "title": operator.title})),
        "code": certificate.map(|certificate| &certificate.code),
        "window": certificate.map(|certificate| {
            json!({"from": instant_text(certificate.from), "until": instant_text(certificate.until)})
        }),
        "state": registered.standing,
        "objected": registered.objected,
        "valid": found.valid,
        "publicity": registered.publicity.as_ref().map(|shown| {
            json!({"matter": shown.matter, "title": shown.title, "abstract": shown.summary})
        }),
    })
}

//! What the API says about itself.

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use shuzha_core::{Code, Role};

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

//! Papers to be printed, as HTML, and charts, as SVG.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;
use ring::digest::{SHA256, digest};
use shuzha_control::finance::Chart;
use shuzha_core::Code;
use shuzha_schema::finance::WholeBill;

use super::{asked, month_asked, shown};
use crate::ask::{Ask, Reply};
use crate::problem::Problem;

/// The charts, as their files are named.
pub(crate) const CHARTS: [&str; 3] = ["revenue.svg", "shares.svg", "usage.svg"];

const HTML: &str = "text/html; charset=utf-8";
const SVG: &str = "image/svg+xml; charset=utf-8";

/// `GET /api/v1/finance/statements/{number}/paper`.
pub(crate) fn statement(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    let form = form(ask)?;
    Ok(page(finance.statement_paper(&caller, ask.part("number"), form)?))
}

/// `GET /api/v1/finance/bills/{number}`.
pub(crate) fn bill(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    let (month, view) = finance.bill(&caller, ask.part("number"))?;
    let month_of = shuzha_schema::Month::of(month);
    Ok(Reply::ok(&WholeBill { bill: shown::bill(month, &view), month: month_of }))
}

/// `GET /api/v1/finance/bills/{number}/paper`.
pub(crate) fn bill_paper(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    let form = form(ask)?;
    Ok(page(finance.bill_paper(&caller, ask.part("number"), form)?))
}

/// `GET /api/v1/finance/charts/{chart}`.
pub(crate) fn chart(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    let mut parameters = ask.parameters();
    let lang = parameters.lang();
    let chart = match ask.part("chart") {
        "revenue.svg" => {
            let permitted = parameters.parsed("permitted");
            parameters.need(permitted.map(Chart::Revenue), &["permitted"])?
        }
        "shares.svg" => {
            let month = month_asked(&mut parameters);
            parameters.need(month.map(Chart::Shares), &["period"])?
        }
        "usage.svg" => {
            let month = month_asked(&mut parameters);
            parameters.need(month.map(Chart::Usage), &["period"])?
        }
        _ => return Err(Code::C1003.into()),
    };
    Ok(Reply::text(StatusCode::OK, SVG, finance.chart(&caller, &chart, lang)?.into()))
}

/// The form of the paper that is asked for.
fn form(ask: &Ask) -> Result<Option<u32>, Problem> {
    let mut parameters = ask.parameters();
    let form = parameters.parsed("form");
    parameters.done()?;
    Ok(form)
}

/// A page whose one style sheet stands in it: the policy names that sheet by its hash and permits nothing else.
fn page(html: String) -> Reply {
    let style = html.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>"));
    let (style, _) = style.expect("a paper has one style sheet");
    let hash = STANDARD.encode(digest(&SHA256, style.as_bytes()));
    let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'");
    let policy = HeaderValue::from_str(&policy).expect("it is visible ASCII");
    Reply::text(StatusCode::OK, HTML, html.into()).header(CONTENT_SECURITY_POLICY, policy)
}

//! Exports for finance: a set of rows as a file, its control totals beside it.

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH};
use http::{HeaderValue, Method, StatusCode};
use shuzha_control::finance::{Export, Wanted};
use shuzha_core::{Code, Lang, hex};
use shuzha_pricing::export::{ExportError, Format, Set};
use shuzha_schema::Digest;
use shuzha_schema::finance::Manifest;

use super::finance::{asked, month_asked};
use crate::ask::{Ask, Reply};
use crate::limits::RETRY;
use crate::problem::Problem;
use crate::streamed::streamed;

/// How an export's control totals are asked for, in place of a format.
pub(crate) const MANIFEST: &str = "manifest";

/// The digest over all rows, as the file states it at its end.
pub(crate) const DIGEST: HeaderName = HeaderName::from_static("x-export-digest");
/// How many rows the file has.
pub(crate) const ROWS: HeaderName = HeaderName::from_static("x-export-rows");

/// `GET /api/v1/exports/{set}.{format}`, or `{set}.manifest`.
pub(crate) fn get(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    let (set, form) = ask.part("file").split_once('.').ok_or(Code::C1003)?;
    let set = Set::from_name(set).ok_or(Code::C1003)?;
    let format = match Format::from_name(form) {
        None if form == MANIFEST => Format::JsonLines,
        found => found.ok_or(Code::C1003)?,
    };
    let mut parameters = ask.parameters();
    let (period, lang) = (month_asked(&mut parameters), parameters.lang());
    parameters.done()?;
    finance.reader(&caller)?;
    let place = std::sync::Arc::clone(&ask.shared.exports).try_acquire_owned();
    let place = place.map_err(|_| Problem { retry_after: Some(RETRY), ..Code::C092.into() })?;
    let export = finance.export(&caller, Wanted { set, period, format, lang })?;
    if form == MANIFEST {
        return Ok(Reply::ok(&manifest(&export)));
    }
    let tag = tag(&export);
    if knows(ask, &tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).header(ETAG, tag));
    }
    let name = format!("attachment; filename=\"{}\"", export.wanted().file_name());
    let (rows, digest) = (export.totals().rows().to_string(), hex::encode(&export.totals().digest()));
    let reply = if ask.method == Method::HEAD {
        Reply::empty(StatusCode::OK)
    } else {
        finance.exported(&caller, &export)?;
        Reply::streamed(streamed(move |to| {
            let _place = place;
            export.write(to).map(drop).map_err(|error| match error {
                ExportError::Write(error) => error,
                error => {
                    tracing::error!(%error, "an export broke off");
                    std::io::Error::other(error)
                }
            })
        }))
    };
    let ascii =
        |text: &str| HeaderValue::from_str(text).expect("names of files and numbers are visible ASCII");
    Ok(reply
        .header(CONTENT_TYPE, HeaderValue::from_static(format.media_type()))
        .header(CONTENT_DISPOSITION, ascii(&name))
        .header(ROWS, ascii(&rows))
        .header(DIGEST, ascii(&digest))
        .header(ETAG, tag))
}

/// Names, and every control total in its order.
fn manifest(export: &Export) -> Manifest {
    let (wanted, totals) = (export.wanted(), export.totals());
    Manifest {
        set: wanted.set.as_str().to_owned(),
        title: wanted.set.layout().zh.to_owned(),
        period: wanted.period_text(),
        rows: totals.rows(),
        digest: Digest::of(hex::encode(&totals.digest())),
        totals: totals.entries().iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        formats: Format::ALL.map(|format| format.as_str().to_owned()).into(),
    }
}

/// The same rows in the same form are the same bytes.
fn tag(export: &Export) -> HeaderValue {
    let (wanted, digest) = (export.wanted(), hex::encode(&export.totals().digest()));
    let lang = match wanted.lang {
        Lang::Zh => "zh",
        Lang::En => "en",
    };
    HeaderValue::from_str(&format!("\"{digest}-{}-{lang}\"", wanted.format.as_str()))
        .expect("it is visible ASCII")
}

fn knows(ask: &Ask, tag: &HeaderValue) -> bool {
    let tags = ask.headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    tags.flat_map(|tags| tags.split(',')).any(|one| one.trim().trim_start_matches("W/") == tag)
}

//! The public register (REQUIREMENTS B10): registrations and certificates, for anyone; and what is disclosed beside them.

pub(crate) mod disclosed;

use http::HeaderValue;
use http::header::CACHE_CONTROL;
use shuzha_control::{PublicBudget, PublicRegistration};
use shuzha_core::Id;
use shuzha_schema::{Name, about as of};

use crate::ask::{Ask, Reply};
use crate::problem::Problem;
use crate::shown::instant;

/// For how long whoever asked may keep an answer: a revoked certificate is seen as such a minute later at most.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// `GET /api/v1/public/registrations`.
pub(crate) fn registrations(ask: &Ask) -> Result<Reply, Problem> {
    let mut parameters = ask.parameters();
    let limit = parameters.limit();
    let after: Option<Id> = parameters.parsed("cursor");
    parameters.done()?;
    let page = ask.shared.control.public_registrations(after.as_ref(), limit)?;
    Ok(Reply::page(&page, shown).header(CACHE_CONTROL, KEEP))
}

/// `GET /api/v1/public/certificates/{code}`.
pub(crate) fn certificate(ask: &Ask) -> Result<Reply, Problem> {
    ask.parameters().done()?;
    let found = ask.shared.control.public_certificate(ask.part("code"))?;
    Ok(Reply::ok(&shown(&found)).header(CACHE_CONTROL, KEEP))
}

/// `GET /api/v1/public/privacy-budgets`.
pub(crate) fn privacy_budgets(ask: &Ask) -> Result<Reply, Problem> {
    let mut parameters = ask.parameters();
    let limit = parameters.limit();
    let after: Option<Id> = parameters.parsed("cursor");
    parameters.done()?;
    let page = ask.shared.control.public_budgets(after.as_ref(), limit)?;
    Ok(Reply::page(&page, promised).header(CACHE_CONTROL, KEEP))
}

fn promised(found: &PublicBudget) -> of::PublicBudget {
    let raises = found.raises.iter().map(|raise| of::PublicRaise {
        case: Name::of(&raise.case),
        state: raise.state.clone(),
        data_set: raise.data_set.as_ref().map(Name::of),
        cap: raise.cap.clone(),
        odds_now: raise.odds.0.clone(),
        odds_then: raise.odds.1.clone(),
        cause: raise.cause.clone(),
        at: instant(raise.at),
    });
    let queries = found.queries.iter().map(|query| of::PublicQuery {
        data_set: Name::of(&query.data_set),
        per_query_max: query.per_query_max.clone(),
        odds: query.odds.clone(),
        reason: query.reason.clone(),
    });
    of::PublicBudget {
        name: Name::of(&found.name),
        measure: found.measure.clone(),
        cap: found.cap.clone(),
        odds: found.odds.clone(),
        above_ceiling: found.above_ceiling,
        reason: found.reason.clone(),
        queries: queries.collect(),
        raises: raises.collect(),
    }
}

fn shown(found: &PublicRegistration) -> of::PublicRegistration {
    let registered = &found.registered;
    let certificate = registered.certificate.as_ref();
    of::PublicRegistration {
        name: Name::of(&found.name),
        title: registered.title.clone(),
        r#type: registered.subject.clone(),
        product: registered.product.as_ref().map(Name::of),
        operator: found.operator.as_ref().map(|operator| of::PublicOperator {
            organisation: Name::of(&operator.organisation),
            title: operator.title.clone(),
        }),
        code: certificate.map(|certificate| certificate.code.clone()),
        window: certificate.map(|certificate| of::PublicWindow {
            from: instant(certificate.from),
            until: instant(certificate.until),
        }),
        state: registered.standing.to_owned(),
        objected: registered.objected,
        valid: found.valid,
        publicity: registered.publicity.as_ref().map(|shown| of::Publicity {
            matter: shown.matter.to_owned(),
            title: shown.title.clone(),
            r#abstract: shown.summary.clone(),
            from: instant(shown.from),
            until: found.publicity_until.map(instant),
        }),
    }
}

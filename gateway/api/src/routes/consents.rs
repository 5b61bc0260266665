//! Consents (个人授权) of whoever has signed on, the uses made of them, and what outsiders may know.

use http::StatusCode;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Method};
use shuzha_control::consents::{BlindedEntry, ConsentView, Given, STATUS_TTL, Wanted};
use shuzha_core::{Code, Id, Timestamp};
use shuzha_privacy::consent::{Basis, FIELDS_MAX, Narrower, TOKEN_BYTES_MAX};
use shuzha_schema::consent as of;
use shuzha_store::DataUse;

use super::accounts::waits;
use crate::ask::{Ask, Reply};
use crate::fields::{Fields, TEXT_BYTES_MAX};
use crate::parameters::instant;
use crate::problem::Problem;
use crate::shown;
use crate::who;

/// What can be done with one consent.
const VERBS: [&str; 2] = ["narrow", "withdraw"];
/// The media type of a signed status list (draft-ietf-oauth-status-list §8.1).
const STATUS_LIST: &str = "application/statuslist+jwt";

/// `GET /api/v1/consents`.
pub(crate) fn list(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    let mut parameters = ask.parameters();
    let (limit, before) = (parameters.limit(), parameters.number_cursor());
    let unit: Option<Id> = parameters.parsed("unit");
    parameters.done()?;
    let page = ask.shared.consents.list(&caller, unit.as_ref(), before, limit)?;
    Ok(Reply::page(&page, consent))
}

/// Most parts of a blinded entry after the identity number.
const BLINDED_PARTS_MAX: usize = 8;

/// `POST /api/v1/consents`: the token is shown here and never again.
pub(crate) fn give(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let id_number = fields.text("idNumber", 1..=TEXT_BYTES_MAX);
    let wanted = wanted(&mut fields);
    let (id_number, wanted) = fields.done(|| Some((id_number?, wanted?)))?;
    let given = ask.shared.consents.give(&caller, &wanted, id_number)?;
    Ok(made(given))
}

/// `POST /api/v1/consents:register`: a consent that an outside issuer has given.
pub(crate) fn register(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let id_number = fields.text("idNumber", 1..=TEXT_BYTES_MAX);
    let token = fields.text("token", 1..=TOKEN_BYTES_MAX);
    let (id_number, token) = fields.done(|| Some((id_number?, token?)))?;
    let jti = ask.shared.consents.register(&caller, token, id_number)?;
    let location = format!("/api/v1/consents/{jti}");
    Ok(Reply::with(StatusCode::CREATED, &of::ConsentId { id: jti }).location(&location))
}

/// `POST /api/v1/consents:withdraw`: all of one's own, or all that one unit has.
pub(crate) fn withdraw_all(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let body = ask.json_or_empty()?;
    let mut fields = Fields::of(&body);
    let unit = match fields.text_or_none("unit", 1..=TEXT_BYTES_MAX) {
        Some(Some(_)) => fields.id("unit").map(Some),
        Some(None) => Some(None),
        None => None,
    };
    let unit = fields.done(|| unit)?;
    let withdrawn = ask.shared.consents.withdraw_all(&caller, unit.as_ref())?;
    Ok(Reply::ok(&of::WithdrawnCount { withdrawn }))
}

/// `GET /api/v1/consents/{consent}`.
pub(crate) fn get(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    Ok(Reply::ok(&consent(&ask.shared.consents.get(&caller, ask.part("consent"))?)))
}

/// `POST /api/v1/consents/{consent}:{verb}`.
pub(crate) fn act(ask: &Ask) -> Result<Reply, Problem> {
    let Some((jti, verb)) = ask.part("consent").split_once(':') else { return no_such_method(ask) };
    if !VERBS.contains(&verb) {
        return Err(Code::C006.into());
    }
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let body = ask.json_or_empty()?;
    let mut fields = Fields::of(&body);
    let consents = &ask.shared.consents;
    if verb == "narrow" {
        let narrower = narrower(&mut fields);
        let narrower = fields.done(|| narrower)?;
        return Ok(made(consents.narrow(&caller, jti, &narrower)?));
    }
    fields.done(|| Some(()))?;
    consents.withdraw(&caller, jti)?;
    Ok(Reply::ok(&consent(&consents.get(&caller, jti)?)))
}

/// Any other method on one consent, or on one of its verbs.
pub(crate) fn no_such_method(ask: &Ask) -> Result<Reply, Problem> {
    let verb = ask.part("consent").split_once(':').map(|(_, verb)| verb);
    let allow = match verb {
        Some(verb) if VERBS.contains(&verb) => "POST",
        _ => "GET, HEAD",
    };
    Err(Problem { allow: Some(allow), ..Code::C007.into() })
}

/// `GET /api/v1/consents/{consent}/receipts`.
pub(crate) fn receipts(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let [given, withdrawn] = ask.shared.consents.receipts(&caller, ask.part("consent"))?;
    Ok(Reply::ok(&of::ConsentReceipts { given, withdrawn }))
}

/// `GET /api/v1/consents/{consent}/uses`.
pub(crate) fn uses(ask: &Ask) -> Result<Reply, Problem> {
    used(ask, Some(ask.part("consent")))
}

/// `GET /api/v1/data-uses`: who used one's data, when, for what (去向可查).
pub(crate) fn data_uses(ask: &Ask) -> Result<Reply, Problem> {
    used(ask, None)
}

fn used(ask: &Ask, jti: Option<&str>) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    let mut parameters = ask.parameters();
    let (limit, before) = (parameters.limit(), parameters.number_cursor());
    parameters.done()?;
    let page = ask.shared.consents.uses(&caller, jti, before, limit)?;
    Ok(Reply::page(&page, data_use))
}

/// `POST /api/v1/consent-holders`: asks a second person to bind an account to the person whose papers were seen.
pub(crate) fn bind(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let account = fields.id("account");
    let id_number = fields.text("idNumber", 1..=TEXT_BYTES_MAX);
    let (account, id_number) = fields.done(|| Some((account?, id_number?)))?;
    Ok(waits(ask, &ask.shared.consents.bind(&caller, &account, id_number)?))
}

/// `GET /status-lists/{list}`, for anyone.
pub(crate) fn status_list(ask: &Ask) -> Result<Reply, Problem> {
    debug_assert!(matches!(ask.method, Method::GET | Method::HEAD), "the router lets nothing else in");
    ask.parameters().done()?;
    let list = ask.part("list").parse().map_err(|_| Code::C1003)?;
    let text = ask.shared.consents.status_list(list)?;
    let keep = format!("public, max-age={}", STATUS_TTL.as_secs() / 2);
    let keep = HeaderValue::from_str(&keep).expect("digits are a header value");
    let body = text.as_bytes().to_vec().into();
    Ok(Reply::text(StatusCode::OK, STATUS_LIST, body).header(CACHE_CONTROL, keep))
}

fn made(given: Given) -> Reply {
    let location = format!("/api/v1/consents/{}", given.jti);
    let body = of::GivenConsent { id: given.jti, token: given.token, receipt: given.receipt };
    Reply::with(StatusCode::CREATED, &body).location(&location)
}

/// What is missing or open here is refused by the rules of consents, with their codes.
fn wanted(fields: &mut Fields<'_>) -> Option<Wanted> {
    let (unit, scenario) = (fields.id("unit"), fields.id("scenario"));
    let lists = ["products", "fields", "actions"].map(|key| fields.texts_or_none(key, FIELDS_MAX));
    let uses_max = count_or_none(fields, "usesMax");
    let expires = moment_or_none(fields, "until");
    let notice = fields.text("notice", 1..=TEXT_BYTES_MAX);
    let notice_hash = fields.text("noticeHash", 1..=TEXT_BYTES_MAX);
    let basis = fields.text("basis", 1..=TEXT_BYTES_MAX).and_then(|text| {
        let found = Basis::ALL.into_iter().find(|basis| basis.as_str() == text);
        found.or_else(|| {
            fields.fail("basis", format!("must be one of: {}", Basis::ALL.map(Basis::as_str).join(", ")))
        })
    });
    let sensitive = fields.boolean("sensitive", false);
    let blinded = blinded(fields);
    let [products, leaves, actions] = lists;
    Some(Wanted {
        unit: unit?,
        scenario: scenario?,
        products: products?.unwrap_or_default(),
        fields: leaves?.unwrap_or_default(),
        actions: actions?.unwrap_or_default(),
        uses_max: uses_max?,
        expires: expires?,
        notice: notice?.to_owned(),
        notice_hash: notice_hash?.to_owned(),
        basis: basis?,
        sensitive: sensitive?,
        blinded: blinded?,
    })
}

fn blinded(fields: &mut Fields<'_>) -> Option<Option<BlindedEntry>> {
    if fields.optional("blinded").is_none() {
        return Some(None);
    }
    let read = |fields: &mut Fields<'_>| {
        let element = fields.text("element", 1..=TEXT_BYTES_MAX);
        let parts = fields.texts_or_none("parts", BLINDED_PARTS_MAX);
        let state = fields.text("state", 1..=TEXT_BYTES_MAX);
        let (element, state) = (element?.to_owned(), state?.to_owned());
        Some(BlindedEntry { element, parts: parts?.unwrap_or_default(), state })
    };
    fields.section("blinded", read).map(Some)
}

fn narrower(fields: &mut Fields<'_>) -> Option<Narrower> {
    let lists = ["products", "fields", "actions"].map(|key| fields.texts_or_none(key, FIELDS_MAX));
    let (uses_max, expires) = (count_or_none(fields, "usesMax"), moment_or_none(fields, "until"));
    let [products, leaves, actions] = lists;
    Some(Narrower {
        products: products?,
        fields: leaves?,
        actions: actions?,
        uses_max: uses_max?,
        expires: expires?,
    })
}

fn count_or_none(fields: &mut Fields<'_>, key: &'static str) -> Option<Option<u32>> {
    match fields.optional(key) {
        None => Some(None),
        Some(_) => {
            let count = fields.count(key, 0..=u32::MAX.into())?;
            Some(u32::try_from(count).ok())
        }
    }
}

fn moment_or_none(fields: &mut Fields<'_>, key: &'static str) -> Option<Option<Timestamp>> {
    match fields.text_or_none(key, 1..=TEXT_BYTES_MAX)? {
        None => Some(None),
        Some(text) => match instant(text) {
            Some(at) => Some(Some(at)),
            None => fields.fail(key, "must be a date (2026-01-31) or an instant (2026-01-31T08:00:00+08:00)"),
        },
    }
}

fn consent(view: &ConsentView) -> of::Consent {
    let claims = &view.claims;
    let details = claims.authorization_details.first();
    let seconds = |seconds| shown::instant(Timestamp::from_seconds(seconds));
    let status = claims.status.as_ref().map(|status| &status.status_list);
    of::Consent {
        id: claims.jti.clone(),
        issuer: claims.iss.clone(),
        unit: details.map(|details| details.au.clone()),
        scenario: details.map(|details| details.scenario.clone()),
        purpose: details.map(|details| details.purpose.clone()),
        products: details.map(|details| details.products.clone()),
        fields: details.map(|details| details.fields.clone()),
        actions: details.map(|details| details.actions.clone()),
        uses_max: claims.r#use.as_ref().and_then(|uses| uses.max),
        used: Some(view.used),
        from: seconds(claims.nbf),
        until: claims.exp.map(seconds),
        basis: claims.legal.basis.as_str().to_owned(),
        sensitive: claims.legal.sensitive,
        notice: claims.legal.notice.clone(),
        notice_hash: claims.legal.notice_hash.clone(),
        parent: claims.parent.as_ref().map(|parent| parent.jti.clone()),
        status: status.map(|entry| of::ListEntry { list: entry.uri.clone(), index: entry.idx.into() }),
        given: shown::instant(view.given),
        withdrawn: view.withdrawn.map(shown::instant),
        live: view.live,
    }
}

fn data_use(one: &DataUse) -> of::DataUse {
    of::DataUse {
        sequence: one.seq,
        at: shown::instant(one.at),
        unit: one.unit.to_string(),
        scenario: one.scenario.to_string(),
        purpose: one.purpose.map(|purpose| purpose.as_str().to_owned()),
        product: one.product.to_string(),
        operation: one.operation.to_string(),
        decision: one.decision.as_str().to_owned(),
        code: one.code.map(|code| code.as_str().to_owned()),
    }
}

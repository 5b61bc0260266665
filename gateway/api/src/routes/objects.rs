//! Objects and cases of every kind: lists, one, writing, removing, acting.

use http::StatusCode;
use shuzha_control::{Attachment, Caller, Kind, Query, Request};
use shuzha_core::{Code, Id};
use shuzha_products::world::API_VERSION;
use shuzha_schema::object::IssuedSecret;
use shuzha_schema::{Name, Page};

use super::accounts::shown_once;
use crate::ask::{Ask, Reply};
use crate::conditions::{self, Expected};
use crate::fields::Fields;
use crate::problem::Problem;
use crate::{shown, who};

/// Says that an answer is the kept one of an earlier request with the same key.
pub(crate) const REPLAYED: http::HeaderName = http::HeaderName::from_static("idempotency-replayed");

/// What can be done to a credential beside writing it.
pub(crate) const ISSUE_SECRET: &str = "issue-secret";
pub(crate) const CONFIRM: &str = "confirm";
pub(crate) const REVOKE: &str = "revoke";
/// Longest proof of possession in bytes, in base 64.
const SIGNATURE_BYTES_MAX: usize = 128;

/// The kind whose plural stands in the path.
///
/// # Errors
/// C006 where there is none.
pub(crate) fn kind(ask: &Ask) -> Result<Kind, Problem> {
    let plural = ask.part("plural");
    Kind::all().find(|kind| kind.plural() == plural).ok_or_else(|| Code::C006.into())
}

/// `GET /api/v1/{plural}`.
pub(crate) fn list(ask: &Ask) -> Result<Reply, Problem> {
    let kind = kind(ask)?;
    let caller = who::caller(ask)?;
    let mut parameters = ask.parameters();
    let limit = parameters.limit();
    let after: Option<Id> = parameters.parsed("cursor");
    let owner: Option<Id> = parameters.parsed("owner");
    let text = parameters.text("q");
    let (mut state, mut overdue) = (None, false);
    if let Kind::Case(case) = kind {
        state = parameters.word("state", case.states);
        overdue = parameters.flag("overdue");
    }
    parameters.done()?;
    let query = Query {
        owner: owner.as_ref(),
        state: state.as_deref(),
        text: text.as_deref(),
        overdue,
        after: after.as_ref(),
        limit,
    };
    let page = ask.shared.control.list(&caller, kind.name(), &query)?;
    let mut next = page.next;
    let (mut items, mut bytes) = (Vec::new(), 0);
    for view in &page.items {
        let item = shown::object(&ask.shared.control, view, &caller)?;
        bytes += serde_json::to_vec(&item).map_or(0, |text| text.len());
        items.push(item);
        if bytes > ask.shared.limits.page_bytes_max && items.len() < page.items.len() {
            next = Some(view.name.clone());
            break;
        }
    }
    Ok(Reply::ok(&Page { items, next: next.map(|next| next.to_string()) }))
}

/// `GET /api/v1/{plural}/{name}`.
pub(crate) fn get(ask: &Ask) -> Result<Reply, Problem> {
    let kind = kind(ask)?;
    not_a_verb(ask, kind)?;
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let view = ask.shared.control.get(&caller, kind.name(), &ask.id("name")?)?;
    if conditions::has_already(&ask.headers, view.version) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).version(view.version));
    }
    Ok(Reply::ok(&shown::object(&ask.shared.control, &view, &caller)?).version(view.version))
}

/// `PUT /api/v1/{plural}/{name}`: a declared object, a new case, or the spec of one that is being drafted.
pub(crate) fn put(ask: &Ask) -> Result<Reply, Problem> {
    let kind = kind(ask)?;
    not_a_verb(ask, kind)?;
    let caller = who::caller(ask)?;
    let way = Way::of(ask)?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let version = fields.word("apiVersion", API_VERSION);
    let word = fields.word("kind", kind.name());
    let path = ask.part("name");
    let name = fields.section("metadata", |metadata| {
        let name = metadata.id("name")?;
        if name.as_str() == path { Some(name) } else { metadata.fail("name", "differs from the address") }
    });
    let spec = fields.required("spec");
    let reason = fields.reason();
    let attachments = fields.attachments();
    let (name, spec, reason, attachments) = fields.done(|| {
        version.and(word)?;
        Some((name?, spec?, reason?, attachments?))
    })?;
    let request = way.request(&reason, &attachments);
    let outcome = ask.shared.control.put(&caller, kind.name(), &name, spec, &request);
    let outcome = outcome.map_err(|error| way.expected.refused(error.into()))?;
    let made = request.expected.is_none() && !way.dry_run;
    let reply = changed(
        ask,
        &outcome,
        &caller,
        way.dry_run,
        if made { StatusCode::CREATED } else { StatusCode::OK },
    )?;
    Ok(if made { reply.location(&format!("/api/v1/{}/{name}", kind.plural())) } else { reply })
}

/// `DELETE /api/v1/{plural}/{name}`.
pub(crate) fn remove(ask: &Ask) -> Result<Reply, Problem> {
    let kind = kind(ask)?;
    not_a_verb(ask, kind)?;
    if let Kind::Case(_) = kind {
        return no_such_method(ask);
    }
    let caller = who::caller(ask)?;
    let way = Way::of(ask)?;
    let name = ask.id("name")?;
    let body = ask.json_or_empty()?;
    let mut fields = Fields::of(&body);
    let (reason, attachments) = (fields.reason(), fields.attachments());
    let (reason, attachments) = fields.done(|| Some((reason?, attachments?)))?;
    let request = way.request(&reason, &attachments);
    let outcome = ask.shared.control.remove(&caller, kind.name(), &name, &request);
    let outcome = outcome.map_err(|error| way.expected.refused(error.into()))?;
    changed(ask, &outcome, &caller, way.dry_run, StatusCode::OK)
}

/// `POST /api/v1/{plural}/{name}:{verb}`.
pub(crate) fn act(ask: &Ask) -> Result<Reply, Problem> {
    let kind = kind(ask)?;
    let Some((name, verb)) = ask.part("name").split_once(':') else { return no_such_method(ask) };
    if !is_verb(kind, verb) {
        return Err(Code::C006.into());
    }
    let caller = who::caller(ask)?;
    if verb == ISSUE_SECRET {
        return issue_secret(ask, &caller, name);
    }
    let way = Way::of(ask)?;
    let name = Id::new(name).map_err(|_| Problem::from(Code::C1003))?;
    if let Kind::Declared(..) = kind {
        return act_on_credential(ask, &caller, &name, verb, &way);
    }
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let (reason, attachments) = (fields.reason(), fields.attachments());
    let (reason, attachments) = fields.done_open(|| Some((reason?, attachments?)))?;
    let request = way.request(&reason, &attachments);
    let outcome = ask.shared.control.act(&caller, kind.name(), &name, verb, &body, &request);
    let outcome = outcome.map_err(|error| way.expected.refused(error.into()))?;
    changed(ask, &outcome, &caller, way.dry_run, StatusCode::OK)
}

/// `POST /api/v1/credentials/{name}:revoke` and `:confirm`. Whoever is in a hurry need not name a version.
fn act_on_credential(
    ask: &Ask,
    caller: &Caller,
    name: &Id,
    verb: &str,
    way: &Way<'_>,
) -> Result<Reply, Problem> {
    let body = ask.json_or_empty()?;
    let mut fields = Fields::of(&body);
    let (reason, attachments) = (fields.reason(), fields.attachments());
    let signature =
        if verb == CONFIRM { fields.text("signature", 1..=SIGNATURE_BYTES_MAX) } else { Some("") };
    let (reason, attachments, signature) = fields.done(|| Some((reason?, attachments?, signature?)))?;
    let request = way.request(&reason, &attachments);
    let control = &ask.shared.control;
    let outcome = match verb {
        CONFIRM => control.confirm(caller, name, signature, &request),
        _ => control.revoke(caller, name, &request),
    };
    changed(ask, &outcome?, caller, way.dry_run, StatusCode::OK)
}

/// `POST /api/v1/credentials/{name}:issue-secret`; the secret is shown here and never again.
fn issue_secret(ask: &Ask, caller: &Caller, name: &str) -> Result<Reply, Problem> {
    ask.parameters().done()?;
    let name = Id::new(name).map_err(|_| Problem::from(Code::C1003))?;
    let key = conditions::idempotency_key(&ask.headers)?;
    let body = ask.json_or_empty()?;
    let mut fields = Fields::of(&body);
    let reason = fields.reason();
    let reason = fields.done(|| reason)?;
    let issued = ask.shared.accounts.issue_secret(caller, &name, &reason, key)?;
    let secret = issued.secret.as_deref().cloned();
    let body = IssuedSecret {
        credential: Name::of(&name),
        algorithm: issued.algorithm.clone(),
        in_force: issued.in_force,
        already_shown: secret.is_none(),
        secret,
    };
    Ok(shown_once(&body, body.already_shown))
}

/// Any other method on one object, or on one of its verbs.
pub(crate) fn no_such_method(ask: &Ask) -> Result<Reply, Problem> {
    let kind = kind(ask)?;
    not_a_verb(ask, kind)?;
    let allow = match kind {
        Kind::Case(_) => "GET, HEAD, PUT",
        Kind::Declared(..) => "GET, HEAD, PUT, DELETE",
    };
    Err(Problem { allow: Some(allow), ..Code::C007.into() })
}

/// Tells that a verb takes `POST` alone. What is no verb is no name either, and is not there.
fn not_a_verb(ask: &Ask, kind: Kind) -> Result<(), Problem> {
    match ask.part("name").split_once(':') {
        Some((_, verb)) if is_verb(kind, verb) => Err(Problem { allow: Some("POST"), ..Code::C007.into() }),
        _ => Ok(()),
    }
}

fn is_verb(kind: Kind, verb: &str) -> bool {
    match kind {
        Kind::Case(case) => case.verb(verb).is_some(),
        Kind::Declared(..) => kind.name() == "Credential" && matches!(verb, ISSUE_SECRET | CONFIRM | REVOKE),
    }
}

/// How a change is asked for: what it is conditional on, whether it is only tried, and the key of its retries.
struct Way<'a> {
    expected: Expected,
    dry_run: bool,
    key: Option<&'a str>,
}

impl<'a> Way<'a> {
    fn of(ask: &'a Ask) -> Result<Self, Problem> {
        let mut parameters = ask.parameters();
        let dry_run = parameters.flag("dry_run");
        parameters.done()?;
        let expected = conditions::expected(&ask.headers)?;
        let key = conditions::idempotency_key(&ask.headers)?;
        Ok(Self { expected, dry_run, key })
    }

    fn request(&self, reason: &'a str, attachments: &'a [Attachment]) -> Request<'a> {
        Request {
            expected: self.expected.version(),
            dry_run: self.dry_run,
            key: self.key,
            reason,
            attachments,
        }
    }
}

fn changed(
    ask: &Ask,
    outcome: &shuzha_control::Outcome,
    caller: &shuzha_control::Caller,
    dry_run: bool,
    status: StatusCode,
) -> Result<Reply, Problem> {
    let body = shown::change(&ask.shared.control, outcome, caller, dry_run)?;
    let mut reply = Reply::with(status, &body);
    if let (Some(object), false) = (&outcome.object, dry_run) {
        reply = reply.version(object.version);
    }
    if outcome.replayed {
        reply = reply.header(REPLAYED, http::HeaderValue::from_static("true"));
    }
    Ok(reply)
}

//! Finance: periods and their close, statements, shares, the ledger, permitted revenue, previews.

pub(crate) mod line_corrections;
pub(crate) mod papers;
pub(crate) mod postings;
pub(crate) mod review;
mod shown;

use serde_json::Value;
use shuzha_control::Caller;
use shuzha_control::finance::{Change, Finance, Payment, PostingRequest};
use shuzha_core::{Code, Fen, Id};
use shuzha_pricing::Month;
use shuzha_schema::finance::{Balance, Close, Preview, WholeStatement};
use shuzha_schema::{List, Page, Yuan};
use shuzha_store::ledger::Word;

use crate::ask::{Ask, Reply};
use crate::fields::Fields;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::who;

/// What can be done to a period.
pub(crate) const PERIOD_VERBS: [&str; 4] = ["soft-close", "close", "preview", "rerate"];
/// What a period is read by.
pub(crate) const PERIOD_PARTS: [&str; 5] = ["usage", "lines", "statements", "shares", "contributions"];

/// Longest key and reason, in bytes.
const TEXT_BYTES_MAX: usize = 200;

/// Finance, and who asks.
pub(super) fn asked(ask: &Ask) -> Result<(&Finance, Caller), Problem> {
    let caller = who::caller(ask)?;
    let finance = ask.shared.finance.as_deref().ok_or(Code::C006)?;
    Ok((finance, caller))
}

/// What is said about a proposal of two persons.
enum Deciding {
    /// Approves it.
    Approve,
    /// Declines it, or withdraws one's own.
    Decline,
}

/// What is done to a proposal.
pub(crate) const DECISIONS: [&str; 2] = ["approve", "decline"];

/// Finance, who decides, the proposal's number, and what is said about it: of `…/{number}:{verb}`.
fn deciding(ask: &Ask) -> Result<(&Finance, Caller, u64, Deciding), Problem> {
    let (number, verb) = ask.part("number").split_once(':').ok_or(Code::C006)?;
    let decided = match verb {
        "approve" => Deciding::Approve,
        "decline" => Deciding::Decline,
        _ => return Err(Code::C006.into()),
    };
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    Fields::of(&ask.json_or_empty()?).done(|| Some(()))?;
    Ok((finance, caller, number.parse().map_err(|_| Code::C1003)?, decided))
}

fn month(text: &str) -> Result<Month, Problem> {
    text.parse().map_err(|_| Code::C1003.into())
}

/// `period`, a month.
pub(super) fn month_asked(parameters: &mut Parameters) -> Option<Month> {
    parameters.parsed("period")
}

/// A list as a page that has everything.
fn list<T: serde::Serialize>(items: impl IntoIterator<Item = T>) -> Reply {
    Reply::ok(&List::of(items))
}

/// `GET /api/v1/finance/periods`.
pub(crate) fn periods(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    Ok(list(finance.periods(&caller)?.iter().map(shown::period)))
}

/// `GET /api/v1/finance/periods/{month}`.
pub(crate) fn period(ask: &Ask) -> Result<Reply, Problem> {
    if is_act_on_period(ask) {
        return Err(only(POST));
    }
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    Ok(Reply::ok(&shown::period(&finance.period(&caller, month(ask.part("month"))?)?)))
}

/// `GET /api/v1/finance/periods/{month}/{part}`.
pub(crate) fn part(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    let month = month(ask.part("month"))?;
    Ok(match ask.part("part") {
        "usage" => list(finance.usage(&caller, month)?.iter().map(shown::usage)),
        "lines" => list(finance.lines(&caller, month)?.iter().map(shown::line)),
        "statements" => list(finance.statements(&caller, month)?.iter().map(shown::statement)),
        "shares" => list(finance.bills(&caller, month)?.iter().map(|bill| shown::bill(month, bill))),
        "contributions" => list(finance.contributions(&caller, month)?.iter().map(shown::contribution)),
        _ => return Err(Code::C006.into()),
    })
}

/// `POST /api/v1/finance/periods/{month}:{verb}`.
pub(crate) fn act_on_period(ask: &Ask) -> Result<Reply, Problem> {
    let Some((name, verb)) = ask.part("month").split_once(':') else { return Err(only(READ)) };
    if !PERIOD_VERBS.contains(&verb) {
        return Err(Code::C006.into());
    }
    let (finance, caller) = asked(ask)?;
    let month = month(name)?;
    let mut parameters = ask.parameters();
    let dry_run = verb == "close" && parameters.flag("dry_run");
    parameters.done()?;
    let body = ask.json_or_empty()?;
    if verb == "preview" {
        let changes = changes(&body)?;
        let found = finance.preview(&caller, month, &changes)?;
        return Ok(Reply::ok(&Preview {
            total: shown::sums(found.total),
            units: shown::effect(&found.units),
            parties: shown::effect(&found.parties),
            products: shown::effect(&found.products),
        }));
    }
    if verb == "rerate" {
        return review::propose(finance, &caller, month, &body);
    }
    Fields::of(&body).done(|| Some(()))?;
    if verb == "soft-close" {
        return Ok(Reply::ok(&shown::period(&finance.soft_close(&caller, month)?)));
    }
    let (period, closing) = finance.close(&caller, month, dry_run)?;
    Ok(Reply::ok(&Close { period: shown::period(&period), closing: shown::closing(&closing) }))
}

fn changes(body: &Value) -> Result<Vec<Change>, Problem> {
    let mut fields = Fields::of(body);
    let found = fields.required("changes").and_then(Value::as_array).cloned();
    changes_of(&fields.done(|| found)?)
}

/// Objects as they would be.
fn changes_of(items: &[Value]) -> Result<Vec<Change>, Problem> {
    let read = |item: &Value| {
        let mut fields = Fields::of(item);
        let kind = fields.text("kind", 1..=TEXT_BYTES_MAX).map(str::to_owned);
        let name = fields.id("name");
        let spec = fields.required("spec").cloned();
        fields.done(|| Some(Change { kind: kind?, name: name?, spec: spec? }))
    };
    items.iter().map(read).collect()
}

/// `GET /api/v1/finance/statements/{number}`.
pub(crate) fn statement(ask: &Ask) -> Result<Reply, Problem> {
    if is_word(ask) {
        return Err(only(POST));
    }
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    let found = finance.statement(&caller, ask.part("number"))?;
    let lines = found.lines.iter().map(shown::line).collect();
    let (statement, free_use) = (shown::statement(&found.stated), shown::free_use(&found.free_use));
    Ok(Reply::ok(&WholeStatement { statement, lines, free_use }))
}

/// `POST /api/v1/finance/statements/{number}:{verb}`.
pub(crate) fn say(ask: &Ask) -> Result<Reply, Problem> {
    let Some((number, verb)) = ask.part("number").rsplit_once(':') else { return Err(only(READ)) };
    let word = Word::from_name(verb).ok_or(Code::C006)?;
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    let body = ask.json_or_empty()?;
    let mut fields = Fields::of(&body);
    let reason = fields.reason();
    let reason = fields.done(|| reason)?;
    Ok(Reply::ok(&shown::statement(&finance.say(&caller, number, word, &reason)?)))
}

/// Any other method on one period, or on one of its verbs.
pub(crate) fn no_such_method_of_period(ask: &Ask) -> Result<Reply, Problem> {
    Err(only(if is_act_on_period(ask) { POST } else { READ }))
}

/// Any other method on one statement, or on one of its verbs.
pub(crate) fn no_such_method_of_statement(ask: &Ask) -> Result<Reply, Problem> {
    Err(only(if is_word(ask) { POST } else { READ }))
}

/// The methods of a verb, and of what is only read.
const POST: &str = "POST";
const READ: &str = "GET, HEAD";

fn only(allow: &'static str) -> Problem {
    Problem { allow: Some(allow), ..Code::C007.into() }
}

fn is_act_on_period(ask: &Ask) -> bool {
    ask.part("month").split_once(':').is_some_and(|(_, verb)| PERIOD_VERBS.contains(&verb))
}

fn is_word(ask: &Ask) -> bool {
    ask.part("number").rsplit_once(':').is_some_and(|(_, verb)| Word::from_name(verb).is_some())
}

/// `GET /api/v1/finance/ledger`.
pub(crate) fn ledger(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    let mut parameters = ask.parameters();
    let (limit, after) = (parameters.limit(), parameters.number_cursor());
    parameters.done()?;
    let page = finance.ledger(&caller, after.unwrap_or(0), limit)?;
    let items = page.items.iter().map(shown::posted).collect();
    Ok(Reply::ok(&Page { items, next: page.next.map(|next| next.to_string()) }))
}

/// `GET /api/v1/finance/balances`.
pub(crate) fn balances(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    let mut parameters = ask.parameters();
    let as_of = parameters.instant("as_of");
    parameters.done()?;
    let balances = finance.balances(&caller, as_of)?;
    Ok(list(balances.iter().map(|(account, amount)| Balance {
        account: account.to_string(),
        title: account.chart().title_zh().to_owned(),
        amount: Yuan::of(amount),
    })))
}

/// `POST /api/v1/finance/transactions`: a payment, once for its key; or a proposal to pay out or to take a payment back
/// (红冲), which another person approves.
pub(crate) fn post(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let kind = fields.text("kind", 1..=TEXT_BYTES_MAX);
    let key = fields.text("key", 1..=TEXT_BYTES_MAX);
    let reason = fields.text("reason", 1..=TEXT_BYTES_MAX);
    if kind == Some("reverse") {
        let (key, reason) = fields.done(|| Some((key?.to_owned(), reason?.to_owned())))?;
        let posting = PostingRequest::posting("reverse", None).ok_or(Code::C006)?;
        return postings::proposed(finance, &caller, &PostingRequest { posting, key, reason });
    }
    let of = fields.id("of");
    let amount = fields.parsed::<Fen>("amount");
    let payment = kind.and_then(Payment::from_name);
    let posting = kind.and_then(|kind| PostingRequest::posting(kind, of.clone().zip(amount)));
    if let Some(kind) = kind
        && payment.is_none()
        && !postings::KINDS.contains(&kind)
    {
        fields.fail::<()>("kind", "is one of prepay, draw, pay, pay-out, refund, reverse");
    }
    let read: (&str, Id, Fen, &str) = fields.done(|| Some((key?, of?, amount?, reason?)))?;
    let (key, of, amount, reason) = read;
    if let Some(posting) = posting {
        let asked = PostingRequest { posting, key: key.to_owned(), reason: reason.to_owned() };
        return postings::proposed(finance, &caller, &asked);
    }
    let payment = payment.ok_or(Code::C006)?;
    Ok(Reply::ok(&shown::transaction(&finance.pay(&caller, payment, (key, &of, amount, reason))?)))
}

/// `GET /api/v1/finance/permitted`.
pub(crate) fn permitted(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    Ok(list(finance.permitted(&caller)?.iter().map(shown::standing)))
}

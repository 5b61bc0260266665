//! What was done, and what is due.

use shuzha_control::{AuditQuery, HistoryEntry, Page};
use shuzha_core::Timestamp;
use shuzha_schema::object::{Deadlines, Due};
use shuzha_store::register::RefusedFilter;

use super::objects::kind;
use crate::ask::{Ask, Reply};
use crate::problem::Problem;
use crate::{shown, who};

/// Most open deadlines that are looked through for those a caller may see.
const DEADLINES_SEEN_MAX: usize = 10_000;

/// `GET /api/v1/{plural}/{name}/history`.
pub(crate) fn history(ask: &Ask) -> Result<Reply, Problem> {
    let kind = kind(ask)?;
    let caller = who::caller(ask)?;
    let mut parameters = ask.parameters();
    let (limit, before) = (parameters.limit(), parameters.number_cursor());
    parameters.done()?;
    let page = ask.shared.control.history(&caller, kind.name(), &ask.id("name")?, before, limit)?;
    Ok(acts(&page))
}

/// `GET /api/v1/acts`.
pub(crate) fn audit(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    let mut parameters = ask.parameters();
    let (limit, before) = (parameters.limit(), parameters.number_cursor());
    let (kind, name) = (parameters.text("kind"), parameters.text("name"));
    let (actor, verb) = (parameters.text("actor"), parameters.text("verb"));
    let (from, until) = (parameters.instant("from"), parameters.instant("until"));
    parameters.done()?;
    let query = AuditQuery {
        kind: kind.as_deref(),
        name: name.as_deref(),
        actor: actor.as_deref(),
        verb: verb.as_deref(),
        from,
        until,
        before,
        limit,
    };
    Ok(acts(&ask.shared.control.audit(&caller, &query)?))
}

fn acts(page: &Page<HistoryEntry, u64>) -> Reply {
    Reply::page(page, shown::act)
}

/// `GET /api/v1/refused-acts`: what was refused to signed-on persons, and sign-ons that failed.
pub(crate) fn refused(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    let mut parameters = ask.parameters();
    let (limit, before) = (parameters.limit(), parameters.number_cursor());
    let (account, code) = (parameters.text("account"), parameters.text("code"));
    let (from, until) = (parameters.instant("from"), parameters.instant("until"));
    parameters.done()?;
    let filter =
        RefusedFilter { before, account: account.as_deref(), code: code.as_deref(), from, until, limit };
    let page = ask.shared.accounts.refusals(&caller, &filter)?;
    Ok(Reply::page(&page, shown::refused))
}

/// `GET /api/v1/notices`.
pub(crate) fn notices(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    let mut parameters = ask.parameters();
    let (limit, before) = (parameters.limit(), parameters.number_cursor());
    parameters.done()?;
    let page = ask.shared.control.notices(&caller, before, limit)?;
    Ok(Reply::page(&page, shown::notice))
}

/// `GET /api/v1/deadlines`: what is due next on the cases that the caller may see.
pub(crate) fn deadlines(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    let mut parameters = ask.parameters();
    let limit = parameters.limit();
    let until = parameters.instant("until").unwrap_or(Timestamp::from_micros(i64::MAX));
    parameters.done()?;
    let control = &ask.shared.control;
    let (mut items, mut more) = (Vec::new(), false);
    for deadline in control.register().due(until, DEADLINES_SEEN_MAX).map_err(shuzha_control::Error::from)? {
        match control.get(&caller, &deadline.kind, &deadline.name) {
            Ok(_) if items.len() == limit => {
                more = true;
                break;
            }
            Ok(_) => items.push(shown::deadline_of(&deadline)),
            Err(shuzha_control::Error::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Reply::ok(&Deadlines { items, more }))
}

/// `GET /api/v1/calendar/due`: when a number of working days has passed.
pub(crate) fn calendar_due(ask: &Ask) -> Result<Reply, Problem> {
    who::caller(ask)?;
    let mut parameters = ask.parameters();
    let (from, days) = (parameters.instant("from"), parameters.whole("days", 0..=1_000));
    let (from, days) = parameters.need(from.zip(days), &["from", "days"])?;
    let due = ask.shared.control.rules().calendar.due(from, days);
    Ok(Reply::ok(&Due { at: shown::instant(due.at), provisional: due.provisional }))
}

//! Postings by two persons: money out, and reversals.

use http::StatusCode;
use shuzha_control::Caller;
use shuzha_control::finance::{Finance, PostingRequest};
use shuzha_schema::finance::ApprovedPosting;

use super::{Deciding, POST, asked, deciding, list, only, shown};
use crate::ask::{Ask, Reply};
use crate::problem::Problem;

/// What is posted by two persons.
pub(crate) const KINDS: [&str; 3] = ["pay-out", "refund", "reverse"];

/// Keeps a proposal that another person is to approve.
pub(super) fn proposed(
    finance: &Finance,
    caller: &Caller,
    wanted: &PostingRequest,
) -> Result<Reply, Problem> {
    let kept = finance.propose_posting(caller, wanted)?;
    Ok(Reply::with(StatusCode::ACCEPTED, &shown::proposal(&kept)))
}

/// `GET /api/v1/finance/proposals`.
pub(crate) fn proposals(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    Ok(list(finance.posting_proposals(&caller)?.iter().map(shown::proposal)))
}

/// `POST /api/v1/finance/proposals/{number}:{verb}`.
pub(crate) fn decide(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller, number, decided) = deciding(ask)?;
    if matches!(decided, Deciding::Decline) {
        return Ok(Reply::ok(&shown::proposal(&finance.decline_posting(&caller, number)?)));
    }
    let (decided, transaction) = finance.approve_posting(&caller, number)?;
    let (proposal, transaction) = (shown::proposal(&decided), shown::transaction(&transaction));
    Ok(Reply::ok(&ApprovedPosting { proposal, transaction }))
}

/// Any other method on a proposal.
pub(crate) fn no_such_method(_: &Ask) -> Result<Reply, Problem> {
    Err(only(POST))
}

//! Corrections of single lines, by two persons.

use http::StatusCode;
use shuzha_core::PurposeClass;
use shuzha_pricing::Basis;
use shuzha_pricing::metering::Line;
use shuzha_store::ledger::LineChange;

use super::{Deciding, asked, deciding, list, shown};
use crate::ask::{Ask, Reply};
use crate::fields::Fields;
use crate::problem::Problem;

/// Longest reason, in bytes.
pub(crate) const REASON_BYTES_MAX: usize = 600;

/// `GET /api/v1/finance/line-corrections`.
pub(crate) fn corrections(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    Ok(list(finance.line_corrections(&caller)?.iter().map(shown::line_correction)))
}

/// `POST /api/v1/finance/line-corrections`.
pub(crate) fn propose(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let names = [
        fields.id("unit"),
        fields.id("agreement"),
        fields.id("scenario"),
        fields.id("product"),
        fields.id("price"),
    ];
    let purpose = fields.text("purpose", 1..=64);
    let purpose = purpose.and_then(|word| {
        let found = PurposeClass::ALL.into_iter().find(|one| one.as_str() == word);
        found.or_else(|| fields.fail("purpose", "is no class of purpose"))
    });
    let basis = fields.text("basis", 1..=64);
    let basis = basis.and_then(|word| {
        let found = Basis::ALL.into_iter().find(|one| one.as_str() == word);
        found.or_else(|| fields.fail("basis", "is no basis"))
    });
    let (month, exact) = (fields.parsed("month"), fields.parsed("amount"));
    let reason = fields.text("reason", 1..=REASON_BYTES_MAX).map(str::to_owned);
    let change = fields.done(|| {
        let [unit, agreement, scenario, product, price] = names;
        let line = Line {
            unit: unit?,
            agreement: agreement?,
            scenario: scenario?,
            product: product?,
            price: price?,
            purpose: purpose?,
            basis: basis?,
        };
        Some(LineChange { line, month: month?, exact: exact?, reason: reason? })
    })?;
    let kept = finance.propose_line_correction(&caller, &change)?;
    Ok(Reply::with(StatusCode::ACCEPTED, &shown::line_correction(&kept)))
}

/// `POST /api/v1/finance/line-corrections/{number}:{verb}`.
pub(crate) fn decide(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller, number, decided) = deciding(ask)?;
    let decided = match decided {
        Deciding::Approve => finance.approve_line_correction(&caller, number)?,
        Deciding::Decline => finance.decline_line_correction(&caller, number)?,
    };
    Ok(Reply::ok(&shown::line_correction(&decided)))
}

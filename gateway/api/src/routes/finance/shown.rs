//! What finance answers, made of what the books and the use cases have.

mod rated;

use shuzha_control::finance::{BillView, Effect, FreeGround, Standing, Sums};
use shuzha_core::{Id, Timestamp, hex};
use shuzha_pricing::Month;
use shuzha_pricing::closing::{Closing, Contribution, Share};
use shuzha_pricing::ledger::Transaction;
use shuzha_pricing::metering::{Line, Row};
use shuzha_pricing::rerating::Correction;
use shuzha_pricing::vat::Taxed;
use shuzha_schema::finance as shown;
use shuzha_schema::{By, Digest, Yuan};
use shuzha_store::ledger::{LineCorrection, Period, Posted, PostingProposal, Rerating, Stated};

use crate::parameters::instant_text;
use crate::shown::instant;

pub(super) use rated::line;

fn by((who, at): &(Id, Timestamp)) -> By {
    By { by: who.to_string(), at: instant(*at) }
}

fn digest(bytes: &[u8; 32]) -> Digest {
    Digest::of(hex::encode(bytes))
}

fn month(month: Month) -> shuzha_schema::Month {
    shuzha_schema::Month::of(month)
}

pub(super) fn period(period: &Period) -> shown::Period {
    shown::Period {
        month: month(period.month),
        state: period.state.as_str().to_owned(),
        soft_closed: period.soft.as_ref().map(by),
        closed: period.closed.as_ref().map(by),
        reached: period.reached,
        digest: period.digest.as_ref().map(digest),
    }
}

fn of_line(line: &Line) -> shown::Line {
    shown::Line {
        unit: line.unit.to_string(),
        agreement: line.agreement.to_string(),
        scenario: line.scenario.to_string(),
        product: line.product.to_string(),
        price: line.price.to_string(),
        purpose: line.purpose.as_str().to_owned(),
        basis: line.basis.as_str().to_owned(),
    }
}

pub(super) fn usage((dimensions, sums): &Row) -> shown::Usage {
    shown::Usage {
        line: of_line(&dimensions.line),
        hour: instant(dimensions.hour.begin()),
        operation: dimensions.operation.to_string(),
        calls: sums.calls,
        quantity: sums.quantity,
        amount: Yuan::of(sums.amount),
        sequences: [sums.first_seq, sums.last_seq],
    }
}

fn taxed(taxed: &Taxed) -> shown::Amounts {
    shown::Amounts { gross: Yuan::of(taxed.gross), net: Yuan::of(taxed.net), tax: Yuan::of(taxed.tax) }
}

pub(super) fn statement(stated: &Stated) -> shown::Statement {
    let one = &stated.statement;
    let acts = stated.acts.iter().map(|act| shown::StatementAct {
        act: act.word.as_str().to_owned(),
        account: act.account.to_string(),
        organisation: act.organisation.to_string(),
        at: instant(act.at),
        reason: act.reason.clone(),
    });
    shown::Statement {
        number: one.number.clone(),
        month: month(stated.month),
        unit: one.unit.to_string(),
        state: stated.state.as_str().to_owned(),
        amounts: taxed(&one.taxed),
        acts: acts.collect(),
        calls: one.tree.as_ref().map(|tree| shown::Calls {
            root: digest(&tree.root),
            size: tree.size,
            sequences: [tree.first_seq, tree.last_seq],
        }),
    }
}

pub(super) fn free_use(all: &[FreeGround]) -> Vec<shown::FreeUse> {
    let one = |one: &FreeGround| shown::FreeUse {
        kind: one.kind.to_owned(),
        name: one.name.to_string(),
        ground: one.ground.clone(),
        conditions: one.conditions.clone(),
    };
    all.iter().map(one).collect()
}

pub(super) fn bill(of: Month, view: &BillView) -> shown::Bill {
    let (from, until) = (of.begin(), of.end());
    let calls = |share: &Share, unit: Option<&Id>| {
        let unit = unit.map(|unit| format!("&unit={unit}")).unwrap_or_default();
        let [from, until] = [from, until].map(|at| instant_text(at).replace('+', "%2B"));
        format!("/api/v1/traces?product={}{unit}&from={from}&until={until}", share.product)
    };
    let shares = view.shares.iter().zip(&view.units).map(|(share, unit)| shown::Share {
        agreement: share.agreement.to_string(),
        product: share.product.to_string(),
        base: Yuan::of(share.base),
        weight: share.weight.to_string(),
        whole: share.whole.to_string(),
        amount: Yuan::of(share.amount),
        calls: calls(share, unit.as_ref()),
    });
    shown::Bill {
        number: view.bill.number.clone(),
        party: view.bill.party.to_string(),
        amount: Yuan::of(view.bill.amount),
        shares: shares.collect(),
    }
}

pub(super) fn contribution(one: &Contribution) -> shown::Contribution {
    shown::Contribution {
        party: one.party.to_string(),
        product: one.product.to_string(),
        calls: one.calls,
        records: one.records,
        charged: one.charged,
        revenue: Yuan::of(one.revenue),
        notional: Yuan::of(one.notional),
        share: Yuan::of(one.share),
        units: one.assessment.map(|of| of.units),
        scenarios: one.assessment.map(|of| of.scenarios),
        tickets: one.assessment.map(|of| of.quality.tickets),
        faults: one.assessment.map(|of| of.quality.faults),
    }
}

pub(super) fn transaction(one: &Transaction) -> shown::Transaction {
    let entries = one
        .entries
        .iter()
        .map(|entry| shown::Entry { account: entry.account.to_string(), amount: Yuan::of(entry.amount) });
    shown::Transaction {
        template: one.template.as_str().to_owned(),
        key: one.key.clone(),
        period: month(one.period),
        reason: one.reason.clone(),
        corrects: one.corrects.clone(),
        entries: entries.collect(),
    }
}

pub(super) fn posted(posted: &Posted) -> shown::Posted {
    shown::Posted {
        transaction: transaction(&posted.transaction),
        number: posted.number,
        recorded: instant(posted.recorded),
        hash: digest(&posted.hash),
    }
}

pub(super) fn proposal(one: &PostingProposal) -> shown::PostingProposal {
    let state = match &one.decision {
        None => "proposed",
        Some(decision) if decision.posted.is_some() => "approved",
        Some(_) => "declined",
    };
    let paid = one.posting.paid();
    shown::PostingProposal {
        number: one.number,
        kind: one.posting.as_str().to_owned(),
        key: one.key.clone(),
        reason: one.reason.clone(),
        state: state.to_owned(),
        of: paid.map(|(of, _)| of.to_string()),
        amount: paid.map(|(_, amount)| Yuan::of(amount)),
        proposed: by(&one.proposed),
        decided: one.decision.as_ref().map(|one| By { by: one.by.to_string(), at: instant(one.at) }),
        posted: one.decision.as_ref().and_then(|one| one.posted.clone()),
    }
}

pub(super) fn rerating(one: &Rerating) -> shown::Rerating {
    shown::Rerating {
        number: one.number,
        month: month(one.month),
        reason: one.reason.clone(),
        lines: one.lines,
        digest: digest(&one.digest),
        state: if one.approved.is_some() { "approved" } else { "proposed" }.to_owned(),
        changes: serde_json::from_str(&one.changes).unwrap_or_default(),
        proposed: by(&one.proposed),
        approved: one.approved.as_ref().map(by),
        period: one.period.map(month),
    }
}

pub(super) fn line_correction(one: &LineCorrection) -> shown::LineCorrection {
    let state = match (&one.decided, one.period) {
        (None, _) => "proposed",
        (Some(_), Some(_)) => "approved",
        (Some(_), None) => "declined",
    };
    shown::LineCorrection {
        number: one.number,
        line: of_line(&one.change.line),
        month: month(one.change.month),
        amount: Yuan::of(one.change.exact),
        reason: one.change.reason.clone(),
        state: state.to_owned(),
        proposed: by(&one.proposed),
        decided: one.decided.as_ref().map(by),
        period: one.period.map(month),
    }
}

pub(super) fn correction(one: &Correction) -> shown::Correction {
    shown::Correction {
        line: of_line(&one.line),
        month: month(one.month),
        exact: Yuan::of(one.exact),
        notional: Yuan::of(one.notional),
        act: one.act.clone(),
    }
}

pub(super) fn closing(closing: &Closing) -> shown::Closing {
    let statements = closing.statements.iter().map(|one| shown::NewStatement {
        number: one.number.clone(),
        unit: one.unit.to_string(),
        amounts: taxed(&one.taxed),
    });
    let bills = closing.bills.iter().map(|bill| shown::NewBill {
        number: bill.number.clone(),
        party: bill.party.to_string(),
        amount: Yuan::of(bill.amount),
    });
    shown::Closing {
        digest: digest(&closing.digest),
        lines: closing.lines.len(),
        transactions: closing.transactions.len(),
        statements: statements.collect(),
        bills: bills.collect(),
    }
}

pub(super) fn sums(sums: Sums) -> shown::Sums {
    shown::Sums { now: Yuan::of(sums.now), then: Yuan::of(sums.then) }
}

pub(super) fn effect(effect: &Effect) -> std::collections::BTreeMap<String, shown::Sums> {
    effect.iter().map(|(name, by)| (name.to_string(), sums(*by))).collect()
}

pub(super) fn standing(one: &Standing) -> shown::Permitted {
    let permitted = &one.permitted;
    shown::Permitted {
        name: permitted.id.to_string(),
        act: permitted.act.clone(),
        operator: permitted.operator.to_string(),
        amount: Yuan::of(permitted.amount),
        carried: Yuan::of(permitted.carried),
        from: instant(permitted.cycle.from()),
        until: permitted.cycle.until().map(instant),
        closed: Yuan::of(one.closed),
        open: Yuan::of(one.open),
        left: Yuan::of(one.level.left),
        forecast: Yuan::of(one.level.forecast),
        carry: Yuan::of(one.level.carry),
        reached: one.level.reached,
    }
}

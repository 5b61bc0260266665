//! Lines, statements and shares to transactions of the ledger.

use shuzha_core::{Id, MicroYuan};

use super::{CloseFault, RatedLine, Share, Statement};
use crate::ledger::{Account, Chart, Template, Transaction};
use crate::money::InFen as _;
use crate::{Fen, Month, Overflow};

/// The transactions of a close, each checked.
pub(super) fn post(
    month: Month,
    lines: &[RatedLine],
    statements: &[Statement],
    shares: &[Share],
) -> Result<Vec<Transaction>, Vec<CloseFault>> {
    let drafts = statements
        .iter()
        .flat_map(|statement| of_statement(month, statement, &lines[statement.lines.clone()]))
        .chain(shares.iter().map(|share| of_share(month, share)));
    let (mut transactions, mut faults) = (Vec::new(), Vec::new());
    for draft in drafts {
        match draft {
            Ok(transaction) if transaction.entries.is_empty() => {}
            Ok(transaction) => match transaction.check() {
                Ok(()) => transactions.push(transaction),
                Err(_) => faults.push(CloseFault::Transaction(transaction.key)),
            },
            Err(fault) => faults.push(fault.into()),
        }
    }
    if faults.is_empty() { Ok(transactions) } else { Err(faults) }
}

type Amounts = Vec<(Account, MicroYuan)>;

fn minus(amount: MicroYuan) -> Result<MicroYuan, Overflow> {
    MicroYuan::ZERO.checked_sub(amount).ok_or(Overflow)
}

/// T1, T10 and T3 of one unit. Revenue is per product, so that T1 of a large unit stays small.
fn of_statement(
    month: Month,
    statement: &Statement,
    lines: &[RatedLine],
) -> [Result<Transaction, Overflow>; 3] {
    let unit = &statement.unit;
    let draft = |template: Template, what: &str, amounts: Result<Amounts, Overflow>| {
        Ok(Transaction {
            template,
            key: format!("{month}/{}/{unit}", template.as_str()),
            period: month,
            reason: format!("{} {what}", statement.number),
            corrects: None,
            entries: Transaction::entries(amounts?)?,
        })
    };
    [
        draft(Template::Accrue, "应收计提", each(lines, |line, to| accrued(unit, line, to))),
        draft(Template::Free, "免费使用备查", each(lines, freed)),
        draft(Template::Statement, "开具结算单", each(lines, |line, to| stated(unit, line, to))),
    ]
}

fn each(
    lines: &[RatedLine],
    add: impl Fn(&RatedLine, &mut Amounts) -> Result<(), Overflow>,
) -> Result<Amounts, Overflow> {
    let mut amounts = Vec::new();
    lines.iter().try_for_each(|line| add(line, &mut amounts))?;
    Ok(amounts)
}

fn purpose(line: &RatedLine) -> Id {
    Id::new(line.line.purpose.as_str()).expect("classes of purpose are named like ids")
}

fn revenue(line: &RatedLine) -> Account {
    Account::new(Chart::Revenue, &[&line.line.product, &purpose(line)])
}

fn accrued(unit: &Id, line: &RatedLine, to: &mut Amounts) -> Result<(), Overflow> {
    to.push((Account::new(Chart::Unbilled, &[unit, &line.line.product]), line.exact));
    to.push((revenue(line), minus(line.exact)?));
    Ok(())
}

fn freed(line: &RatedLine, to: &mut Amounts) -> Result<(), Overflow> {
    let basis = Id::new(line.line.basis.as_str()).expect("bases are named like ids");
    to.push((Account::new(Chart::FreeMemo, &[&line.line.product, &basis]), line.notional));
    to.push((Account::new(Chart::MemoContra, &[]), minus(line.notional)?));
    Ok(())
}

/// `receivable = unbilled − residue`, and tax out of revenue.
fn stated(unit: &Id, line: &RatedLine, to: &mut Amounts) -> Result<(), Overflow> {
    let tax = line.taxed.tax.exact()?;
    to.push((Account::new(Chart::Receivable, &[unit]), line.taxed.gross.exact()?));
    to.push((Account::new(Chart::Rounding, &[]), line.residue));
    to.push((Account::new(Chart::Unbilled, &[unit, &line.line.product]), minus(line.exact)?));
    to.push((revenue(line), tax));
    to.push((Account::new(Chart::OutputTax, &[]), minus(tax)?));
    Ok(())
}

/// T2 of one share.
fn of_share(month: Month, share: &Share) -> Result<Transaction, Overflow> {
    let Share { party, agreement, product, amount, .. } = share;
    if *amount == Fen::ZERO {
        let key = String::new();
        let (template, reason, corrects) = (Template::ShareAccrue, String::new(), None);
        return Ok(Transaction { template, key, period: month, reason, corrects, entries: Vec::new() });
    }
    let key = share_key(month, Template::ShareAccrue, agreement, product, party);
    let accounts = (Account::new(Chart::ShareCost, &[party]), Account::new(Chart::ShareAccrued, &[party]));
    Transaction::simple(
        (Template::ShareAccrue, key, month),
        format!("{agreement} {product} 收益分配暂估"),
        accounts,
        *amount,
    )
}

/// The key of a share's transaction.
pub(super) fn share_key(
    month: Month,
    template: Template,
    agreement: &Id,
    product: &Id,
    party: &Id,
) -> String {
    format!("{month}/{}/{agreement}/{product}/{party}", template.as_str())
}

/// T4: the share becomes payable, because the statement of the agreement's unit was confirmed.
///
/// # Errors
/// [`Overflow`].
pub fn payable(month: Month, posted_in: Month, share: &Share) -> Result<Transaction, Overflow> {
    let Share { party, agreement, product, amount, .. } = share;
    Transaction::simple(
        (Template::ShareFinal, share_key(month, Template::ShareFinal, agreement, product, party), posted_in),
        format!("{agreement} {product} 结算单已确认"),
        (Account::new(Chart::ShareAccrued, &[party]), Account::new(Chart::SharePayable, &[party])),
        *amount,
    )
}

//! The papers of a closed period, to be printed on A4: statement (结算单), red-letter statement (红字结算单) and share bill
//! (收益分配账单).
//!
//! Each is one HTML document without script or anything fetched. Its totals are those of the books;
//! only the sums of its sections are added up here.
//!
//! A paper has a form. What was handed out can be printed again, byte for byte, in the form that it had, whatever the present
//! form shows beside: a new column or figure is of the next form ([`FORM`], `tables.rs`), and none is ever taken out.

mod paper;
mod tables;
#[cfg(test)]
mod tests;

use shuzha_core::calendar::Day;
use shuzha_core::{Id, hex};

use crate::chart::grouped;
use crate::closing::rated::latest_form;
use crate::closing::{Digest, RatedLine, Share, ShareBill, Statement};
use crate::vat::Taxed;
use crate::words::in_words;
use crate::{Fen, Month, Overflow};
use paper::{FreeRow, Paper, Proof};
use tables::TableColumn;

/// The form in which papers are printed; those of former forms are printed on request. Whoever adds to a paper raises it and
/// gives the addition its form; a field of a line brings its own.
pub const FORM: u32 = latest_form(FREE_USE_FORM);

/// The form that brought the conditions of free use.
const FREE_USE_FORM: u32 = 2;

/// The form in which `paper` was printed, where `print` prints the same one in any form; none where it is no such paper, or
/// was changed.
pub fn form_of<E>(paper: &str, mut print: impl FnMut(u32) -> Result<String, E>) -> Result<Option<u32>, E> {
    for form in (1..=FORM).rev() {
        if print(form)? == paper {
            return Ok(Some(form));
        }
    }
    Ok(None)
}

/// A party to a paper.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// Its name.
    pub name: &'a str,
    /// 统一社会信用代码.
    pub credit_code: &'a str,
}

/// On what free lines of a statement stand, as the register records it, and under what conditions (有条件无偿使用; Yantai 20, Gansu-O 29).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeGround {
    /// `Scenario`, where its purpose is free, or `Price`.
    pub kind: &'static str,
    /// Its name.
    pub name: Id,
    /// The class of purpose, or what the price names as its ground; empty for a price from before grounds were recorded.
    pub ground: String,
    /// The conditions; none where none are on record.
    pub conditions: Vec<String>,
}

/// What a paper needs beside the closing.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// The form in which it is printed: 1 to [`FORM`].
    pub form: u32,
    /// The closed period.
    pub month: Month,
    /// What its close came to.
    pub digest: &'a Digest,
    /// When it is issued.
    pub issued: Day,
    /// Who issues it: the operator.
    pub issuer: Party<'a>,
    /// Whom it is for.
    pub recipient: Party<'a>,
    /// Under what conditions those of its lines are free that are; former forms do not say it.
    pub free_use: &'a [FreeGround],
    /// The last day to dispute it; none where it is disputed already or final.
    pub reply_by: Option<Day>,
    /// What people call a product, scenario or agreement.
    pub names: &'a dyn Fn(&Id) -> String,
}

/// What takes a statement back (红冲).
#[derive(Clone, Copy, Debug)]
pub struct Reversal<'a> {
    /// Number of the credit note.
    pub number: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// The paper of a statement with its `lines`. One whose sum is negative is a red-letter statement.
///
/// # Errors
/// [`Overflow`] where a section's sum cannot be counted.
pub fn statement(statement: &Statement, lines: &[RatedLine], frame: &Frame<'_>) -> Result<String, Overflow> {
    statement_paper((statement, lines), None, frame, &tables::lines())
}

/// The paper of a credit note (红字结算单), which takes back a whole statement: every amount of it with the other sign.
///
/// # Errors
/// [`Overflow`] where a sum cannot be counted.
pub fn credit_note(
    statement: &Statement,
    lines: &[RatedLine],
    reversal: Reversal<'_>,
    frame: &Frame<'_>,
) -> Result<String, Overflow> {
    statement_paper((statement, lines), Some(reversal), frame, &tables::lines())
}

fn statement_paper(
    (statement, lines): (&Statement, &[RatedLine]),
    reversal: Option<Reversal<'_>>,
    frame: &Frame<'_>,
    columns: &[TableColumn<RatedLine>],
) -> Result<String, Overflow> {
    let sign = |taxed: Taxed| if reversal.is_some() { taken_back(taxed) } else { Ok(taxed) };
    let signed = |line: &RatedLine| Ok(RatedLine { taxed: sign(line.taxed)?, ..line.clone() });
    let signed: Vec<RatedLine> = lines.iter().map(signed).collect::<Result<_, Overflow>>()?;
    let (own, earlier): (Vec<_>, Vec<_>) = signed.into_iter().partition(|line| line.month == frame.month);
    let mut sections = Vec::new();
    for (title, lines) in [("本期明细", own), ("前期更正与补计", earlier)] {
        if !lines.is_empty() {
            sections.push(tables::section(title, columns, &lines, frame)?);
        }
    }
    let taxed = sign(statement.taxed)?;
    let is_red = reversal.is_some() || taxed.gross < Fen::ZERO;
    let totals = [("不含税金额", taxed.net), ("税额", taxed.tax), ("价税合计", taxed.gross)];
    let paper = Paper {
        title: if is_red {
            "公共数据运营服务费红字结算单"
        } else {
            "公共数据运营服务费结算单"
        },
        is_red,
        free_use: if frame.form < FREE_USE_FORM { Vec::new() } else { free_rows(frame) },
        number: reversal.map_or(&statement.number, |reversal| reversal.number),
        corrects: reversal.map(|reversal| (statement.number.as_str(), reversal.reason)),
        period: frame.month.to_string(),
        issuer_role: "运营机构",
        recipient_role: "应用单位",
        agreements: names_of(lines.iter().map(|line| &line.line.agreement), frame),
        sections,
        total_label: "合计（元）",
        totals: totals.into_iter().map(|(label, sum)| (label, yuan(sum))).collect(),
        words_label: "价税合计",
        words: in_words(taxed.gross),
        proof: statement.tree.map(|tree| Proof {
            root: hex::encode(&tree.root),
            size: tree.size,
            first_seq: tree.first_seq,
            last_seq: tree.last_seq,
        }),
        digest: hex::encode(frame.digest),
        issued: frame.issued,
        issuer: frame.issuer,
        recipient: frame.recipient,
        reply_by: frame.reply_by,
    };
    Ok(paper.print())
}

/// What free lines stand on, as it is printed.
fn free_rows(frame: &Frame<'_>) -> Vec<FreeRow> {
    let row = |one: &FreeGround| FreeRow {
        kind: if one.kind == "Price" { "价格" } else { "应用场景" },
        name: (frame.names)(&one.name),
        ground: match one.ground.as_str() {
            "public-governance" => "公共治理",
            "public-welfare" => "公益事业",
            "trial" => "试行",
            "provider" => "数据提供单位",
            _ => UNRECORDED,
        },
        conditions: if one.conditions.is_empty() {
            UNRECORDED.to_owned()
        } else {
            one.conditions.join("；")
        },
    };
    frame.free_use.iter().map(row).collect()
}

/// What is printed where the register has nothing on record.
const UNRECORDED: &str = "未记载";

fn taken_back(taxed: Taxed) -> Result<Taxed, Overflow> {
    let minus = |sum| Fen::ZERO.checked_sub(sum).ok_or(Overflow);
    Ok(Taxed { gross: minus(taxed.gross)?, net: minus(taxed.net)?, tax: minus(taxed.tax)? })
}

/// The paper of a share bill with its `shares`.
///
/// # Errors
/// [`Overflow`] where the bill's sum cannot be counted.
pub fn share_bill(bill: &ShareBill, shares: &[Share], frame: &Frame<'_>) -> Result<String, Overflow> {
    let section = tables::section("分配明细", &tables::shares(), shares, frame)?;
    let paper = Paper {
        title: "公共数据收益分配账单",
        free_use: Vec::new(),
        is_red: bill.amount < Fen::ZERO,
        number: &bill.number,
        corrects: None,
        period: frame.month.to_string(),
        issuer_role: "运营机构",
        recipient_role: "收益方",
        agreements: names_of(shares.iter().map(|share| &share.agreement), frame),
        sections: vec![section],
        total_label: "合计（元）",
        totals: vec![("分配金额", yuan(bill.amount))],
        words_label: "分配金额",
        words: in_words(bill.amount),
        proof: None,
        digest: hex::encode(frame.digest),
        issued: frame.issued,
        issuer: frame.issuer,
        recipient: frame.recipient,
        reply_by: frame.reply_by,
    };
    Ok(paper.print())
}

/// The names of several things, each once, in the order in which they first come.
fn names_of<'a>(ids: impl Iterator<Item = &'a Id>, frame: &Frame<'_>) -> String {
    let mut names: Vec<String> = Vec::new();
    for id in ids {
        let name = (frame.names)(id);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join("、")
}

/// An amount with a comma before every three digits: `-1,234.50`.
fn yuan(amount: Fen) -> String {
    let fen = amount.count().unsigned_abs();
    let sign = if amount < Fen::ZERO { "-" } else { "" };
    format!("{sign}{}.{:02}", grouped((fen / 100).into()), fen % 100)
}

/// `part` of `whole` in percent with two decimals, a half going up.
fn percent(part: u128, whole: u128) -> String {
    if whole == 0 {
        return "—".to_owned();
    }
    // Weights stay below 2⁶⁴, so that this cannot be too large.
    let hundredths = (part * 20_000 + whole) / (whole * 2);
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

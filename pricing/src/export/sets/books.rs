//! The ledger, entry by entry, and the permitted revenue.

use std::sync::Arc;

use shuzha_core::calendar::Day;
use shuzha_core::{MicroYuan, Timestamp};

use super::super::{Column, Kind, Layout, Record, Row};
use crate::ledger::Transaction;
use crate::permitted::{Level, PermittedRevenue};

pub(super) const LEDGER: &Layout = &Layout {
    set: "ledger",
    zh: "账簿",
    columns: &[
        Column::new(Kind::Count, "number", "凭证序号").first_sequence(),
        Column::new(Kind::Count, "entry", "分录号"),
        Column::new(Kind::Instant, "posted_at", "记账时间"),
        Column::new(Kind::Id, "period", "会计期"),
        Column::new(Kind::Id, "template", "凭证类型"),
        Column::new(Kind::Id, "key", "凭证键"),
        Column::new(Kind::Id, "account", "科目"),
        Column::new(Kind::Text, "account_name", "科目名称"),
        Column::new(Kind::MicroYuan, "debit", "借方(元)").summed(),
        Column::new(Kind::MicroYuan, "credit", "贷方(元)").summed(),
        Column::new(Kind::Text, "reason", "摘要"),
        Column::new(Kind::Id, "corrects", "更正凭证"),
    ],
};

/// One entry of a posted transaction. It holds the transaction, because the ledger is read page by page.
#[derive(Clone, Debug)]
pub struct LedgerRow {
    number: u64,
    posted_at: Timestamp,
    transaction: Arc<Transaction>,
    entry: usize,
}

impl LedgerRow {
    /// The rows of a transaction that was posted as the ledger's `number`, in the order of its entries.
    pub fn of(number: u64, posted_at: Timestamp, transaction: Transaction) -> impl Iterator<Item = Self> {
        let transaction = Arc::new(transaction);
        let entries = 0..transaction.entries.len();
        entries.map(move |entry| Self { number, posted_at, transaction: Arc::clone(&transaction), entry })
    }
}

impl Record for LedgerRow {
    const LAYOUT: &'static Layout = LEDGER;

    fn fill(&self, row: &mut Row) {
        let (transaction, entry) = (&self.transaction, &self.transaction.entries[self.entry]);
        row.count(self.number).count(self.entry as u64 + 1).instant(self.posted_at);
        row.text(&transaction.period.to_string()).text(transaction.template.as_str()).text(&transaction.key);
        row.text(&entry.account.to_string()).text(entry.account.chart().title_zh());
        match MicroYuan::ZERO.checked_sub(entry.amount).filter(|credit| *credit > MicroYuan::ZERO) {
            Some(credit) => row.empty().micro_yuan(credit),
            None => row.micro_yuan(entry.amount).empty(),
        };
        row.text(&transaction.reason).text(transaction.corrects.as_deref().unwrap_or_default());
    }
}

pub(super) const PERMITTED: &Layout = &Layout {
    set: "permitted",
    zh: "最高准许收入",
    columns: &[
        Column::new(Kind::Id, "id", "编号"),
        Column::new(Kind::Id, "act", "文号"),
        Column::new(Kind::Id, "operator", "运营机构"),
        Column::new(Kind::Day, "from", "周期起"),
        Column::new(Kind::Day, "until", "周期止(不含)"),
        Column::new(Kind::MicroYuan, "amount", "核定金额(元)").summed(),
        Column::new(Kind::MicroYuan, "carried", "上期结转扣减(元)").summed(),
        Column::new(Kind::MicroYuan, "permitted", "本期准许(元)").summed(),
        Column::new(Kind::MicroYuan, "taken", "已实现收入(元)").summed(),
        Column::new(Kind::MicroYuan, "left", "余额(元)").summed(),
        Column::new(Kind::Count, "alert_percent", "已达预警(%)"),
        Column::new(Kind::MicroYuan, "forecast", "预计期末(元)").summed(),
        Column::new(Kind::MicroYuan, "carry", "转下期扣减(元)").summed(),
    ],
};

/// A permitted revenue and how far it is used.
#[derive(Clone, Copy, Debug)]
pub struct PermittedRow<'a> {
    /// The permitted revenue.
    pub permitted: &'a PermittedRevenue,
    /// What has been taken.
    pub taken: MicroYuan,
    /// How far that goes.
    pub level: Level,
}

impl Record for PermittedRow<'_> {
    const LAYOUT: &'static Layout = PERMITTED;

    fn fill(&self, row: &mut Row) {
        let Self { permitted, taken, level } = self;
        row.text(permitted.id.as_str()).text(&permitted.act).text(permitted.operator.as_str());
        row.day(Day::of(permitted.cycle.from()));
        match permitted.cycle.until() {
            Some(until) => row.day(Day::of(until)),
            None => row.empty(),
        };
        row.micro_yuan(permitted.amount).micro_yuan(permitted.carried).micro_yuan(permitted.effective());
        row.micro_yuan(*taken).micro_yuan(level.left);
        match level.reached {
            Some(percent) => row.count(percent.into()),
            None => row.empty(),
        };
        row.micro_yuan(level.forecast).micro_yuan(level.carry);
    }
}

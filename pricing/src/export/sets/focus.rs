//! Rated lines in the columns of FOCUS, the FinOps Open Cost and Usage Specification 1.x.
//!
//! A line gives two rows: its net amount as usage and its tax as tax, so that `BilledCost` summed by `InvoiceId` is what the
//! statement says, as FOCUS demands. What FOCUS does not know stands in columns that begin with `x_`.

use super::super::{Column, Kind, Layout, Record, Row};
use super::closed::MILLIONTHS_PER_PART;
use crate::Month;
use crate::closing::RatedLine;

pub(super) const FOCUS: &Layout = &Layout {
    set: "focus",
    zh: "FOCUS 账单明细",
    columns: &[
        Column::new(Kind::Id, "InvoiceId", "结算单号"),
        Column::new(Kind::Text, "InvoiceIssuerName", "开单机构"),
        Column::new(Kind::Id, "BillingAccountId", "应用单位"),
        Column::new(Kind::Id, "SubAccountId", "应用场景"),
        Column::new(Kind::Instant, "BillingPeriodStart", "结算期起"),
        Column::new(Kind::Instant, "BillingPeriodEnd", "结算期止(不含)"),
        Column::new(Kind::Instant, "ChargePeriodStart", "使用期起"),
        Column::new(Kind::Instant, "ChargePeriodEnd", "使用期止(不含)"),
        Column::new(Kind::Id, "ChargeCategory", "费用类别"),
        Column::new(Kind::Id, "ChargeClass", "是否更正"),
        Column::new(Kind::Text, "ChargeDescription", "说明"),
        Column::new(Kind::Id, "ChargeFrequency", "计费频率"),
        Column::new(Kind::Fen, "BilledCost", "开单金额(元)").summed(),
        Column::new(Kind::Fen, "EffectiveCost", "实际金额(元)").summed(),
        Column::new(Kind::Id, "BillingCurrency", "币种"),
        Column::new(Kind::Count, "ConsumedQuantity", "使用量").summed(),
        Column::new(Kind::Text, "ConsumedUnit", "使用量单位"),
        Column::new(Kind::Id, "ServiceName", "产品"),
        Column::new(Kind::Id, "SkuId", "计费项"),
        Column::new(Kind::Id, "SkuPriceId", "价格"),
        Column::new(Kind::Id, "x_Agreement", "协议"),
        Column::new(Kind::Id, "x_PriceAct", "价格文号"),
        Column::new(Kind::Id, "x_PurposeClass", "用途类别"),
        Column::new(Kind::Id, "x_Basis", "计费依据"),
        Column::new(Kind::MicroYuan, "x_NotionalCost", "免费使用价值(元)").summed(),
        Column::new(Kind::Ratio, "x_VatRate", "税率"),
        Column::new(Kind::Count, "x_FirstSequence", "首序号").first_sequence(),
        Column::new(Kind::Count, "x_LastSequence", "末序号").last_sequence(),
    ],
};

/// Which of a line's two rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FocusPart {
    /// The amount without tax.
    Usage,
    /// The tax.
    Tax,
}

/// A rated line, one part of it.
#[derive(Clone, Copy, Debug)]
pub struct FocusRow<'a> {
    /// The period.
    pub period: Month,
    /// Number of the statement.
    pub statement: &'a str,
    /// Name of the operator.
    pub operator: &'a str,
    /// The line.
    pub line: &'a RatedLine,
    /// Which part.
    pub part: FocusPart,
}

impl Record for FocusRow<'_> {
    const LAYOUT: &'static Layout = FOCUS;

    fn fill(&self, row: &mut Row) {
        let Self { period, statement, operator, line, part } = self;
        let of = &line.line;
        let is_usage = *part == FocusPart::Usage;
        let (category, cost) = if is_usage { ("Usage", line.taxed.net) } else { ("Tax", line.taxed.tax) };
        row.text(statement).text(operator).text(of.unit.as_str()).text(of.scenario.as_str());
        row.instant(period.begin()).instant(period.end());
        row.instant(line.month.begin()).instant(line.month.end());
        row.text(category).text(if line.month == *period { "" } else { "Correction" });
        row.text(of.basis.title_zh()).text("Usage-Based").fen(cost).fen(cost).text("CNY");
        if is_usage {
            row.count(line.quantity).text("次");
        } else {
            row.empty().empty();
        }
        row.text(of.product.as_str()).text(of.product.as_str()).text(of.price.as_str());
        row.text(of.agreement.as_str()).text(&line.act).text(of.purpose.as_str()).text(of.basis.as_str());
        if is_usage {
            row.micro_yuan(line.notional);
        } else {
            row.empty();
        }
        row.ratio(i64::from(line.vat_parts) * MILLIONTHS_PER_PART).count(line.first_seq).count(line.last_seq);
    }
}

//! Usage (计量): calls by hour and by everything that decides what they cost.

use super::super::{Column, Kind, Layout, Record, Row};
use crate::metering;

pub(super) const USAGE: &Layout = &Layout {
    set: "usage",
    zh: "计量汇总",
    columns: &[
        Column::new(Kind::Instant, "hour", "小时"),
        Column::new(Kind::Id, "unit", "应用单位"),
        Column::new(Kind::Id, "agreement", "协议"),
        Column::new(Kind::Id, "scenario", "应用场景"),
        Column::new(Kind::Id, "product", "产品"),
        Column::new(Kind::Id, "operation", "操作"),
        Column::new(Kind::Id, "price", "价格"),
        Column::new(Kind::Id, "purpose", "用途类别"),
        Column::new(Kind::Id, "basis", "计费依据"),
        Column::new(Kind::Count, "calls", "调用次数").summed(),
        Column::new(Kind::Count, "quantity", "计费数量").summed(),
        Column::new(Kind::MicroYuan, "amount", "逐次计费金额(元)").summed(),
        Column::new(Kind::Count, "first_sequence", "首序号").first_sequence(),
        Column::new(Kind::Count, "last_sequence", "末序号").last_sequence(),
    ],
};

impl Record for metering::Row {
    const LAYOUT: &'static Layout = USAGE;

    fn fill(&self, row: &mut Row) {
        let (of, sums) = self;
        row.instant(of.hour.begin());
        for id in [&of.line.unit, &of.line.agreement, &of.line.scenario, &of.line.product, &of.operation] {
            row.text(id.as_str());
        }
        row.text(of.line.price.as_str()).text(of.line.purpose.as_str()).text(of.line.basis.as_str());
        row.count(sums.calls).count(sums.quantity).micro_yuan(sums.amount);
        row.count(sums.first_seq).count(sums.last_seq);
    }
}

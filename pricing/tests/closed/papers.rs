//! Statement, credit note and share bill.

use shuzha_core::Id;
use shuzha_core::calendar::Day;
use shuzha_pricing::Basis;
use shuzha_pricing::closing::{Closing, RatedLine, Share};
use shuzha_pricing::statement_page::{
    FORM, Frame, FreeGround, Party, Reversal, credit_note, share_bill, statement,
};

use crate::golden;
use crate::month::{august, closing, id, line};

/// Compares what every form prints with the paper that was kept of it.
fn golden(name: &str, print: impl Fn(u32) -> String) {
    for form in 1..=FORM {
        golden::compare(&format!("{name}-{form}.html"), print(form).as_bytes());
    }
}

fn names(id: &Id) -> String {
    let name = match id.as_str() {
        "credit-score" => "小微企业信用评分模型",
        "person-check" => "个人身份与公积金缴存核验",
        "company-check" => "企业登记信息核验",
        "loan-review" => "普惠小微贷款贷前审查",
        "xy-2026-003" => "烟数授〔2026〕3号",
        other => other,
    };
    name.to_owned()
}

fn frame<'a>(closing: &'a Closing, recipient: &'static str) -> Frame<'a> {
    Frame {
        form: FORM,
        month: closing.month,
        digest: &closing.digest,
        issued: Day::new(2026, 9, 3).unwrap(),
        issuer: Party {
            name: "烟台大数据运营有限公司（示例）", credit_code: "91370600MA0000001X"
        },
        recipient: Party { name: recipient, credit_code: "91370600MA00000025" },
        free_use: &[],
        reply_by: Some(Day::new(2026, 9, 18).unwrap()),
        names: &names,
    }
}

/// The month has a line that is free by the scenario's purpose.
fn free_use() -> [FreeGround; 1] {
    let conditions = vec!["仅用于普惠小微贷款贴息审查".to_owned(), "结果不得另作他用".to_owned()];
    [FreeGround {
        kind: "Scenario",
        name: id("loan-review"),
        ground: "public-welfare".to_owned(),
        conditions,
    }]
}

fn lines(closing: &Closing) -> &[RatedLine] {
    &closing.lines[closing.statements[0].lines.clone()]
}

fn shares(closing: &Closing) -> &[Share] {
    &closing.shares[closing.bills[0].shares.clone()]
}

#[test]
fn g3_a_statement_is_printed() {
    let closing = august();
    let printed =
        statement(&closing.statements[0], lines(&closing), &frame(&closing, "示例银行股份有限公司烟台分行"))
            .unwrap();
    let free = free_use();
    golden("statement", |form| {
        let frame =
            Frame { form, free_use: &free, ..frame(&closing, "示例银行股份有限公司烟台分行") };
        statement(&closing.statements[0], lines(&closing), &frame).unwrap()
    });
    for part in [
        "8,670.00",
        "人民币捌仟陆佰柒拾元整",
        "10000 – 412345",
        "168300",
        "前期更正与补计",
        "2026-07",
        "-15.00",
    ] {
        assert!(printed.contains(part), "{part}");
    }
    assert!(!printed.contains("红字"));
}

#[test]
fn g3_a_credit_note_takes_every_amount_back() {
    let closing = august();
    let reversal = Reversal { number: "HC-2026-08-bank-a", reason: "价格文号录入有误" };
    let frame = frame(&closing, "示例银行股份有限公司烟台分行");
    let printed = credit_note(&closing.statements[0], lines(&closing), reversal, &frame).unwrap();
    let free = free_use();
    golden("credit-note", |form| {
        let frame = Frame { form, free_use: &free, ..frame };
        credit_note(&closing.statements[0], lines(&closing), reversal, &frame).unwrap()
    });
    for part in [
        "红字结算单",
        "人民币负捌仟陆佰柒拾元整",
        "JS-2026-08-bank-a",
        "-5,000.00",
        "15.00",
        "价格文号录入有误",
    ] {
        assert!(printed.contains(part), "{part}");
    }
}

#[test]
fn g3_a_statement_below_nothing_is_in_red() {
    let closing = closing(vec![line("credit-score", Basis::Price, "2026-07", 100, -1_500)]);
    let printed = statement(&closing.statements[0], lines(&closing), &frame(&closing, "示例银行")).unwrap();
    assert!(
        printed.contains("红字结算单")
            && printed.contains("人民币负壹拾伍元整")
            && !printed.contains("本期明细")
    );
}

#[test]
fn g2_a_share_bill_is_printed() {
    let closing = august();
    let printed =
        share_bill(&closing.bills[0], shares(&closing), &frame(&closing, "烟台市住房公积金管理中心（示例）"))
            .unwrap();
    golden("share-bill", |form| {
        let frame = Frame { form, ..frame(&closing, "烟台市住房公积金管理中心（示例）") };
        share_bill(&closing.bills[0], shares(&closing), &frame).unwrap()
    });
    for part in ["收益分配账单", "40.00%", "33.33%", "3,458.96", "人民币叁仟肆佰伍拾捌元玖角陆分"]
    {
        assert!(printed.contains(part), "{part}");
    }
}

#[test]
fn g3_names_cannot_write_into_a_paper() {
    let closing = august();
    let recipient = "</td><script>alert(1)</script>\"'&";
    let evil = |_: &Id| "<img src=x onerror=alert(2)>".to_owned();
    let condition = [FreeGround {
        kind: "Price",
        name: id("p1"),
        ground: "<b>A".to_owned(),
        conditions: vec!["<script>alert(3)</script>".to_owned()],
    }];
    let frame = Frame { names: &evil, free_use: &condition, ..frame(&closing, recipient) };
    let reversal = Reversal { number: "<b>", reason: "<i>" };
    for printed in [
        statement(&closing.statements[0], lines(&closing), &frame).unwrap(),
        share_bill(&closing.bills[0], shares(&closing), &frame).unwrap(),
        credit_note(&closing.statements[0], lines(&closing), reversal, &frame).unwrap(),
    ] {
        assert!(!printed.contains("<script") && !printed.contains("<img") && !printed.contains("<b>A"));
        assert_eq!(printed.matches("<i>").count(), 0);
    }
}

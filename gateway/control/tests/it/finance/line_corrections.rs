//! A single wrong line, corrected by two persons before and after the close.

use shuzha_pricing::Basis;
use shuzha_pricing::metering::Line;
use shuzha_store::ledger::{LineChange, LineCorrection};

use super::*;

fn change(amount: &str) -> LineChange {
    let line = Line {
        unit: id("bank"),
        agreement: id("bank-2026"),
        scenario: id("onboarding"),
        product: id("company-check"),
        price: id("company-check-2025"),
        purpose: PurposeClass::Industry,
        basis: Basis::Price,
    };
    let exact = amount.parse().expect("an amount");
    LineChange { line, month: month("2026-02"), exact, reason: "重复调用误计".to_owned() }
}

/// Proposed by Li and approved by Wang.
fn by_both(finance: &Finance, amount: &str) -> LineCorrection {
    let proposed = finance.propose_line_correction(&li(), &change(amount)).expect("proposes");
    assert_eq!((proposed.period, &proposed.decided), (None, &None));
    finance.approve_line_correction(&wang(), proposed.number).expect("another person")
}

impl Treasury {
    fn close_it(&self, month: Month) {
        self.at(month.end());
        self.finance.soft_close(&li(), month).expect("the first person");
        self.at(month.end().plus(GRACE));
        self.finance.close(&wang(), month, false).expect("the second person");
    }

    fn total(&self, month: Month) -> Fen {
        self.finance.statements(&by("wu"), month).expect("reads").remove(0).statement.taxed.gross
    }

    /// Shares sum to the statements, and the ledger to nothing.
    fn is_whole(&self, month: Month) {
        let bills = self.finance.bills(&li(), month).expect("reads");
        let sum = bills.iter().fold(Fen::ZERO, |sum, view| sum.checked_add(view.bill.amount).expect("small"));
        assert_eq!(sum, self.total(month));
        let verified = self.finance.verify_ledger(&li()).expect("reads");
        assert_eq!((verified.balance, verified.broken), (0, None));
    }
}

#[test]
fn g3_a_line_is_corrected_before_the_close_and_the_close_takes_it() {
    let treasury = Treasury::new();
    let (finance, february) = (&treasury.finance, month("2026-02"));
    treasury.calls(333, 40);
    treasury.at(february.end());
    finance.soft_close(&li(), february).expect("the first person");
    let approved = by_both(finance, "-3.30");
    assert_eq!(approved.period, Some(february), "the month itself, while it is open");
    treasury.at(february.end().plus(GRACE));
    finance.close(&wang(), february, false).expect("the second person");
    assert_eq!(treasury.total(february), fen("96.60"));
    let lines = finance.lines(&li(), february).expect("reads");
    let shown: Vec<_> =
        lines.iter().map(|one| (one.calls, one.exact.to_string(), one.act.as_str())).collect();
    let act = lines[0].act.as_str();
    assert_eq!(shown[..2], [(333, "99.90".to_owned(), act), (0, "-3.30".to_owned(), "更正1：重复调用误计")]);
    let number = "JS-2026-02-bank";
    let paper = finance.statement_paper(&by("wu"), number, None).expect("prints");
    assert!(paper.contains("更正1：重复调用误计") && paper.contains("-3.30") && paper.contains("96.60"));
    treasury.is_whole(february);
    let acts = treasury.town.plane.log.kept.lock().expect("answers").len();
    assert!(acts > 0, "every act is on record");
}

#[test]
fn g3_a_line_is_corrected_after_the_close_by_a_line_of_the_next_open_month() {
    let treasury = Treasury::new();
    let (finance, february, march) = (&treasury.finance, month("2026-02"), month("2026-03"));
    treasury.calls(333, 40);
    treasury.close_it(february);
    let before = finance.lines(&li(), february).expect("reads");
    assert_eq!(by_both(finance, "-3.30").period, Some(march));
    treasury.at(march.begin());
    treasury.calls(100, 0);
    treasury.close_it(march);
    assert_eq!(finance.lines(&li(), february).expect("reads"), before, "what is closed is closed");
    let lines = finance.lines(&li(), march).expect("reads");
    let shown: Vec<_> = lines.iter().map(|one| (one.month, one.calls, one.taxed.gross)).collect();
    assert_eq!(shown, [(february, 0, fen("-3.30")), (march, 100, fen("30.00"))]);
    let paper = finance.statement_paper(&by("wu"), "JS-2026-03-bank", None).expect("prints");
    assert!(paper.contains("前期更正与补计") && paper.contains("更正1：重复调用误计"));
    treasury.is_whole(march);
    // A re-rating takes nothing of it back: by the same price there is no difference.
    let same = json!({"act": "operator-2025", "product": "company-check", "perCall": "0.30",
        "charged": ["consistent", "inconsistent"], "window": {"from": "2025-01-01", "until": "2031-01-01"}});
    let same = [Change { kind: "Price".to_owned(), name: id("company-check-2025"), spec: same }];
    let (none, _) = finance.propose_rerating(&li(), february, &same, "核对").expect("works out");
    assert_eq!(none, []);
}

/// Ceilings hold for what a line comes to with every correction, before and after the close; nothing goes below nothing.
#[test]
fn f2_a_correction_does_not_pass_a_ceiling() {
    let treasury = Treasury::new();
    let (finance, february) = (&treasury.finance, month("2026-02"));
    // 100 calls at 0.30 under a ceiling of 0.50.
    treasury.calls(100, 10);
    let propose = |amount: &str| finance.propose_line_correction(&li(), &change(amount));
    for _ in ["while it is open", "once it is closed"] {
        for amount in ["20.01", "-30.01"] {
            assert_eq!(code(propose(amount)), Code::C1630, "{amount}");
        }
        let (up, down) = (propose("12.00").expect("proposes"), propose("15.00").expect("proposes"));
        finance.approve_line_correction(&wang(), up.number).expect("another person");
        // It was judged alone before; together they are above the ceiling.
        assert_eq!(code(finance.approve_line_correction(&wang(), down.number)), Code::C1630);
        finance.decline_line_correction(&li(), down.number).expect("withdrawn");
        by_both(finance, "-12.00");
        if finance.period(&li(), february).expect("reads").state == PeriodState::Open {
            treasury.close_it(february);
        }
    }
    let free = LineChange { line: Line { basis: Basis::FreeOutcome, ..change("1").line }, ..change("1.00") };
    assert_eq!(code(finance.propose_line_correction(&li(), &free)), Code::C1630, "what is free stays free");
    let other = LineChange { line: Line { unit: id("ghost"), ..change("1").line }, ..change("1.00") };
    assert_eq!(code(finance.propose_line_correction(&li(), &other)), Code::C1003);
}

#[test]
fn g3_a_correction_takes_two_natural_persons_and_is_decided_once() {
    let treasury = Treasury::new();
    let finance = &treasury.finance;
    for account in ["li", "li-again"] {
        treasury.town.plane.account(account, Some([1; 32]));
    }
    treasury.town.plane.account("wang-f", Some([2; 32]));
    treasury.calls(100, 0);
    let propose = |who: &Caller, change: &LineChange| finance.propose_line_correction(who, change);
    assert_eq!(code(propose(&by("wu"), &change("-1.00"))), Code::C1104);
    assert_eq!(code(propose(&li(), &change("0.00"))), Code::C1002);
    let mute = LineChange { reason: " ".to_owned(), ..change("-1.00") };
    assert_eq!(code(propose(&li(), &mute)), Code::C1002);
    let proposed = propose(&li(), &change("-1.00")).expect("proposes");
    assert_eq!(propose(&li(), &change("-1.00")).expect("is the same").number, proposed.number);
    let again = person("li-again", "elsewhere", &[Role::Finance]);
    let approve = |who: &Caller, number| finance.approve_line_correction(who, number);
    assert_eq!(code(approve(&li(), proposed.number)), Code::C1614);
    assert_eq!(code(approve(&again, proposed.number)), Code::C1614, "two accounts of one person");
    assert_eq!(code(approve(&by("sun"), proposed.number)), Code::C1104);
    assert_eq!(code(approve(&wang(), proposed.number + 1)), Code::C1003);
    approve(&wang(), proposed.number).expect("another person");
    assert_eq!(code(approve(&wang(), proposed.number)), Code::C1622);
    assert_eq!(code(finance.decline_line_correction(&wang(), proposed.number)), Code::C1622);
    let declined = propose(&li(), &change("-2.00")).expect("proposes");
    finance.decline_line_correction(&wang(), declined.number).expect("declines");
    treasury.close_it(month("2026-02"));
    assert_eq!(treasury.total(month("2026-02")), fen("29.00"), "what was declined is not billed");
    assert_eq!(finance.line_corrections(&li()).expect("reads").len(), 2);
    assert_eq!(code(finance.line_corrections(&by("wu"))), Code::C1104);
}

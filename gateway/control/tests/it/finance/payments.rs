//! Money in by one person, money out by two, and neither beyond what the books owe.

use shuzha_control::Error;
use shuzha_control::finance::PostingRequest;
use shuzha_pricing::ledger::Transaction;
use shuzha_store::ledger::PostingProposal;

use super::*;

fn propose(finance: &Finance, posting: Posting, key: &str) -> Result<PostingProposal, Error> {
    let asked = PostingRequest { posting, key: key.to_owned(), reason: "转账".to_owned() };
    finance.propose_posting(&li(), &asked)
}

/// What li proposes and wang approves.
pub(super) fn by_two(finance: &Finance, posting: Posting, key: &str) -> Transaction {
    let number = propose(finance, posting, key).expect("the first person proposes").number;
    finance.approve_posting(&wang(), number).expect("the second person approves").1
}

fn out(of: &str, amount: &str) -> Posting {
    Posting::PayOut(id(of), fen(amount))
}

fn refund(of: &str, amount: &str) -> Posting {
    Posting::Refund(id(of), fen(amount))
}

impl Treasury {
    /// February closed with 99.90 to be paid by the bank, 29.97 of it payable to the data bureau.
    pub(super) fn billed() -> Self {
        let treasury = Self::new();
        let february = month("2026-02");
        treasury.calls(333, 0);
        treasury.at(february.end());
        treasury.finance.soft_close(&li(), february).expect("the first person");
        treasury.at(february.end().plus(GRACE));
        treasury.finance.close(&wang(), february, false).expect("the second person");
        let number = treasury.finance.statements(&li(), february).expect("reads")[0].statement.number.clone();
        treasury.finance.say(&by("wu"), &number, Word::Confirm, "").expect("its unit confirms");
        treasury
    }

    fn pay(&self, payment: Payment, key: &str, of: &str, amount: &str) -> Result<Transaction, Error> {
        self.finance.pay(&li(), payment, (key, &id(of), fen(amount), "转账"))
    }

    fn balance(&self, account: &str) -> String {
        let balances = self.finance.balances(&li(), None).expect("reads");
        let found = balances.iter().find(|(one, _)| one.to_string() == account);
        found.map_or(MicroYuan::ZERO, |(_, amount)| *amount).to_string()
    }
}

#[test]
fn g3_nobody_pays_out_alone_nor_more_than_is_due_nor_to_nobody() {
    let treasury = Treasury::billed();
    let finance = &treasury.finance;
    treasury.town.plane.account("li", Some([1; 32]));
    treasury.town.plane.account("li-again", Some([1; 32]));
    treasury.town.plane.account("wang-f", Some([2; 32]));
    for (posting, refused) in [
        (out("data-bureau", "1000000.00"), Code::C1617),
        (out("data-bureau", "29.98"), Code::C1617),
        (out("nobody-at-all", "5.00"), Code::C1620),
        (refund("bank", "0.01"), Code::C1618),
        (refund("ghost", "0.01"), Code::C1620),
        (out("data-bureau", "0.00"), Code::C1608),
    ] {
        assert_eq!(code(propose(finance, posting.clone(), "out-1")), refused, "{posting:?}");
    }
    let first = propose(finance, out("data-bureau", "29.97"), "out-1").expect("is due");
    let second = propose(finance, out("data-bureau", "29.97"), "out-2").expect("is due still");
    assert_eq!(treasury.balance("2202/data-bureau"), "-29.97", "nothing moves before the second person");
    let again = person("li-again", "elsewhere", &[Role::Finance]);
    for who in [&li(), &again] {
        assert_eq!(code(finance.approve_posting(who, first.number)), Code::C1614);
    }
    assert_eq!(code(finance.approve_posting(&by("sun"), first.number)), Code::C1104);
    assert_eq!(code(finance.approve_posting(&wang(), 99)), Code::C1003);
    finance.approve_posting(&wang(), first.number).expect("another person");
    assert_eq!(treasury.balance("2202/data-bureau"), "0.00");
    assert_eq!(code(finance.approve_posting(&wang(), first.number)), Code::C1622, "once");
    assert_eq!(code(finance.approve_posting(&wang(), second.number)), Code::C1617, "nothing is due any more");
    let declined = finance.decline_posting(&li(), second.number).expect("withdraws it");
    assert!(declined.decision.is_some_and(|one| one.posted.is_none()));
    assert_eq!(code(finance.approve_posting(&wang(), second.number)), Code::C1622);
    assert_eq!(finance.posting_proposals(&li()).expect("reads").len(), 2);
    assert_eq!(code(finance.posting_proposals(&by("wu"))), Code::C1104);
}

#[test]
fn g3_a_prepayment_is_drawn_and_paid_back_as_far_as_it_goes() {
    let treasury = Treasury::billed();
    let finance = &treasury.finance;
    assert_eq!(code(treasury.pay(Payment::Draw, "d-1", "bank", "0.01")), Code::C1618, "nothing was prepaid");
    assert_eq!(code(treasury.pay(Payment::Prepay, "in-1", "ghost", "10.00")), Code::C1620);
    let prepaid = treasury.pay(Payment::Prepay, "in-1", "bank", "150.00").expect("comes in");
    assert_eq!(code(treasury.pay(Payment::Draw, "d-1", "bank", "99.91")), Code::C1617, "more than is owed");
    let drawn = treasury.pay(Payment::Draw, "d-1", "bank", "99.90").expect("pays the statement");
    assert_eq!(code(treasury.pay(Payment::Pay, "in-2", "bank", "0.01")), Code::C1617, "it is paid");
    assert_eq!(code(propose(finance, Posting::Reverse, &prepaid.key)), Code::C1618, "it is drawn");
    assert_eq!(code(propose(finance, refund("bank", "50.11"), "out-1")), Code::C1618);
    by_two(finance, refund("bank", "50.10"), "out-1");
    assert_eq!([treasury.balance("2204/bank"), treasury.balance("1002")], ["0.00", "99.90"]);
    by_two(finance, Posting::Reverse, &drawn.key);
    assert_eq!([treasury.balance("2204/bank"), treasury.balance("1122/bank")], ["-99.90", "99.90"]);
    let verified = finance.verify_ledger(&li()).expect("reads");
    assert_eq!((verified.balance, verified.broken), (0, None));
}

#[test]
fn g3_a_bank_reference_is_booked_once_unless_it_was_taken_back() {
    let treasury = Treasury::billed();
    let finance = &treasury.finance;
    let wrong = treasury.pay(Payment::Pay, "ICBC-0192", "bank", "9.90").expect("comes in");
    assert_eq!(treasury.pay(Payment::Pay, "ICBC-0192", "bank", "9.90").expect("is the same"), wrong);
    assert_eq!(code(treasury.pay(Payment::Prepay, "ICBC-0192", "bank", "9.90")), Code::C1619);
    assert_eq!(code(treasury.pay(Payment::Prepay, " icbc-0192 ", "bank", "9.90")), Code::C1619);
    assert_eq!(code(propose(finance, out("data-bureau", "1.00"), "ICBC-0192")), Code::C1619);
    by_two(finance, Posting::Reverse, &wrong.key);
    assert_eq!(code(propose(finance, Posting::Reverse, &wrong.key)), Code::C1607, "taken back already");
    let right = treasury.pay(Payment::Pay, "ICBC-0192", "bank", "99.90").expect("as it should have been");
    assert_eq!(right.key, "pay.2/bank/ICBC-0192");
    assert_eq!(treasury.pay(Payment::Pay, "ICBC-0192", "bank", "99.90").expect("is the same"), right);
    assert_eq!(code(treasury.pay(Payment::Prepay, "ICBC-0192", "bank", "9.90")), Code::C1619);
    assert_eq!([treasury.balance("1122/bank"), treasury.balance("1002")], ["0.00", "99.90"]);
}

#[test]
fn g3_what_a_close_posted_is_not_reversed() {
    let treasury = Treasury::billed();
    let finance = &treasury.finance;
    let posted = finance.ledger(&li(), 0, 100).expect("reads").items;
    assert!(posted.len() > 3);
    for one in &posted {
        assert_eq!(code(propose(finance, Posting::Reverse, &one.transaction.key)), Code::C1621);
    }
    assert_eq!(code(propose(finance, Posting::Reverse, "nothing")), Code::C1003);
    let paid = treasury.pay(Payment::Pay, "in-1", "bank", "99.90").expect("comes in");
    let back = by_two(finance, Posting::Reverse, &paid.key);
    assert_eq!(code(propose(finance, Posting::Reverse, &back.key)), Code::C1621);
}

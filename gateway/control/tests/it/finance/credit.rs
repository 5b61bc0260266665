//! What the gate's credit accounts are told when finance acts, and at a start.

use std::collections::BTreeMap;
use std::sync::Mutex;

use shuzha_control::finance::CreditAccounts;
use shuzha_core::Id;

use super::payments::by_two;
use super::*;

/// What a gate was told last.
#[derive(Default)]
pub(super) struct Accounts(Mutex<BTreeMap<Id, MicroYuan>>);

impl CreditAccounts for Accounts {
    fn free(&self, unit: &Id, freed: MicroYuan) {
        self.0.lock().expect("nobody panics under it").insert(unit.clone(), freed);
    }
}

impl Treasury {
    /// What the gate counts as not owed any more by the bank, of all it was charged.
    fn freed(&self) -> String {
        let told = self.credit.0.lock().expect("nobody panics under it");
        told.get(&id("bank")).copied().unwrap_or_default().to_string()
    }
}

/// Logic M8: payments never reached the credit account.
#[test]
fn g3_credit_follows_the_ledger() {
    let treasury = Treasury::billed();
    let finance = &treasury.finance;
    let pay = |payment, key: &str, amount: &str| {
        finance.pay(&li(), payment, (key, &id("bank"), fen(amount), "转账")).expect("comes in")
    };
    assert_eq!(treasury.freed(), "0.00", "99.90 were charged, and are owed");
    let paid = pay(Payment::Pay, "in-1", "40.00");
    assert_eq!(treasury.freed(), "40.00");
    by_two(finance, Posting::Reverse, &paid.key);
    assert_eq!(treasury.freed(), "0.00", "taken back");
    pay(Payment::Pay, "in-2", "99.90");
    pay(Payment::Prepay, "in-3", "150.00");
    assert_eq!(treasury.freed(), "249.90", "paid ahead can be spent");
    // Calls that come meanwhile are owed as they are charged: what was freed stays.
    treasury.calls(10, 0);
    by_two(finance, Posting::Refund(id("bank"), fen("50.00")), "out-1");
    assert_eq!(treasury.freed(), "199.90", "paid back");
    // March is billed: 3.00 of it is on a statement now instead of with its calls.
    let march = month("2026-03");
    treasury.at(march.end());
    finance.soft_close(&li(), march).expect("the first person");
    treasury.at(march.end().plus(GRACE));
    finance.close(&wang(), march, false).expect("the second person");
    assert_eq!(treasury.freed(), "199.90");
    pay(Payment::Draw, "d-1", "3.00");
    assert_eq!(treasury.freed(), "199.90", "the statement is paid by what was paid ahead");
    // A start finds the same in the books.
    let found = treasury.freed();
    treasury.credit.free(&id("bank"), MicroYuan::ZERO);
    finance.follow_credit();
    assert_eq!(treasury.freed(), found);
}

/// A month that was corrected frees the difference when it is approved, and bills it later.
#[test]
fn g3_a_correction_frees_credit_before_it_is_billed() {
    let treasury = Treasury::billed();
    let finance = &treasury.finance;
    let spec = json!({"act": "operator-2025", "product": "company-check", "perCall": "0.20",
        "charged": ["consistent", "inconsistent"], "window": {"from": "2025-01-01", "until": "2031-01-01"}});
    let change = Change { kind: "Price".to_owned(), name: id("company-check-2025"), spec };
    let (found, kept) =
        finance.propose_rerating(&li(), month("2026-02"), &[change], "文号有误").expect("the first person");
    assert_eq!((found.len(), treasury.freed().as_str()), (1, "0.00"));
    finance.approve_rerating(&wang(), kept.expect("differs").number).expect("the second person");
    assert_eq!(treasury.freed(), "33.30", "0.10 for each of 333 calls");
}

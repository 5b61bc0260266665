//! Credit follows the ledger: what was paid, paid ahead, given back or billed by hand changes what a unit may spend.

use shuzha_core::{Id, MicroYuan};

use super::Finance;

/// The credit accounts (信用额度账户) of a gate that serves calls.
pub trait CreditAccounts: Send + Sync {
    /// Takes over how much of what a unit was charged, in all, the books do not count as owed any more.
    fn free(&self, unit: &Id, freed: MicroYuan);
}

/// Where no calls are served.
impl CreditAccounts for () {
    fn free(&self, _: &Id, _: MicroYuan) {}
}

impl Finance {
    /// Brings the gate's credit accounts to what the books say. Every act of finance does so when it is done; a start does
    /// so before calls are taken.
    pub fn follow_credit(&self) {
        let credit = &self.0.credit;
        if let Err(error) = self.0.books.each_freed(|unit, freed| credit.free(unit, freed)) {
            tracing::error!(%error, "credit accounts stand as before until the next act of finance");
        }
    }
}

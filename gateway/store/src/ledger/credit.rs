//! What units owe, for their credit accounts.

use shuzha_core::{Id, MicroYuan};

use super::{Books, each_row};
use crate::StoreError;

/// What calls of closed periods were charged one by one, less what of it is on a statement and unpaid, less what
/// corrections will bill; prepayments count as paid. Calls of open periods are owed as they were charged.
const FREED: &str = "SELECT unit, sum(freed) FROM (
        SELECT unit, exact - adjustment AS freed FROM line
        UNION ALL
        SELECT substr(account, 6), -amount FROM entry WHERE account GLOB '1122/*' OR account GLOB '2204/*'
        UNION ALL
        SELECT unit, -exact FROM correction WHERE period NOT IN (SELECT month FROM period WHERE state = 2)
        UNION ALL
        SELECT unit, -exact FROM line_correction WHERE period NOT IN (SELECT month FROM period WHERE state = 2)
    ) GROUP BY unit ORDER BY unit";

impl Books {
    /// Calls `each` with every unit of the books and how much of what it was ever charged, call by call, it does not owe any
    /// more: what was paid, paid ahead or given back by a close, less what a close or correction billed on top. The books
    /// stand still meanwhile, so that of two the later is told last.
    ///
    /// # Errors
    /// Of the database.
    pub fn each_freed(&self, mut each: impl FnMut(&Id, MicroYuan)) -> Result<(), StoreError> {
        let connection = self.lock();
        each_row(&connection, FREED, [], |columns| {
            each(&columns.id()?, columns.yuan()?);
            Ok(())
        })
    }
}

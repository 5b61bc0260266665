//! How much of each kind there is.

use super::{Register, number, rows};
use crate::StoreError;

impl Register {
    /// How many objects of each kind cases put in force.
    ///
    /// # Errors
    /// Of the database.
    pub fn held_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let sql = "SELECT kind, count(*) FROM in_force GROUP BY kind";
        rows(&self.lock(), sql, [], |row| Ok((row.get(0)?, number(row.get(1)?, "in_force")?)))
    }

    /// How many objects of this declared kind are in force: those apart that wait for somebody's word.
    ///
    /// # Errors
    /// Of the database.
    pub fn count(&self, kind: &str) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM objects WHERE kind = ?1 AND state_name IS NOT 'pending'";
        number(self.lock().query_one(sql, [kind], |row| row.get(0))?, "objects")
    }
}

//! How much of each kind there is.

use rusqlite::params;
use shuzha_core::Id;

use super::{Register, integer, number, rows};
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

    /// How many objects of this kind an organisation has, counted no further than `most`.
    ///
    /// # Errors
    /// Of the database.
    pub fn count_of_owner(&self, kind: &str, owner: &Id, most: u64) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM (SELECT 1 FROM objects WHERE owner = ?1 AND kind = ?2 LIMIT ?3)";
        let most = integer(most, "objects")?;
        let count = self.lock().query_one(sql, params![owner.as_str(), kind, most], |row| row.get(0))?;
        number(count, "objects")
    }
}

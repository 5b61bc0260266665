//! What should be in force and is not.

use shuzha_core::Id;

/// An object that should be in force and is not: absence is denial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: Id,
    /// What is wrong, with the place.
    pub reason: String,
    /// Whether nothing is wrong with it but that what it refers to is not in force, as with a grant whose agreement has ended.
    pub dangling: bool,
}

impl LeftOut {
    /// `Kind/name`.
    #[must_use]
    pub fn object(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

//! What can be wrong with a world file.

use std::fmt;

/// One fault of a world file: `file:line kind/name path.key: reason`.
///
/// Holds what the operator wrote, never anything of a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct WorldError {
    /// File, as the caller named it.
    pub file: String,
    /// Line of the file, from 1.
    pub line: u32,
    /// `kind/name` of the object, as far as they could be read.
    pub object: String,
    /// Path of the field inside the object, empty for the object itself.
    pub path: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl WorldError {
    /// What is said of a reference to an object that is not in force.
    #[must_use]
    pub fn missing(kind: &str, name: &str) -> String {
        format!("there is no {kind} named `{name}`")
    }

    /// Whether the object is at fault only because what it refers to is not in force.
    #[must_use]
    pub fn is_dangling(&self) -> bool {
        Self::tells_dangling(&self.reason)
    }

    /// Whether the text is what [`Self::missing`] says.
    #[must_use]
    pub fn tells_dangling(reason: &str) -> bool {
        reason.starts_with("there is no ") && reason.contains(" named `")
    }
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} {}", self.file, self.line, self.object)?;
        if !self.path.is_empty() {
            write!(f, " {}", self.path)?;
        }
        write!(f, ": {}", self.reason)
    }
}

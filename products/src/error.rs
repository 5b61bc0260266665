//! What can be wrong with a world file.

use std::fmt;

use shuzha_core::Fault;

/// One fault of a world file: `file:line kind/name path.key: reason`.
///
/// Holds what the operator wrote, never anything of a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct WorldError {
    /// File, as the caller named it.
    pub file: String,
    /// `kind/name` of the object, as far as they could be read.
    pub object: String,
    /// Line of the file, path of the field inside the object, and what is wrong.
    pub fault: Fault,
}

impl WorldError {
    /// The fault of an object of `file`.
    pub(crate) fn new(file: &str, object: impl Into<String>, fault: Fault) -> Self {
        Self { file: file.to_owned(), object: object.into(), fault }
    }

    /// What is said of a reference to an object that is not in force.
    #[must_use]
    pub fn missing(kind: &str, name: &str) -> String {
        format!("there is no {kind} named `{name}`")
    }

    /// The same with what is wrong in both languages.
    #[must_use]
    pub fn in_both(&self) -> String {
        struct Both<'f>(&'f WorldError);
        impl fmt::Display for Both<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.write(f, &self.0.fault.in_both())
            }
        }
        Both(self).to_string()
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, reason: &str) -> fmt::Result {
        write!(f, "{}:{} {}", self.file, self.fault.line.unwrap_or_default(), self.object)?;
        if !self.fault.path.is_empty() {
            write!(f, " {}", self.fault.path)?;
        }
        write!(f, ": {reason}")
    }

    /// Whether the object is at fault only because what it refers to is not in force.
    #[must_use]
    pub fn is_dangling(&self) -> bool {
        Self::tells_dangling(&self.fault.reason)
    }

    /// Whether the text is what [`Self::missing`] says.
    #[must_use]
    pub fn tells_dangling(reason: &str) -> bool {
        reason.starts_with("there is no ") && reason.contains(" named `")
    }
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, &self.fault.reason)
    }
}

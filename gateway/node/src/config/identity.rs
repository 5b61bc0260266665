//! The section `[identity]`: codes of organisations that pass though they do not keep GB 32100.

use shuzha_core::identity;

use super::reader::Reader;

/// Most codes excepted.
const EXCEPTIONS_MAX: usize = 10_000;

/// Reads the section. The first list that is read counts for the process: nothing is checked before it.
pub(crate) fn read(r: &mut Reader) -> Option<()> {
    let codes = r.take::<Vec<String>>("identity", "uscc_exceptions")?;
    if codes.len() > EXCEPTIONS_MAX {
        r.fault("identity.uscc_exceptions", format!("at most {EXCEPTIONS_MAX} codes"));
        return None;
    }
    match identity::except_organisations(&codes) {
        Ok(_) => Some(()),
        Err(at) => {
            let reason = "is no code of 18 digits and capital letters, or is a person's number";
            r.fault("identity.uscc_exceptions", format!("entry {}: {reason}", at + 1));
            None
        }
    }
}

//! Separation of duties (回避): on one case, nobody does two of applying, reviewing and deciding.

use shuzha_core::{Code, Id};
use shuzha_products::case::Duty;

/// The duty's word in the register; none for duties outside the separation.
pub(crate) const fn word(duty: Duty) -> Option<&'static str> {
    match duty {
        Duty::Apply => Some("apply"),
        Duty::Review => Some("review"),
        Duty::Decide => Some("decide"),
        Duty::Keep => None,
    }
}

/// Whether `account` may take on `duty`, after the duties that were taken on before.
///
/// # Errors
/// C1105 when they hold another one on this case.
pub(crate) fn check(account: &Id, duty: Duty, past: &[(Id, String)]) -> Result<(), Code> {
    let Some(word) = word(duty) else { return Ok(()) };
    let other = past.iter().any(|(who, did)| who == account && did != word);
    if other { Err(Code::C1105) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a3_nobody_does_two_of_applying_reviewing_deciding() {
        let id = |text: &str| Id::new(text).expect("a name");
        let past = [(id("wang"), "apply".to_owned()), (id("li"), "review".to_owned())];
        assert_eq!(check(&id("wang"), Duty::Apply, &past), Ok(()));
        assert_eq!(check(&id("wang"), Duty::Review, &past), Err(Code::C1105));
        assert_eq!(check(&id("wang"), Duty::Decide, &past), Err(Code::C1105));
        assert_eq!(check(&id("li"), Duty::Decide, &past), Err(Code::C1105));
        assert_eq!(check(&id("li"), Duty::Keep, &past), Ok(()));
        assert_eq!(check(&id("zhao"), Duty::Decide, &past), Ok(()));
    }
}

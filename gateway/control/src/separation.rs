//! Separation of duties (回避): on one case, nobody does two of applying, reviewing and deciding. It is a rule about
//! natural persons: two accounts of one person are one.

use shuzha_core::{Code, Id};
use shuzha_products::case::Duty;

use crate::{Control, Error};

/// The duty's word in the register; none for duties outside the separation.
pub(crate) const fn word(duty: Duty) -> Option<&'static str> {
    match duty {
        Duty::Apply => Some("apply"),
        Duty::Review => Some("review"),
        Duty::Decide => Some("decide"),
        Duty::Keep => None,
    }
}

impl Control {
    /// Whether the person behind `account` may take on `duty` on a case.
    ///
    /// # Errors
    /// C1105 when they hold another one on it, by this account or by another of theirs.
    pub(crate) fn separate(&self, account: &Id, duty: Duty, kind: &str, name: &Id) -> Result<(), Error> {
        if word(duty).is_none() {
            return Ok(());
        }
        Ok(check(account, duty, &self.past_duties(account, kind, name)?)?)
    }

    /// Who has which duties on a case; those of the same natural person stand under `account`.
    pub(crate) fn past_duties(
        &self,
        account: &Id,
        kind: &str,
        name: &Id,
    ) -> Result<Vec<(Id, String)>, Error> {
        let mut past = self.register.duties(kind, name.as_str())?;
        for (who, _) in &mut past {
            if self.same_person(who, account)? {
                who.clone_from(account);
            }
        }
        Ok(past)
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

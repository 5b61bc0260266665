//! Which roles one natural person may hold, and which of them decide on others.

use shuzha_core::Fault;
use shuzha_core::{Code, Role};
use shuzha_store::register::Account;

use crate::Error;
use crate::error::Refusal;

use Role::{
    ApplicationUnit, Auditor, Authority, DataSubject, Expert, Finance, Operator, Pricing, Provider,
    Registrar, Sre,
};

/// Who applies.
const APPLICANTS: [Role; 2] = [Operator, ApplicationUnit];
/// Who decides, opines, prices or settles.
const DECIDERS: [Role; 6] = [Authority, Registrar, Provider, Expert, Pricing, Finance];

/// Whether a role decides on others, or keeps or audits those who do. Accounts with such a role are made and changed by two
/// persons of two organisations.
#[must_use]
pub const fn decides(role: Role) -> bool {
    !matches!(role, Operator | ApplicationUnit | DataSubject)
}

/// Whether one natural person may not hold both: whoever keeps the accounts holds nothing else, whoever audits has a part
/// in nothing, and nobody sits on both sides of the table. Everybody is a data subject.
#[must_use]
pub fn clash(a: Role, b: Role) -> bool {
    if a == b || a == DataSubject || b == DataSubject {
        return false;
    }
    let either = |role: Role| a == role || b == role;
    let across = |a: Role, b: Role| APPLICANTS.contains(&a) && DECIDERS.contains(&b);
    either(Sre) || either(Auditor) || across(a, b) || across(b, a)
}

/// Checks that one person may hold `roles` together with the open accounts they have already.
///
/// # Errors
/// C1114 with every pair that may not be held together.
pub(super) fn check(roles: &[Role], others: &[Account]) -> Result<(), Error> {
    let mut faults = Vec::new();
    let mut fault = |reason: String| faults.push(Fault::new("roles", reason));
    for (at, a) in roles.iter().enumerate() {
        for b in roles[at + 1..].iter().filter(|b| clash(*a, **b)) {
            fault(format!("`{a}` and `{b}` are not held by one person"));
        }
        for other in others.iter().filter(|other| !other.disabled) {
            for b in other.roles.iter().filter(|b| clash(*a, **b)) {
                fault(format!("the person holds `{b}` by another account, which does not go with `{a}`"));
            }
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::Refused(Refusal { code: Code::C1114, faults, retry_after: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_keeps_accounts_or_audits_and_acts_too_or_sits_on_both_sides() {
        for role in Role::ALL {
            assert!(!clash(*role, *role) && !clash(*role, DataSubject), "{role}");
            assert_eq!(clash(*role, Sre), !matches!(role, Sre | DataSubject), "{role}");
            assert_eq!(clash(Auditor, *role), !matches!(role, Auditor | DataSubject), "{role}");
        }
        for (a, b) in [(Operator, Authority), (Registrar, Operator), (ApplicationUnit, Expert)] {
            assert!(clash(a, b) && clash(b, a), "{a} {b}");
        }
        assert!(!clash(Authority, Expert) && !clash(Operator, ApplicationUnit));
    }
}

//! Accounts, requests and refused acts, each in one line.

use shuzha_schema::Role;
use shuzha_schema::account::{Account, AccountRequest};
use shuzha_schema::object::Refused;

fn joined(roles: &[Role]) -> String {
    roles.iter().map(Role::as_str).collect::<Vec<_>>().join(" ")
}

/// An account in one line.
pub(super) fn line(account: &Account) -> String {
    let profile = &account.profile;
    let closed = if profile.disabled { " 已停用 closed" } else { "" };
    let roles = joined(&profile.roles);
    format!("{} {} {} [{roles}]{closed}", account.name, profile.person, profile.organisation)
}

/// A request in one line.
pub(super) fn request(asked: &AccountRequest) -> String {
    let profile = asked
        .profile
        .as_ref()
        .map(|profile| format!(" {} {} [{}]", profile.person, profile.organisation, joined(&profile.roles)));
    format!(
        "{} {} {}{} · {} · {} · {}",
        asked.name,
        asked.verb,
        asked.account,
        profile.unwrap_or_default(),
        asked.by.account,
        asked.state,
        asked.expires
    )
}

/// A refused act in one line.
pub(super) fn refusal(refused: &Refused) -> String {
    let account = refused.account.as_deref().unwrap_or("-");
    let Refused { at, code, verb, kind, name, count, .. } = refused;
    format!("{at} {account} {code} {verb} {kind} {name} ×{count}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn accounts_and_requests_are_one_line_each() {
        let profile =
            json!({"person": "王某", "organisation": "bureau", "roles": ["authority"], "disabled": true});
        let mut account = profile.clone();
        account["name"] = "wang".into();
        account["version"] = 1.into();
        let account = serde_json::from_value(account).expect("an account");
        assert_eq!(line(&account), "wang 王某 bureau [authority] 已停用 closed");
        let asked = json!({
            "name": "ar-1", "verb": "create", "account": "wang", "profile": profile,
            "issuer": null, "subject": null, "decided": null,
            "by": {"account": "root", "organisation": "bureau", "at": "2026-02-02T08:00:00+08:00"},
            "state": "open", "expires": "2026-02-09T08:00:00+08:00",
        });
        assert_eq!(
            request(&serde_json::from_value(asked).expect("a request")),
            "ar-1 create wang 王某 bureau [authority] · root · open · 2026-02-09T08:00:00+08:00"
        );
    }
}

//! Accounts, requests and refused acts, each in one line.

use serde_json::Value;

use crate::cli::show;

/// An account in one line.
pub(super) fn line(account: &Value) -> String {
    let closed = if account["disabled"] == true { " 已停用 closed" } else { "" };
    let roles: Vec<_> = account["roles"].as_array().into_iter().flatten().map(show::text).collect();
    format!(
        "{} {} {} [{}]{closed}",
        show::text(&account["name"]),
        show::text(&account["person"]),
        show::text(&account["organisation"]),
        roles.join(" ")
    )
}

/// A request in one line.
pub(super) fn request(asked: &Value) -> String {
    let roles: Vec<_> = asked["profile"]["roles"].as_array().into_iter().flatten().map(show::text).collect();
    let profile = if roles.is_empty() {
        String::new()
    } else {
        format!(
            " {} {} [{}]",
            show::text(&asked["profile"]["person"]),
            show::text(&asked["profile"]["organisation"]),
            roles.join(" ")
        )
    };
    format!(
        "{} {} {}{profile} · {} · {} · {}",
        show::text(&asked["name"]),
        show::text(&asked["verb"]),
        show::text(&asked["account"]),
        show::text(&asked["by"]["account"]),
        show::text(&asked["state"]),
        show::text(&asked["expires"])
    )
}

/// A refused act in one line.
pub(super) fn refusal(refused: &Value) -> String {
    let account = refused["account"].as_str().unwrap_or("-");
    format!(
        "{} {account} {} {} {} {} ×{}",
        show::text(&refused["at"]),
        show::text(&refused["code"]),
        show::text(&refused["verb"]),
        show::text(&refused["kind"]),
        show::text(&refused["name"]),
        refused["count"]
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn accounts_and_requests_are_one_line_each() {
        let account = json!({"name": "wang", "person": "王某", "organisation": "bureau", "roles": ["authority"], "disabled": true});
        assert_eq!(line(&account), "wang 王某 bureau [authority] 已停用 closed");
        let asked = json!({
            "name": "ar-1", "verb": "create", "account": "wang", "profile": account, "by": {"account": "root"},
            "state": "open", "expires": "2026-02-09T08:00:00+08:00",
        });
        assert_eq!(
            request(&asked),
            "ar-1 create wang 王某 bureau [authority] · root · open · 2026-02-09T08:00:00+08:00"
        );
    }
}

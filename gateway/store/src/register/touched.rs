//! What a commit touches of what acts bind.

use std::collections::BTreeSet;

use super::commit::{Change, Effect};

/// What the changes and effects of a commit touch, by kind and name.
pub(super) fn touched(changes: &[Change], effects: &[Effect]) -> BTreeSet<(String, String)> {
    let objects = changes.iter().map(|change| (change.kind.clone(), change.name.to_string()));
    let others = effects.iter().filter_map(|effect| {
        let (kind, name) = of(effect)?;
        Some((kind.to_owned(), name))
    });
    objects.chain(others).collect()
}

/// What an effect changes, by kind and name; none where the seal alone covers it.
fn of(effect: &Effect) -> Option<(&'static str, String)> {
    Some(match effect {
        Effect::Account { account, .. } => ("Account", account.name.to_string()),
        Effect::EndSignOns(account, _) | Effect::Person(account, _) => ("Account", account.to_string()),
        Effect::Password(password) => ("Password", password.account.to_string()),
        Effect::ForgetPassword(account) => ("Password", account.to_string()),
        Effect::OneTime(secret) => ("OneTimeCodes", secret.account().to_string()),
        Effect::ConfirmOneTime(account) | Effect::RemoveOneTime(account) | Effect::ForgetOneTime(account) => {
            ("OneTimeCodes", account.to_string())
        }
        Effect::Token(token) => ("Token", format!("{}/{}", token.account, token.name)),
        Effect::RemoveToken(account, name) => ("Token", format!("{account}/{name}")),
        Effect::Link(link) | Effect::Unlink(link) => {
            ("Link", format!("{} {}", hex(&link.issuer), hex(&link.subject)))
        }
        Effect::Secret(secret) => ("CredentialSecret", secret.credential.to_string()),
        Effect::ForgetSecret(credential) => ("CredentialSecret", credential.to_string()),
        // A recovery code and a link are used up, the first token ends; keys, notices and requests follow from the act.
        Effect::RecoveryCodes(..)
        | Effect::FirstToken(_)
        | Effect::HoldKey(..)
        | Effect::RetireKeys(..)
        | Effect::RetireName(_)
        | Effect::Notice(..)
        | Effect::Invite(_)
        | Effect::TakeInvitation(_)
        | Effect::ForgetInvitation(_)
        | Effect::Request(_)
        | Effect::Decide(_) => return None,
    })
}

fn hex(text: &str) -> String {
    shuzha_core::hex::encode(text.as_bytes()).to_uppercase()
}

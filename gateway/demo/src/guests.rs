//! What the demo leaves for whoever tries it: a token for each role, and a command that shows what the role is for.

use std::path::{Path, PathBuf};

use anyhow::Result;
use shuzha_core::Role;
use shuzha_files::terminal::say;

use super::keep;
use super::view::View;

/// For each role the account whose token is left, and what to try with it.
pub(super) const GUESTS: [(Role, &str, &str); 11] = [
    (Role::Authority, "wang", "scenario list"),
    (Role::Registrar, "li", "registration list"),
    (Role::Provider, "zhao", "data-set list"),
    (Role::Operator, "sun", "product list"),
    (Role::Expert, "zhou", "scenario show bank-onboarding"),
    (Role::ApplicationUnit, "wu", "grant list"),
    (Role::Pricing, "zheng", "ceiling list"),
    (Role::Finance, "tang", "price list"),
    (Role::Auditor, "mei", "trace data-set population"),
    (Role::DataSubject, "du", "consent list"),
    (Role::Sre, "luo", "organisation list"),
];

/// A role's token, and whose it is.
pub(super) struct Guest {
    pub(super) role: Role,
    pub(super) account: &'static str,
    pub(super) person: &'static str,
    pub(super) token: String,
    pub(super) command: &'static str,
}

/// Keeps each token in a file for its owner only, and says how to use it. All on the stream of hints.
pub(super) fn leave(view: View, guests: &[Guest], data_dir: &Path, api: &str) -> Result<()> {
    say(&format!(
        "  {}",
        view.line("每个角色一枚令牌，文件仅本人可读 a token for each role, in a file for you only:")
    ));
    for guest in guests {
        let file = token_file(data_dir, guest.account);
        keep(&file, guest.token.as_bytes())?;
        let role = view.role_named(guest.role);
        say(&format!("    {role} · {}", guest.person));
        say(&format!("      shuzha {} --api {api} --token-file {}", guest.command, file.display()));
    }
    Ok(())
}

/// Where an account's token is.
pub(super) fn token_file(data_dir: &Path, account: &str) -> PathBuf {
    data_dir.join(format!("{account}.token"))
}

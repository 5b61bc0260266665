//! `shuzha login` and `logout`: an API token in place of a password.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use shuzha_core::{Clock as _, SystemClock};

use super::api::{Answer, Api, Connection, refused_with};
use super::problem::Problem;
use super::show;
use super::terminal::{ask, ask_secret};
use crate::output::say;
use crate::secret_file;

/// How to sign on.
#[derive(clap::Args, Debug)]
pub(crate) struct LoginArgs {
    /// The account; asked for where it is not given.
    #[arg(long)]
    name: Option<String>,
    /// Only in these of one's roles; in all where none is given.
    #[arg(long)]
    role: Vec<String>,
    /// Only to read.
    #[arg(long)]
    read_only: bool,
    /// For how many days.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
    #[command(flatten)]
    connection: Connection,
}

/// How to sign off.
#[derive(clap::Args, Debug)]
pub(crate) struct LogoutArgs {
    #[command(flatten)]
    connection: Connection,
}

/// Signs on and keeps a token.
pub(super) fn login(args: &LoginArgs) -> Result<()> {
    let path = args.connection.token_path()?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => ask("账号 account:")?,
    };
    let mut password = ask_secret("口令 password:")?;
    let mut answer = begin(&args.connection, &name, &password)?;
    if answer.body["mustChangePassword"] == true {
        say("这是初始口令，须先更换 This password was given to you and must be changed.");
        let new = ask_secret("新口令 new password:")?;
        if ask_secret("再输一次 once more:")? != new {
            bail!("两次输入不一致 the two differ");
        }
        let body = json!({"present": password, "password": new});
        by_session(&args.connection, &answer)?.call("PUT", "/api/v1/me/password", Some(&body), None)?;
        password = new;
        answer = begin(&args.connection, &name, &password)?;
    }
    let session = by_session(&args.connection, &answer)?;
    let roles = match args.role.as_slice() {
        [] => answer.body["account"]["roles"].clone(),
        some => json!(some),
    };
    let now = SystemClock.now();
    let until = show::instant(now.plus(Duration::from_secs(u64::from(args.days) * 86_400)));
    let token = show::fresh_name("cli", now);
    let body = json!({"name": token, "roles": roles, "readOnly": args.read_only, "until": until});
    let made = session.call("POST", "/api/v1/me/tokens", Some(&body), None);
    // The session is not needed any more, whatever came of the token.
    let ended = session.call("DELETE", "/api/v1/sessions/current", None, None);
    let made = made?;
    ended?;
    let secret = made.body["token"].as_str().context("an answer without a token")?;
    secret_file::replace(&path, format!("{secret}\n").as_bytes())?;
    say(&format!(
        "已登录 {name}，令牌存于 {path}，有效至 {until} signed on as {name}; the token in {path} ends at {until}",
        path = path.display()
    ));
    Ok(())
}

/// Begins a session, asking for a one-time code where one is needed.
fn begin(connection: &Connection, name: &str, password: &str) -> Result<Answer> {
    let api = connection.anonymous()?;
    let sign_in = |body: &Value| api.call("POST", "/api/v1/sessions", Some(body), None);
    let mut body = json!({"name": name, "password": password});
    let refused = match sign_in(&body) {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    let asks_code = refused.downcast_ref::<Problem>().is_some_and(|problem| {
        problem.code == "C1102" && problem.faults.iter().any(|(path, _)| path == "code")
    });
    if !asks_code {
        return Err(refused);
    }
    body["code"] = ask("动态码 one-time code:")?.trim().into();
    sign_in(&body)
}

/// The control plane by the session that was begun.
fn by_session(connection: &Connection, begun: &Answer) -> Result<Api> {
    let cookie = begun.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    let cookie = cookie.context("a sign-on without a session")?;
    let mark = begun.body["csrf"].as_str().context("a sign-on without its mark")?;
    Ok(connection.anonymous()?.with(&[("Cookie", cookie), ("X-CSRF-Token", mark)]))
}

/// Ends the kept token.
pub(super) fn logout(args: &LogoutArgs) -> Result<()> {
    let path = args.connection.token_path()?;
    match args.connection.signed_on()?.call("DELETE", "/api/v1/sessions/current", None, None) {
        Ok(_) => {}
        // It had ended by itself.
        Err(error) if refused_with(&error, "C1101") => {}
        Err(error) => return Err(error),
    }
    std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
    say("已退出 signed off");
    Ok(())
}

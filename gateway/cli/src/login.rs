//! `shuzha login` and `logout`: an API token in place of a password.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use shuzha_client::{ClientError, ControlAnswer, ControlClient, Expect, HttpAnswer};
use shuzha_core::{Clock as _, SystemClock};
use shuzha_files::secret;
use shuzha_files::terminal::say;
use shuzha_schema::account as of;
use shuzha_schema::{Moment, Name, Nothing, Role};

use super::api::Connection;
use super::show;
use super::terminal::{ask, ask_secret};

/// How to sign on.
#[derive(clap::Args, Debug)]
pub(crate) struct LoginArgs {
    /// The account; asked for where it is not given.
    #[arg(long)]
    name: Option<String>,
    /// The one-time code, where the input is no terminal to ask for it.
    #[arg(long)]
    code: Option<String>,
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
    // Found out before a password is typed.
    args.connection.token_path()?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => ask("账号 account:")?,
    };
    let mut password = ask_secret("口令 password:")?;
    // Asked for beforehand: a refusal does not say whether the code or the password was missing.
    let code = match &args.code {
        Some(code) => Some(code.clone()),
        None if std::io::stdin().is_terminal() => {
            Some(ask("动态码（没有则留空） one-time code, if you use one:")?)
        }
        None => None,
    };
    let mut answer = begin(&args.connection, &name, &password, code.as_deref())?;
    if answer.body.must_change_password {
        say("这是初始口令，须先更换 This password was given to you and must be changed.");
        let new = ask_twice("新口令 new password:")?;
        let body = of::SetPassword { present: password, password: new.clone() };
        let session = by_session(&args.connection, &answer.http, &answer.body)?;
        session.call::<()>("PUT", "/api/v1/me/password", &body, Expect::Any)?;
        password = new;
        answer = begin(&args.connection, &name, &password, None)?;
    }
    let session = by_session(&args.connection, &answer.http, &answer.body)?;
    if answer.body.must_enrol_one_time_code {
        enrol(&session)?;
    }
    let roles = match args.role.as_slice() {
        [] => answer.body.account.profile.roles,
        some => some.iter().map(Role::of).collect(),
    };
    keep_token(&session, &args.connection, (&name, &roles, args.read_only, args.days))
}

/// Makes a token by a session, keeps it, and ends the session, which is not needed any more.
pub(super) fn keep_token(
    session: &ControlClient,
    connection: &Connection,
    (name, roles, read_only, days): (&str, &[Role], bool, u16),
) -> Result<()> {
    let path = connection.token_path()?;
    let now = SystemClock.now();
    let until = shuzha_core::calendar::local_text(now.plus(Duration::from_secs(u64::from(days) * 86_400)));
    let token = show::fresh_name("cli", now);
    let body =
        of::NewToken { name: Name::of(token), roles: roles.to_vec(), read_only, until: Moment::of(&until) };
    let made = session.post::<of::MadeToken>("/api/v1/me/tokens", &body);
    let ended = session.call::<()>("DELETE", "/api/v1/sessions/current", &(), Expect::Any);
    let made = made?;
    ended?;
    let secret = made.token.context("an answer without a token")?;
    secret::replace(&path, format!("{secret}\n").as_bytes())?;
    say(&format!(
        "已登录 {name}，令牌存于 {path}，有效至 {until} signed on as {name}; the token in {path} ends at {until}",
        path = path.display()
    ));
    Ok(())
}

/// Enrols one-time codes by a session, which goes on.
pub(super) fn enrol(session: &ControlClient) -> Result<()> {
    say("您的角色须启用动态码 Your role demands one-time codes; set your device up:");
    show_enrolment(&session.post("/api/v1/me/one-time-code", &Nothing {})?);
    let code = ask("设备显示的动态码 the code that the device shows:")?;
    let body = of::OneTimeCode { code: code.trim().to_owned() };
    show_recovery_codes(&session.post("/api/v1/me/one-time-code:confirm", &body)?);
    Ok(())
}

/// What a device is set up with.
pub(super) fn show_enrolment(enrolment: &of::Enrolment) {
    say(&format!("  {}", enrolment.secret));
    say(&format!("  {}", enrolment.address));
}

/// Codes for when the device is lost; shown once.
pub(super) fn show_recovery_codes(answer: &of::RecoveryCodes) {
    say("恢复码，每个只能用一次，请妥善保存 Recovery codes, each good once; keep them safe:");
    for code in &answer.recovery_codes {
        say(&format!("  {code}"));
    }
}

/// A new secret, typed twice.
pub(super) fn ask_twice(question: &str) -> Result<String> {
    let new = ask_secret(question)?;
    if ask_secret("再输一次 once more:")? == new {
        Ok(new)
    } else {
        bail!("两次输入不一致 the two differ")
    }
}

/// Begins a session.
fn begin(
    connection: &Connection,
    name: &str,
    password: &str,
    code: Option<&str>,
) -> Result<ControlAnswer<of::SignedIn>> {
    let code = code.map(str::trim).filter(|code| !code.is_empty()).map(str::to_owned);
    let body = of::SignIn { name: name.to_owned(), password: password.to_owned(), code };
    Ok(connection.anonymous()?.call("POST", "/api/v1/sessions", &body, Expect::Any)?)
}

/// The control plane by the session that was begun.
pub(super) fn by_session(
    connection: &Connection,
    begun: &HttpAnswer,
    signed_in: &of::SignedIn,
) -> Result<ControlClient> {
    connection.anonymous()?.by_session(begun, signed_in).context("a sign-on without a session")
}

/// Ends the kept token.
pub(super) fn logout(args: &LogoutArgs) -> Result<()> {
    let path = args.connection.token_path()?;
    match args.connection.signed_on()?.call::<()>("DELETE", "/api/v1/sessions/current", &(), Expect::Any) {
        Ok(_) => {}
        // It had ended by itself.
        Err(ClientError::Refused(refusal)) if refusal.code() == "C1101" => {}
        Err(error) => return Err(error.into()),
    }
    std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
    say("已退出 signed off");
    Ok(())
}

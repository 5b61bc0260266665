//! `shuzha account`: accounts, what a second person confirms of them, invitations, and refused acts.

mod lines;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use shuzha_client::{ControlAnswer, ControlClient, Expect, encoded};
use shuzha_files::secret;
use shuzha_files::terminal::{Out, say};
use shuzha_schema::account as of;
use shuzha_schema::{IdNumber, Name, Nothing, Role};

use super::api::Connection;
use super::login::{ask_twice, by_session, keep_token, show_enrolment, show_recovery_codes};
use super::terminal::{ask, ask_secret};
use lines::{line, refusal, request};

const ACCOUNTS: &str = "/api/v1/accounts";
const REQUESTS: &str = "/api/v1/account-requests";
/// Longest file with an invitation or a token.
const FILE_BYTES_MAX: u64 = 4_096;

/// Something done with accounts.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum AccountCommand {
    /// 首个管理员 Makes the first administrator, by the token that the first start left in a file.
    First {
        /// The account's name.
        name: String,
        /// The file that the first start named.
        #[arg(long, value_name = "FILE")]
        first_token: PathBuf,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        connection: Connection,
    },
    /// 列表 Lists accounts.
    List {
        /// Only of this organisation.
        #[arg(long)]
        organisation: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// 查看 Shows one.
    Show(Named),
    /// 开立 Makes an account, or asks a second person for it. Asks for the number in the person's papers.
    Create {
        /// The account's name.
        name: String,
        #[command(flatten)]
        who: Who,
        /// What the person acts as; may be given several times.
        #[arg(long, required = true)]
        role: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// 变更 Changes an account, or asks a second person for it; what is not named stays.
    Change {
        /// The account.
        name: String,
        /// The organisation.
        #[arg(long)]
        organisation: Option<String>,
        /// The person's name.
        #[arg(long)]
        person: Option<String>,
        /// What the person acts as; may be given several times.
        #[arg(long)]
        role: Vec<String>,
        /// Ask for the number in the person's papers.
        #[arg(long)]
        id_number: bool,
        /// Open it again.
        #[arg(long)]
        reopen: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// 停用 Closes an account at once.
    Close(Named),
    /// 重置口令 Takes someone's password away and invites them to set another; needs a second person.
    ResetPassword(Named),
    /// 解除动态码 Takes the one-time codes of a lost device out of use; needs a second person.
    RemoveOneTimeCode(Named),
    /// 关联身份 Lets an identity of an identity provider sign on as the account; needs a second person.
    Link(LinkArgs),
    /// 解除关联 Ends such a link.
    Unlink(LinkArgs),
    /// 待确认办件 Lists what waits for a second person.
    Requests {
        /// Those that were decided or are over, too.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// 确认 Confirms a request, as the second person; shows the code that the invited person needs.
    Confirm(Named),
    /// 不同意 Refuses a request, as the second person.
    Refuse(Named),
    /// 撤回 Takes one's own request back.
    Withdraw(Named),
    /// 接受邀请 Accepts an invitation: sets one's password and one-time codes, and signs on.
    Accept {
        /// The file of the invitation.
        file: PathBuf,
        #[command(flatten)]
        connection: Connection,
    },
    /// 被拒操作 Lists refused acts and failed sign-ons, newest first.
    Refused {
        /// Only of this account.
        #[arg(long)]
        account: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 200)]
        limit: usize,
        #[command(flatten)]
        connection: Connection,
    },
}

/// One account or request.
#[derive(clap::Args, Debug)]
pub(crate) struct Named {
    /// Its name.
    name: String,
    #[command(flatten)]
    connection: Connection,
}

/// Who an account is.
#[derive(clap::Args, Debug)]
pub(crate) struct Who {
    /// The organisation that the person acts for.
    #[arg(long)]
    organisation: String,
    /// The person's name.
    #[arg(long)]
    person: String,
}

/// An identity elsewhere.
#[derive(clap::Args, Debug)]
pub(crate) struct LinkArgs {
    /// The account.
    name: String,
    /// The identity provider's issuer.
    #[arg(long)]
    issuer: String,
    /// The subject that it gives the person.
    #[arg(long)]
    subject: String,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(super) fn run(out: &mut Out, command: &AccountCommand) -> Result<()> {
    match command {
        AccountCommand::First { name, first_token, who, connection } => {
            first(out, name, first_token, who, connection)
        }
        AccountCommand::List { organisation, connection } => {
            let filter: Vec<_> =
                organisation.iter().map(|organisation| ("organisation", organisation.as_str())).collect();
            connection
                .signed_on()?
                .each(ACCOUNTS, &filter, |account| out.line(&line(&account)).map(|()| true))
        }
        AccountCommand::Show(named) => out.line(&line(&read(&named.connection.signed_on()?, &named.name)?)),
        AccountCommand::Create { name, who, role, connection } => {
            let profile = of::Profile {
                organisation: Name::of(&who.organisation),
                person: who.person.clone(),
                roles: role.iter().map(Role::of).collect(),
                disabled: false,
                id_number: ask_id()?,
            };
            let body = of::NewAccount { name: Name::of(name), profile };
            done(out, &connection.signed_on()?.post(ACCOUNTS, &body)?)
        }
        AccountCommand::Change { name, organisation, person, role, id_number, reopen, connection } => {
            let api = connection.signed_on()?;
            let account = read(&api, name)?;
            let mut profile = profile(account.profile);
            profile.organisation = organisation.as_ref().map_or(profile.organisation, Name::of);
            profile.person = person.clone().unwrap_or(profile.person);
            if !role.is_empty() {
                profile.roles = role.iter().map(Role::of).collect();
            }
            profile.disabled &= !reopen;
            if *id_number {
                profile.id_number = ask_id()?;
            }
            changed(out, &api, name, &profile, account.version)
        }
        AccountCommand::Close(named) => {
            let api = named.connection.signed_on()?;
            let account = read(&api, &named.name)?;
            let profile = of::Profile { disabled: true, ..profile(account.profile) };
            changed(out, &api, &named.name, &profile, account.version)
        }
        AccountCommand::ResetPassword(named) => verb(out, named, "reset-password"),
        AccountCommand::RemoveOneTimeCode(named) => verb(out, named, "remove-one-time-code"),
        AccountCommand::Link(args) => link(out, args, "link"),
        AccountCommand::Unlink(args) => link(out, args, "unlink"),
        AccountCommand::Requests { all, connection } => {
            let filter: &[(&str, &str)] = if *all { &[] } else { &[("open", "true")] };
            connection.signed_on()?.each(REQUESTS, filter, |asked| out.line(&request(&asked)).map(|()| true))
        }
        AccountCommand::Confirm(named) => decide(out, named, "confirm"),
        AccountCommand::Refuse(named) => decide(out, named, "refuse"),
        AccountCommand::Withdraw(named) => decide(out, named, "withdraw"),
        AccountCommand::Accept { file, connection } => accept(out, file, connection),
        AccountCommand::Refused { account, limit, connection } => {
            let filter: Vec<_> = account.iter().map(|account| ("account", account.as_str())).collect();
            let mut left = *limit;
            connection.signed_on()?.each("/api/v1/refused-acts", &filter, |refused| {
                if left == 0 {
                    return Ok(false);
                }
                left -= 1;
                out.line(&refusal(&refused)).map(|()| true)
            })
        }
    }
}

fn first(
    out: &mut Out,
    name: &str,
    file: &std::path::Path,
    who: &Who,
    connection: &Connection,
) -> Result<()> {
    let token = secret::load_word(file, FILE_BYTES_MAX)?;
    let body = of::FirstAdministrator {
        token,
        name: Name::of(name),
        organisation: Name::of(&who.organisation),
        person: who.person.clone(),
        id_number: ask_id()?.unwrap_or_default(),
        password: ask_twice("口令 password:")?,
    };
    out.line(&line(&connection.anonymous()?.post("/api/v1/first-administrator", &body)?))
}

/// Asks for the number in a person's papers, which is not shown and not kept.
fn ask_id() -> Result<Option<IdNumber>> {
    let number = ask_secret(
        "公民身份号码（不必实名的角色可留空） number in the person's papers, empty where none is needed:",
    )?;
    Ok(Some(number.trim()).filter(|number| !number.is_empty()).map(IdNumber::of))
}

fn read(api: &ControlClient, name: &str) -> Result<of::Account> {
    Ok(api.get(&one(ACCOUNTS, name))?)
}

fn one(all: &str, name: &str) -> String {
    format!("{all}/{}", encoded(name))
}

/// What stays of a profile where nothing else is said.
fn profile(shown: of::ShownProfile) -> of::Profile {
    let of::ShownProfile { organisation, person, roles, disabled } = shown;
    of::Profile { organisation, person, roles, disabled, id_number: None }
}

fn changed(out: &mut Out, api: &ControlClient, name: &str, to: &of::Profile, version: u64) -> Result<()> {
    let answer = api.call("PUT", &one(ACCOUNTS, name), to, Expect::Version(version))?;
    match answer.body {
        of::Handled::Waits(waits) => waiting(out, &waits.request),
        of::Handled::Done(account) => out.line(&line(&account)),
    }
}

fn verb(out: &mut Out, named: &Named, verb: &str) -> Result<()> {
    let path = format!("{}:{verb}", one(ACCOUNTS, &named.name));
    done(out, &named.connection.signed_on()?.post(&path, &Nothing {})?)
}

fn link(out: &mut Out, args: &LinkArgs, verb: &str) -> Result<()> {
    let path = format!("{}:{verb}", one(ACCOUNTS, &args.name));
    let body = of::Link { issuer: args.issuer.clone(), subject: args.subject.clone() };
    let answer: Option<of::WaitingRequest> = args.connection.signed_on()?.post(&path, &body)?;
    match answer {
        Some(waits) => waiting(out, &waits.request),
        None => out.line(&format!("{} 已解除关联 unlinked", args.name)),
    }
}

/// Tells what was done, or that a second person is asked.
fn done(out: &mut Out, answer: &of::Handled<of::MadeAccount>) -> Result<()> {
    let made = match answer {
        of::Handled::Waits(waits) => return waiting(out, &waits.request),
        of::Handled::Done(made) => made,
    };
    out.line(&line(&made.account))?;
    if let Some(until) = &made.invited_until {
        say(&format!("邀请已送达本人，有效至 the person is invited until {until}"));
    }
    Ok(())
}

/// Tells that a second person is asked.
pub(super) fn waiting(out: &mut Out, asked: &of::AccountRequest) -> Result<()> {
    say("须由另一机构的人员确认 Somebody of another organisation must confirm this:");
    say(&format!("  shuzha account confirm {}", asked.name));
    out.line(&request(asked))
}

fn decide(out: &mut Out, named: &Named, verb: &str) -> Result<()> {
    let path = format!("{}:{verb}", one(REQUESTS, &named.name));
    let decided: of::DecidedRequest = named.connection.signed_on()?.post(&path, &Nothing {})?;
    out.line(&request(&decided.request))?;
    if let Some(code) = &decided.code {
        say(
            "请将此确认码当面或另行告知本人，只显示这一次 Hand this code to the person by another way; it is shown once:",
        );
        out.line(code)?;
    }
    Ok(())
}

/// What an invitation's file holds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Letter {
    token: String,
    #[serde(default)]
    needs_code: bool,
}

fn accept(out: &mut Out, file: &std::path::Path, connection: &Connection) -> Result<()> {
    let content = secret::read_private(file, FILE_BYTES_MAX)?;
    let letter: Letter = serde_json::from_slice(&content).context("the file is no invitation")?;
    let code = if letter.needs_code {
        Some(ask("确认人告知的确认码 the code from whoever confirmed:")?.trim().to_owned())
    } else {
        None
    };
    let invitation = of::OpenInvitation { token: letter.token, code };
    let api = connection.anonymous()?;
    let opened: of::OpenedInvitation = api.post("/api/v1/invitations:open", &invitation)?;
    say(&format!("邀请 invitation: {}", line(&opened.account)));
    let password = ask_twice("新口令 new password:")?;
    let one_time_code = match &opened.enrolment {
        Some(enrolment) => {
            say("您的角色须启用动态码 Your role demands one-time codes; set your device up:");
            show_enrolment(enrolment);
            Some(ask("设备显示的动态码 the code that the device shows:")?.trim().to_owned())
        }
        None => None,
    };
    let body = of::AcceptInvitation { invitation, password, one_time_code };
    let accepted: ControlAnswer<of::AcceptedInvitation> =
        api.call("POST", "/api/v1/invitations:accept", &body, Expect::Any)?;
    let of::AcceptedInvitation { signed_in, recovery } = &accepted.body;
    if opened.enrolment.is_some() {
        show_recovery_codes(recovery);
    }
    let account = &signed_in.account;
    let session = by_session(connection, &accepted.http, signed_in)?;
    keep_token(&session, connection, (account.name.as_str(), &account.profile.roles, false, 1))?;
    out.line(&line(account))
}

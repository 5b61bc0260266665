//! `shuzha account`: accounts, what a second person confirms of them, invitations, and refused acts.

mod lines;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::api::{Api, Connection, Expect};
use super::login::{ask_twice, by_session, keep_token, show_enrolment, show_recovery_codes};
use super::show;
use super::terminal::{ask, ask_secret};
use crate::output::{Out, say};
use crate::secret_file;
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
            connection.signed_on()?.each(ACCOUNTS, &filter, |account| out.line(&line(account)).map(|()| true))
        }
        AccountCommand::Show(named) => out.line(&line(&read(&named.connection.signed_on()?, &named.name)?.0)),
        AccountCommand::Create { name, who, role, connection } => {
            let mut body = json!({
                "name": name, "organisation": who.organisation, "person": who.person, "roles": role,
            });
            ask_id(&mut body)?;
            done(out, &connection.signed_on()?.call("POST", ACCOUNTS, Some(&body), None)?.body)
        }
        AccountCommand::Change { name, organisation, person, role, id_number, reopen, connection } => {
            let api = connection.signed_on()?;
            let (account, version) = read(&api, name)?;
            let mut body = profile(&account);
            for (field, given) in [("organisation", organisation), ("person", person)] {
                if let Some(given) = given {
                    body[field] = given.as_str().into();
                }
            }
            if !role.is_empty() {
                body["roles"] = json!(role);
            }
            if *reopen {
                body["disabled"] = false.into();
            }
            if *id_number {
                ask_id(&mut body)?;
            }
            changed(out, &api, name, &body, version)
        }
        AccountCommand::Close(named) => {
            let api = named.connection.signed_on()?;
            let (account, version) = read(&api, &named.name)?;
            let mut body = profile(&account);
            body["disabled"] = true.into();
            changed(out, &api, &named.name, &body, version)
        }
        AccountCommand::ResetPassword(named) => verb(out, named, "reset-password"),
        AccountCommand::RemoveOneTimeCode(named) => verb(out, named, "remove-one-time-code"),
        AccountCommand::Link(args) => link(out, args, "link"),
        AccountCommand::Unlink(args) => link(out, args, "unlink"),
        AccountCommand::Requests { all, connection } => {
            let filter: &[(&str, &str)] = if *all { &[] } else { &[("open", "true")] };
            connection.signed_on()?.each(REQUESTS, filter, |asked| out.line(&request(asked)).map(|()| true))
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
                out.line(&refusal(refused)).map(|()| true)
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
    let token = secret_file::load_word(file, FILE_BYTES_MAX)?;
    let mut body = json!({
        "token": token, "name": name, "organisation": who.organisation, "person": who.person,
    });
    ask_id(&mut body)?;
    body["password"] = ask_twice("口令 password:")?.into();
    let made = connection.anonymous()?.call("POST", "/api/v1/first-administrator", Some(&body), None)?;
    out.line(&line(&made.body))
}

/// Asks for the number in a person's papers, which is not shown and not kept.
fn ask_id(body: &mut Value) -> Result<()> {
    let number = ask_secret(
        "公民身份号码（不必实名的角色可留空） number in the person's papers, empty where none is needed:",
    )?;
    if !number.trim().is_empty() {
        body["idNumber"] = number.trim().into();
    }
    Ok(())
}

/// An account and its version.
fn read(api: &Api, name: &str) -> Result<(Value, u64)> {
    let account = api.call("GET", &format!("{ACCOUNTS}/{name}"), None, None)?.body;
    let version = account["version"].as_u64().context("an account without a version")?;
    Ok((account, version))
}

fn profile(account: &Value) -> Value {
    json!({
        "organisation": account["organisation"], "person": account["person"], "roles": account["roles"],
        "disabled": account["disabled"],
    })
}

fn changed(out: &mut Out, api: &Api, name: &str, body: &Value, version: u64) -> Result<()> {
    let path = format!("{ACCOUNTS}/{name}");
    let answer = api.call("PUT", &path, Some(body), Some(Expect::Version(version)))?.body;
    if answer["request"].is_object() { waiting(out, &answer["request"]) } else { out.line(&line(&answer)) }
}

fn verb(out: &mut Out, named: &Named, verb: &str) -> Result<()> {
    let path = format!("{ACCOUNTS}/{}:{verb}", named.name);
    done(out, &named.connection.signed_on()?.call("POST", &path, Some(&json!({})), None)?.body)
}

fn link(out: &mut Out, args: &LinkArgs, verb: &str) -> Result<()> {
    let path = format!("{ACCOUNTS}/{}:{verb}", args.name);
    let body = json!({"issuer": args.issuer, "subject": args.subject});
    let answer = args.connection.signed_on()?.call("POST", &path, Some(&body), None)?.body;
    if answer["request"].is_object() {
        return waiting(out, &answer["request"]);
    }
    out.line(&format!("{} 已解除关联 unlinked", args.name))
}

/// Tells what was done, or that a second person is asked.
fn done(out: &mut Out, answer: &Value) -> Result<()> {
    if answer["request"].is_object() {
        return waiting(out, &answer["request"]);
    }
    out.line(&line(&answer["account"]))?;
    if let Some(until) = answer["invitedUntil"].as_str() {
        say(&format!("邀请已送达本人，有效至 the person is invited until {until}"));
    }
    Ok(())
}

/// Tells that a second person is asked.
pub(super) fn waiting(out: &mut Out, asked: &Value) -> Result<()> {
    say("须由另一机构的人员确认 Somebody of another organisation must confirm this:");
    say(&format!("  shuzha account confirm {}", show::text(&asked["name"])));
    out.line(&request(asked))
}

fn decide(out: &mut Out, named: &Named, verb: &str) -> Result<()> {
    let path = format!("{REQUESTS}/{}:{verb}", named.name);
    let answer = named.connection.signed_on()?.call("POST", &path, Some(&json!({})), None)?.body;
    out.line(&request(&answer["request"]))?;
    if let Some(code) = answer["code"].as_str() {
        say(
            "请将此确认码当面或另行告知本人，只显示这一次 Hand this code to the person by another way; it is shown once:",
        );
        out.line(code)?;
    }
    Ok(())
}

fn accept(out: &mut Out, file: &std::path::Path, connection: &Connection) -> Result<()> {
    let content = secret_file::read_private(file, FILE_BYTES_MAX)?;
    let letter: Value = serde_json::from_slice(&content).context("the file is no invitation")?;
    let token = letter["token"].as_str().context("the file is no invitation")?;
    let mut body = json!({"token": token});
    if letter["needsCode"] == true {
        body["code"] = ask("确认人告知的确认码 the code from whoever confirmed:")?.trim().into();
    }
    let api = connection.anonymous()?;
    let opened = api.call("POST", "/api/v1/invitations:open", Some(&body), None)?.body;
    say(&format!("邀请 invitation: {}", line(&opened["account"])));
    body["password"] = ask_twice("新口令 new password:")?.into();
    if opened["enrolment"].is_object() {
        say("您的角色须启用动态码 Your role demands one-time codes; set your device up:");
        show_enrolment(&opened["enrolment"]);
        body["oneTimeCode"] = ask("设备显示的动态码 the code that the device shows:")?.trim().into();
    }
    let accepted = api.call("POST", "/api/v1/invitations:accept", Some(&body), None)?;
    if opened["enrolment"].is_object() {
        show_recovery_codes(&accepted.body);
    }
    let name = show::text(&opened["account"]["name"]);
    let roles = &accepted.body["account"]["roles"];
    keep_token(&by_session(connection, &accepted)?, connection, (&name, roles, false, 1))?;
    out.line(&line(&accepted.body["account"]))
}

//! `shuzha registration|scenario|grant|… list|show|history|VERB`: one command per kind, made from the table of kinds.

use anyhow::{Context as _, Result};
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};
use shuzha_client::{ControlClient, Expect};
use shuzha_control::Kind;
use shuzha_core::{Clock as _, SystemClock};
use shuzha_files::terminal::{Out, say};
use shuzha_products::case::Verb;
use shuzha_schema::object::{Change, IssuedSecret, Object, Reasoned};

use super::api::{Connection, address, addresses, tried};
use super::apply::consequences;
use super::credential::{self, CONFIRM, REVOKE};
use super::fields::{self, Given};
use super::{show, yaml};

/// What can be done to a credential.
const ISSUE_SECRET: &str = "issue-secret";
/// What can be done to any declared object.
const DELETE: &str = "delete";

/// Something done with objects of one kind.
#[derive(Debug)]
pub(crate) struct KindCommand {
    kind: Kind,
    what: What,
}

#[derive(Debug)]
enum What {
    List(ListArgs),
    Show(OneArgs),
    History(OneArgs),
    Act(&'static Verb, ActArgs),
    IssueSecret(IssueArgs),
    Delete(IssueArgs),
    Confirm(credential::ConfirmArgs),
    Revoke(credential::RevokeArgs),
}

/// Which objects to list.
#[derive(Args, Debug)]
struct ListArgs {
    /// Only in this state.
    #[arg(long)]
    state: Option<String>,
    /// Only of this organisation.
    #[arg(long)]
    owner: Option<String>,
    /// Only with this text in name or spec.
    #[arg(long, short)]
    query: Option<String>,
    /// Only cases with a deadline that has passed.
    #[arg(long)]
    overdue: bool,
    /// At most so many.
    #[arg(long, default_value_t = 200)]
    limit: usize,
    #[command(flatten)]
    connection: Connection,
}

/// One object.
#[derive(Args, Debug)]
struct OneArgs {
    /// Its name.
    name: String,
    #[command(flatten)]
    connection: Connection,
}

/// Which object, and why.
#[derive(Args, Debug)]
struct IssueArgs {
    /// Its name.
    name: String,
    /// Why.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

/// What to do to a case.
#[derive(Args, Debug)]
struct ActArgs {
    /// Its name.
    name: String,
    #[command(flatten)]
    given: Given,
    /// Only if it is still at this version: the one that was looked at.
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
    /// Tells what would happen, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    connection: Connection,
}

/// The kind's name as a command, `exit-review`.
fn word(kind: Kind) -> String {
    kind.name().char_indices().fold(String::new(), |mut word, (at, c)| {
        if at > 0 && c.is_ascii_uppercase() {
            word.push('-');
        }
        word.push(c.to_ascii_lowercase());
        word
    })
}

fn command_of(kind: Kind) -> Command {
    let title = format!("{} {}", kind.title_zh(), kind.plural());
    let mut command =
        Command::new(word(kind)).about(title).subcommand_required(true).arg_required_else_help(true);
    command = command
        .subcommand(ListArgs::augment_args(Command::new("list")).about("列表 Lists them."))
        .subcommand(OneArgs::augment_args(Command::new("show")).about("查看 Shows one."))
        .subcommand(OneArgs::augment_args(Command::new("history")).about("经过 Shows what was done to one."));
    if kind.name() == "Credential" {
        let about = "签发密钥 Issues the secret of an HMAC credential, shown once.";
        command = command.subcommand(IssueArgs::augment_args(Command::new(ISSUE_SECRET)).about(about));
        let about = "确认 Confirms one that somebody else declared for the unit, by proof of its key.";
        command = command
            .subcommand(credential::ConfirmArgs::augment_args(Command::new(CONFIRM)).about(about))
            .subcommand(
                credential::RevokeArgs::augment_args(Command::new(REVOKE))
                    .about("吊销 Revokes one for good."),
            );
    }
    if matches!(kind, Kind::Declared(..)) {
        let about =
            "移除 Removes one that nothing refers to; the authority and sre any one that is not in force.";
        command = command.subcommand(IssueArgs::augment_args(Command::new(DELETE)).about(about));
    }
    for verb in verbs(kind) {
        let roles: Vec<_> = verb.roles.iter().map(|role| role.as_str()).collect();
        let about = format!("{} ({})", verb.title_zh, roles.join(", "));
        let act = ActArgs::augment_args(Command::new(verb.name)).about(about);
        command = command.subcommand(act.after_help(fields::help(verb)));
    }
    command
}

fn verbs(kind: Kind) -> &'static [Verb] {
    match kind {
        Kind::Case(case) => case.verbs,
        Kind::Declared(..) => &[],
    }
}

impl Subcommand for KindCommand {
    fn augment_subcommands(command: Command) -> Command {
        Kind::all().fold(command, |command, kind| command.subcommand(command_of(kind)))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        Kind::all().any(|kind| word(kind) == name)
    }
}

impl FromArgMatches for KindCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        let kind = Kind::all().find(|kind| word(*kind) == name).ok_or_else(missing)?;
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        let what = match name {
            "list" => What::List(ListArgs::from_arg_matches(matches)?),
            "show" => What::Show(OneArgs::from_arg_matches(matches)?),
            "history" => What::History(OneArgs::from_arg_matches(matches)?),
            ISSUE_SECRET => What::IssueSecret(IssueArgs::from_arg_matches(matches)?),
            DELETE => What::Delete(IssueArgs::from_arg_matches(matches)?),
            CONFIRM if kind.name() == "Credential" => {
                What::Confirm(credential::ConfirmArgs::from_arg_matches(matches)?)
            }
            REVOKE if kind.name() == "Credential" => {
                What::Revoke(credential::RevokeArgs::from_arg_matches(matches)?)
            }
            verb => {
                let verb = verbs(kind).iter().find(|known| known.name == verb).ok_or_else(missing)?;
                What::Act(verb, ActArgs::from_arg_matches(matches)?)
            }
        };
        Ok(Self { kind, what })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Runs the command.
pub(super) fn run(out: &mut Out, command: &KindCommand) -> Result<()> {
    let kind = command.kind;
    match &command.what {
        What::List(args) => list(out, kind, args),
        What::Show(args) => {
            let object = one(&args.connection.signed_on()?, kind, &args.name)?;
            show_one(out, kind, &object)
        }
        What::History(args) => {
            let mut acts = Vec::new();
            let path = format!("{}/history", address(kind, &args.name));
            args.connection.signed_on()?.each(&path, &[], |act| {
                acts.push(act);
                anyhow::Ok(true)
            })?;
            out.line(&show::history(kind, &acts).to_string())
        }
        What::Act(verb, args) => act(out, kind, verb, args),
        What::IssueSecret(args) => issue_secret(out, kind, args),
        What::Delete(args) => delete(out, kind, args),
        What::Confirm(args) => credential::confirm(out, kind, args),
        What::Revoke(args) => credential::revoke(out, kind, args),
    }
}

fn delete(out: &mut Out, kind: Kind, args: &IssueArgs) -> Result<()> {
    let api = args.connection.signed_on()?;
    let before = one(&api, kind, &args.name)?;
    let expect = Expect::Version(before.metadata.version);
    let (path, body) = (address(kind, &args.name), Reasoned::of(&args.reason));
    let gone: Change = api.call("DELETE", &path, &body, expect)?.body;
    out.line(&format!("{}/{} 已移除 is removed", kind.name(), args.name))?;
    consequences(&gone.consequences).iter().try_for_each(|line| out.line(&format!("  ! {line}")))
}

fn issue_secret(out: &mut Out, kind: Kind, args: &IssueArgs) -> Result<()> {
    let path = format!("{}:{ISSUE_SECRET}", address(kind, &args.name));
    let issued: IssuedSecret = args.connection.signed_on()?.post(&path, &Reasoned::of(&args.reason))?;
    if !issued.in_force {
        say("此密钥只显示这一次，已记录但尚未在网关生效（C1018），网关会继续尝试；请妥善保管。");
        say(
            "This secret is shown once; it is recorded and not in force yet (C1018), and the gateway goes on trying. Keep it.",
        );
    } else {
        say("此密钥只显示这一次，已在网关生效，请交给应用单位妥善保管。");
        say("This secret is shown once and is in force. Hand it to the application unit.");
    }
    out.line(&issued.secret.context("the control plane answered without a secret")?)
}

fn list(out: &mut Out, kind: Kind, args: &ListArgs) -> Result<()> {
    let given = [("state", &args.state), ("owner", &args.owner), ("q", &args.query)];
    let mut filters: Vec<_> =
        given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
    if args.overdue {
        filters.push(("overdue", "true"));
    }
    let (mut objects, mut more) = (Vec::new(), false);
    args.connection.signed_on()?.each(&addresses(kind), &filters, |object| {
        more = objects.len() == args.limit;
        if !more {
            objects.push(object);
        }
        anyhow::Ok(!more)
    })?;
    out.line(&show::list(kind, &objects, SystemClock.now()).to_string())?;
    if more {
        out.line(&format!("只列出前 {0} 项 only the first {0} are listed: --limit", args.limit))?;
    }
    Ok(())
}

/// An object that must be there.
fn one(api: &ControlClient, kind: Kind, name: &str) -> Result<Object> {
    Ok(api.get(&address(kind, name))?)
}

fn show_one(out: &mut Out, kind: Kind, object: &Object) -> Result<()> {
    out.line(&show::head(kind, object, SystemClock.now()).to_string())?;
    out.line(yaml::field("spec", &object.spec).trim_end())?;
    let Some(status) = &object.status else { return Ok(()) };
    if status.details.is_object() {
        out.line(yaml::field("details", &status.details).trim_end())?;
    }
    match &status.advice {
        Some(advice) => out.line(&format!("办理提示 {advice}")),
        None => Ok(()),
    }
}

fn act(out: &mut Out, kind: Kind, verb: &Verb, args: &ActArgs) -> Result<()> {
    let api = args.connection.signed_on()?;
    let body = args.given.body(verb)?;
    let before = one(&api, kind, &args.name)?;
    let version = args.if_version.unwrap_or(before.metadata.version);
    let path = tried(format!("{}:{}", address(kind, &args.name), verb.name), args.dry_run);
    let change: Change = api.call("POST", &path, &body, Expect::Version(version))?.body;
    let tried = if args.dry_run { "试办 tried only: " } else { "" };
    out.line(&format!(
        "{tried}{}/{} {}: {} → {}",
        kind.name(),
        args.name,
        show::verb_title(kind, verb.name),
        show::state(Some(&before)),
        show::state(change.object.as_ref())
    ))?;
    let now = SystemClock.now();
    let status = change.object.and_then(|object| object.status);
    for due in status.iter().flat_map(|status| &status.deadlines) {
        out.line(&format!("  期限 deadline: {}", show::deadline(due, now)))?;
    }
    consequences(&change.consequences).iter().try_for_each(|line| out.line(&format!("  ! {line}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_verb_is_a_command() {
        let command = KindCommand::augment_subcommands(Command::new("shuzha"));
        command.clone().debug_assert();
        let read = |line: &[&str]| {
            let matches = command.clone().try_get_matches_from(line)?;
            KindCommand::from_arg_matches(&matches)
        };
        for kind in Kind::all() {
            let word = word(kind);
            assert!(KindCommand::has_subcommand(&word), "{word}");
            assert!(read(&["shuzha", &word, "list", "--overdue"]).is_ok(), "{word}");
            for verb in verbs(kind) {
                let read = read(&["shuzha", &word, verb.name, "a", "--reason", "r", "--field", "x=1"])
                    .expect("read");
                assert!(
                    matches!(read.what, What::Act(known, _) if known.name == verb.name),
                    "{word} {}",
                    verb.name
                );
            }
        }
        assert_eq!(word(Kind::find("ExitReview").expect("a kind")), "exit-review");
        assert!(read(&["shuzha", "registration", "dance", "a"]).is_err());
    }
}

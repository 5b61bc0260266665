//! `shuzha consent`: what persons do with their own consents, through the API. The identifier is asked for and never an
//! argument: arguments stay in the shell's history.

use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde_json::{Value, json};
use shuzha_core::files::{self, Links};

use super::api::{Connection, encoded};
use super::show;
use super::terminal::ask_secret;
use crate::output::{Out, say};

/// Where consents are.
/// Longest file of a consent token.
const TOKEN_BYTES_MAX: u64 = 64 << 10;

const CONSENTS: &str = "/api/v1/consents";

/// What to do.
#[derive(Subcommand, Debug)]
pub(crate) enum ConsentCommand {
    /// 我的授权 Lists one's own consents, newest first.
    List {
        /// Only of this application unit.
        #[arg(long)]
        unit: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// 授权 Gives a consent, and prints the token for the unit.
    Give(GiveArgs),
    /// 收窄 Derives a narrower consent, and prints its token.
    Narrow(NarrowArgs),
    /// 撤回 Takes a consent back, or all of a unit's, or all.
    Withdraw(WithdrawArgs),
    /// 去向 Shows who used one's data, when, for what.
    Uses {
        /// Only under this consent and those derived from it.
        consent: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// 回执 Prints the signed receipts.
    Receipts {
        /// The consent.
        consent: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// 登记外部授权 Takes over a consent that an outside issuer has given: its token is read from a file.
    Register {
        /// File of the token.
        file: std::path::PathBuf,
        #[command(flatten)]
        connection: Connection,
    },
    /// 实名绑定 Binds an account to the person whose papers were seen. For administrators.
    Bind {
        /// The account.
        account: String,
        #[command(flatten)]
        connection: Connection,
    },
}

/// What to allow.
#[derive(clap::Args, Debug)]
pub(crate) struct GiveArgs {
    /// The application unit.
    #[arg(long)]
    unit: String,
    /// The approved scenario.
    #[arg(long)]
    scenario: String,
    /// A notice's `id@version`.
    #[arg(long)]
    notice: String,
    /// SHA-256 of the notice's text, base64url.
    #[arg(long)]
    notice_hash: String,
    /// consent, separate_consent or written_consent.
    #[arg(long, default_value = "separate_consent")]
    basis: String,
    /// Whether sensitive personal information is concerned.
    #[arg(long)]
    sensitive: bool,
    #[command(flatten)]
    narrow: Parts,
    #[command(flatten)]
    connection: Connection,
}

/// What to keep of a consent.
#[derive(clap::Args, Debug)]
pub(crate) struct NarrowArgs {
    /// The consent to narrow.
    consent: String,
    #[command(flatten)]
    parts: Parts,
    #[command(flatten)]
    connection: Connection,
}

/// The parts of a consent.
#[derive(clap::Args, Debug)]
struct Parts {
    /// A product; may be given several times.
    #[arg(long = "product")]
    products: Vec<String>,
    /// A leaf of the answer, such as /result.
    #[arg(long = "field")]
    fields: Vec<String>,
    /// An operation.
    #[arg(long = "action")]
    actions: Vec<String>,
    /// How often.
    #[arg(long)]
    uses: Option<u32>,
    /// Until when: a date or an instant.
    #[arg(long)]
    until: Option<String>,
}

impl Parts {
    /// As the API takes them; what is not given is left out.
    fn fill(&self, body: &mut Value) {
        let lists = [("products", &self.products), ("fields", &self.fields), ("actions", &self.actions)];
        for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            body[key] = json!(list);
        }
        if let Some(uses) = self.uses {
            body["usesMax"] = uses.into();
        }
        if let Some(until) = &self.until {
            body["until"] = until.as_str().into();
        }
    }
}

/// What to take back.
#[derive(clap::Args, Debug)]
pub(crate) struct WithdrawArgs {
    /// The consent.
    #[arg(required_unless_present_any = ["unit", "all"], conflicts_with_all = ["unit", "all"])]
    consent: Option<String>,
    /// All that this unit has.
    #[arg(long, conflicts_with = "all")]
    unit: Option<String>,
    /// All of one's own.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(super) fn run(out: &mut Out, command: &ConsentCommand) -> Result<()> {
    match command {
        ConsentCommand::List { unit, connection } => {
            let filters: Vec<_> = unit.iter().map(|unit| ("unit", unit.as_str())).collect();
            connection.signed_on()?.each(CONSENTS, &filters, |item| out.line(&line(item)).map(|()| true))
        }
        ConsentCommand::Give(args) => give(out, args),
        ConsentCommand::Narrow(args) => {
            let mut body = json!({});
            args.parts.fill(&mut body);
            let path = format!("{}:narrow", one(&args.consent));
            let answer = args.connection.signed_on()?.call("POST", &path, Some(&body), None)?;
            given(out, &answer.body)
        }
        ConsentCommand::Withdraw(args) => withdraw(out, args),
        ConsentCommand::Uses { consent, connection } => {
            let path = match consent {
                Some(consent) => format!("{}/uses", one(consent)),
                None => "/api/v1/data-uses".to_owned(),
            };
            connection.signed_on()?.each(&path, &[], |item| out.line(&used(item)).map(|()| true))
        }
        ConsentCommand::Receipts { consent, connection } => {
            let path = format!("{}/receipts", one(consent));
            let receipts = connection.signed_on()?.call("GET", &path, None, None)?.body;
            let shown = ["given", "withdrawn"].into_iter().filter_map(|event| receipts[event].as_str());
            shown.into_iter().try_for_each(|receipt| out.line(receipt))
        }
        ConsentCommand::Register { file, connection } => {
            let token = files::read_text(file, Links::Follow, TOKEN_BYTES_MAX)
                .with_context(|| file.display().to_string())?;
            let body = json!({"token": token.trim(), "idNumber": ask_id()?});
            let path = format!("{CONSENTS}:register");
            let answer = connection.signed_on()?.call("POST", &path, Some(&body), None)?;
            out.line(&show::text(&answer.body["id"]))
        }
        ConsentCommand::Bind { account, connection } => {
            let body = json!({"account": account, "idNumber": ask_id()?});
            let asked = connection.signed_on()?.call("POST", "/api/v1/consent-holders", Some(&body), None)?;
            super::account::waiting(out, &asked.body["request"])
        }
    }
}

fn give(out: &mut Out, args: &GiveArgs) -> Result<()> {
    let mut body = json!({
        "idNumber": ask_id()?, "unit": args.unit, "scenario": args.scenario, "notice": args.notice,
        "noticeHash": args.notice_hash, "basis": args.basis, "sensitive": args.sensitive,
    });
    args.narrow.fill(&mut body);
    given(out, &args.connection.signed_on()?.call("POST", CONSENTS, Some(&body), None)?.body)
}

fn withdraw(out: &mut Out, args: &WithdrawArgs) -> Result<()> {
    let api = args.connection.signed_on()?;
    if let Some(consent) = &args.consent {
        let answer = api.call("POST", &format!("{}:withdraw", one(consent)), Some(&json!({})), None)?;
        return out.line(&line(&answer.body));
    }
    let body = args.unit.as_ref().map_or_else(|| json!({}), |unit| json!({"unit": unit}));
    let answer = api.call("POST", &format!("{CONSENTS}:withdraw"), Some(&body), None)?;
    out.line(&format!("已撤回 withdrawn: {}", answer.body["withdrawn"]))
}

/// The identifier of whoever sits at the terminal.
fn ask_id() -> Result<String> {
    ask_secret("公民身份号码 identity number:")
}

fn one(consent: &str) -> String {
    format!("{CONSENTS}/{}", encoded(consent))
}

/// The token for the unit on the standard output, so that it can be piped; the rest on the standard error.
fn given(out: &mut Out, given: &Value) -> Result<()> {
    say(&format!("授权编号 consent: {}", show::text(&given["id"])));
    say("令牌只显示这一次，请交给应用单位 The token is shown this once; hand it to the unit.");
    out.line(&show::text(&given["token"]))
}

fn line(consent: &Value) -> String {
    let state = match (consent["live"].as_bool(), consent["withdrawn"].is_null()) {
        (_, false) => "已撤回 withdrawn",
        (Some(true), _) => "有效 live",
        _ => "已到期 over",
    };
    format!(
        "{}  {state}  {} {} {} ×{} 至 until {}",
        show::text(&consent["id"]),
        show::text(&consent["unit"]),
        show::text(&consent["scenario"]),
        consent["products"],
        consent["usesMax"],
        show::local(&consent["until"])
    )
}

fn used(one: &Value) -> String {
    let why = one["code"].as_str().map(|code| format!(" {code}")).unwrap_or_default();
    format!(
        "{}  {}{why}  {} {} {}/{}",
        show::local(&one["at"]),
        show::text(&one["decision"]),
        show::text(&one["unit"]),
        show::text(&one["scenario"]),
        show::text(&one["product"]),
        show::text(&one["operation"])
    )
}

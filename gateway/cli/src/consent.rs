//! `shuzha consent`: what persons do with their own consents, through the API. The identifier is asked for and never an
//! argument: arguments stay in the shell's history.

use anyhow::{Context as _, Result};
use clap::Subcommand;
use shuzha_client::encoded;
use shuzha_core::files::{self, Links};
use shuzha_core::{Clock as _, SystemClock, Timestamp};
use shuzha_files::terminal::{Out, say};
use shuzha_schema::account::WaitingRequest;
use shuzha_schema::consent as of;
use shuzha_schema::{IdNumber, Moment, Name, Nothing};

use super::api::Connection;
use super::show;
use super::terminal::ask_secret;

/// Longest file of a consent token.
const TOKEN_BYTES_MAX: u64 = 64 << 10;
/// Where consents are.
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
        #[arg(allow_hyphen_values = true)]
        consent: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// 回执 Prints the signed receipts.
    Receipts {
        /// The consent.
        #[arg(allow_hyphen_values = true)]
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
    #[arg(long, allow_hyphen_values = true)]
    notice_hash: String,
    /// consent, separate_consent or written_consent.
    #[arg(long, default_value = "separate_consent")]
    basis: String,
    /// Whether sensitive personal information is concerned.
    #[arg(long)]
    sensitive: bool,
    /// For a blinded list: the state that the unit has prepared (`person.state`). The name is asked for.
    #[arg(long, requires = "element")]
    blind_state: Option<std::path::PathBuf>,
    /// The element that the unit has prepared with it.
    #[arg(long, requires = "blind_state")]
    element: Option<String>,
    #[command(flatten)]
    narrow: Parts,
    #[command(flatten)]
    connection: Connection,
}

/// What to keep of a consent.
#[derive(clap::Args, Debug)]
pub(crate) struct NarrowArgs {
    /// The consent to narrow.
    #[arg(allow_hyphen_values = true)]
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
    fn given(&self) -> of::NarrowerConsent {
        let list = |list: &Vec<String>| Some(list.clone()).filter(|list| !list.is_empty());
        of::NarrowerConsent {
            products: list(&self.products),
            fields: list(&self.fields),
            actions: list(&self.actions),
            uses_max: self.uses,
            until: self.until.as_ref().map(Moment::of),
        }
    }
}

/// What to take back.
#[derive(clap::Args, Debug)]
pub(crate) struct WithdrawArgs {
    /// The consent.
    #[arg(allow_hyphen_values = true, required_unless_present_any = ["unit", "all"], conflicts_with_all = ["unit", "all"])]
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
            connection.signed_on()?.each(CONSENTS, &filters, |item| out.line(&line(&item)).map(|()| true))
        }
        ConsentCommand::Give(args) => give(out, args),
        ConsentCommand::Narrow(args) => {
            let path = format!("{}:narrow", one(&args.consent));
            given(out, &args.connection.signed_on()?.post(&path, &args.parts.given())?)
        }
        ConsentCommand::Withdraw(args) => withdraw(out, args),
        ConsentCommand::Uses { consent, connection } => {
            let path = match consent {
                Some(consent) => format!("{}/uses", one(consent)),
                None => "/api/v1/data-uses".to_owned(),
            };
            connection.signed_on()?.each(&path, &[], |item| out.line(&used(&item)).map(|()| true))
        }
        ConsentCommand::Receipts { consent, connection } => {
            let path = format!("{}/receipts", one(consent));
            let receipts: of::ConsentReceipts = connection.signed_on()?.get(&path)?;
            let mut shown = receipts.given.iter().chain(&receipts.withdrawn);
            shown.try_for_each(|receipt| out.line(receipt))
        }
        ConsentCommand::Register { file, connection } => {
            let token = files::read_text(file, Links::Follow, TOKEN_BYTES_MAX)
                .with_context(|| file.display().to_string())?;
            let body = of::OutsideConsent { id_number: ask_id()?, token: token.trim().to_owned() };
            let made: of::ConsentId = connection.signed_on()?.post(&format!("{CONSENTS}:register"), &body)?;
            out.line(&made.id)
        }
        ConsentCommand::Bind { account, connection } => {
            let body = of::ConsentHolder { account: Name::of(account), id_number: ask_id()? };
            let asked: WaitingRequest = connection.signed_on()?.post("/api/v1/consent-holders", &body)?;
            super::account::waiting(out, &asked.request)
        }
    }
}

fn give(out: &mut Out, args: &GiveArgs) -> Result<()> {
    let id_number = ask_id()?;
    let body = of::NewConsent {
        id_number,
        blinded: blinded(args)?,
        unit: Name::of(&args.unit),
        scenario: Name::of(&args.scenario),
        parts: args.narrow.given(),
        notice: args.notice.clone(),
        notice_hash: args.notice_hash.clone(),
        basis: args.basis.clone(),
        sensitive: args.sensitive,
    };
    given(out, &args.connection.signed_on()?.post(CONSENTS, &body)?)
}

/// What a blinded consent is given for. The name is the person's, so it is asked for like their number.
fn blinded(args: &GiveArgs) -> Result<Option<of::BlindedEntry>> {
    let (Some(state), Some(element)) = (&args.blind_state, &args.element) else { return Ok(None) };
    let state = crate::blind::state_of(state)?;
    let name = ask_secret("姓名 name, as the list has it:")?;
    let parts = Some(name.trim().to_owned()).filter(|name| !name.is_empty()).into_iter().collect();
    Ok(Some(of::BlindedEntry { element: element.clone(), parts, state }))
}

fn withdraw(out: &mut Out, args: &WithdrawArgs) -> Result<()> {
    let api = args.connection.signed_on()?;
    if let Some(consent) = &args.consent {
        return out.line(&line(&api.post(&format!("{}:withdraw", one(consent)), &Nothing {})?));
    }
    let body = of::WithdrawAll { unit: args.unit.as_ref().map(Name::of) };
    let answer: of::WithdrawnCount = api.post(&format!("{CONSENTS}:withdraw"), &body)?;
    out.line(&format!("已撤回 withdrawn: {}", answer.withdrawn))
}

/// The identifier of whoever sits at the terminal.
fn ask_id() -> Result<IdNumber> {
    ask_secret("公民身份号码 identity number:").map(IdNumber::of)
}

fn one(consent: &str) -> String {
    format!("{CONSENTS}/{}", encoded(consent))
}

/// The token for the unit on the standard output, so that it can be piped; the rest on the standard error.
fn given(out: &mut Out, given: &of::GivenConsent) -> Result<()> {
    say(&format!("授权编号 consent: {}", given.id));
    say("令牌只显示这一次，请交给应用单位 The token is shown this once; hand it to the unit.");
    out.line(&given.token)
}

fn line(consent: &of::Consent) -> String {
    let state = match (consent.live, &consent.withdrawn) {
        (_, Some(_)) => "已撤回 withdrawn",
        (true, None) => "有效 live",
        (false, None) => ended(consent, SystemClock.now()),
    };
    format!(
        "{}  {state}  {} {} {:?} ×{} 至 until {}",
        consent.id,
        show::text(consent.unit.as_ref()),
        show::text(consent.scenario.as_ref()),
        consent.products.as_deref().unwrap_or_default(),
        show::text(consent.uses_max),
        consent.until.as_ref().map_or_else(|| show::NOTHING.to_owned(), show::local)
    )
}

/// Why a consent that nobody withdrew cannot be used.
fn ended(consent: &of::Consent, now: Timestamp) -> &'static str {
    let is_used_up = consent.uses_max.is_some_and(|most| consent.used.is_some_and(|used| used >= most));
    let until = consent.until.as_ref().and_then(show::read);
    if is_used_up {
        "已用完 used up"
    } else if until.is_some_and(|until| until <= now) {
        "已到期 over"
    } else if show::read(&consent.from).is_some_and(|from| now < from) {
        "未到生效时间 not begun"
    } else {
        "不可用：其上级授权已撤回或用完 not usable: the one it narrows was withdrawn or used up"
    }
}

fn used(one: &of::DataUse) -> String {
    let why = one.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
    let of::DataUse { decision, unit, scenario, product, operation, .. } = one;
    format!("{}  {decision}{why}  {unit} {scenario} {product}/{operation}", show::local(&one.at))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser, Debug)]
    struct Words {
        #[command(subcommand)]
        command: ConsentCommand,
    }

    #[test]
    fn an_id_that_begins_with_a_hyphen_is_an_id() {
        const ID: &str = "-Wh2CoS2nhmcJOCZTor8sw";
        for (command, flag) in
            [("uses", None), ("receipts", None), ("withdraw", None), ("narrow", Some("--uses=1"))]
        {
            let words = ["consent", command, ID].into_iter().chain(flag);
            let read = Words::try_parse_from(words).unwrap_or_else(|error| panic!("{command}: {error}"));
            assert!(format!("{:?}", read.command).contains(ID), "{command}");
        }
    }
}

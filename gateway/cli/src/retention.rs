//! `shuzha retention`: what may be sealed and destroyed, by whom it was, and the papers of it.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use serde_json::{Map, Value};
use shuzha_client::encoded;
use shuzha_files::NewFile;
use shuzha_files::escape;
use shuzha_files::terminal::Out;
use shuzha_schema::List;
use shuzha_schema::evidence::{Decided, HalfYear, WholeHalfYear};
use shuzha_schema::object::Reasoned;

use super::api::Connection;
use super::show::{local, value_text};

/// Half-years of the log.
const ROOT: &str = "/api/v1/evidence/logs";

/// What to do with a half-year.
#[derive(Subcommand, Debug)]
pub(crate) enum RetentionCommand {
    /// 计划 Shows every half-year: its state, until when it is kept, what holds it.
    Plan(PlanArgs),
    /// 封存 Checks a half-year that is over, lists it, signs for it and makes it read-only.
    Seal(ActArgs),
    /// 申请销毁 Asks for the destruction of its calls: the first of two persons.
    Destroy(ActArgs),
    /// 确认销毁 Decides it and carries it out: the second of two persons.
    Confirm(ActArgs),
    /// 撤回申请 Takes back what was asked for and not decided.
    Withdraw(ActArgs),
    /// 销毁证明 Prints the signed certificate of a destruction, or of a sealing where nothing was destroyed.
    Certificate(CertificateArgs),
}

#[derive(clap::Args, Debug)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct ActArgs {
    /// The half-year, as 2026h1.
    log: String,
    /// Why.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct CertificateArgs {
    /// The half-year, as 2026h1.
    log: String,
    /// Writes a page to be printed instead.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(super) fn run(out: &mut Out, command: &RetentionCommand) -> Result<()> {
    match command {
        RetentionCommand::Plan(args) => {
            let found: List<HalfYear> = args.connection.signed_on()?.get(ROOT)?;
            found.items.iter().try_for_each(|year| shown(out, year))
        }
        RetentionCommand::Seal(args) => act(out, args, "seal"),
        RetentionCommand::Destroy(args) => act(out, args, "destroy"),
        RetentionCommand::Confirm(args) => act(out, args, "confirm"),
        RetentionCommand::Withdraw(args) => act(out, args, "withdraw"),
        RetentionCommand::Certificate(args) => certificate(out, args),
    }
}

fn act(out: &mut Out, args: &ActArgs, verb: &str) -> Result<()> {
    let path = format!("{ROOT}/{}:{verb}", encoded(&args.log));
    shown(out, &args.connection.signed_on()?.post(&path, &Reasoned::of(&args.reason))?)
}

/// A state in both languages.
fn state(word: &str) -> &str {
    match word {
        "open" => "写入中 open",
        "over" => "已结束 over",
        "sealed" => "已封存 sealed",
        "destruction-asked-for" => "待确认销毁 destruction asked for",
        "destroying" => "销毁中 destroying",
        "destroyed" => "已销毁 destroyed",
        other => other,
    }
}

fn shown(out: &mut Out, year: &HalfYear) -> Result<()> {
    let (state, until) = (state(&year.state), local(&year.kept_until));
    let HalfYear { log, entries, first_sequence, last_sequence, .. } = year;
    out.line(&format!(
        "{log}  {state}  {entries} 条 records ({first_sequence}–{last_sequence})  留存至 kept until {until}"
    ))?;
    for (act, title) in [(&year.sealing, "封存 sealed"), (&year.destruction, "销毁 destruction")] {
        if let Some(act) = act {
            out.line(&format!("    {title}: {}", decided(act)))?;
        }
    }
    year.holds.iter().try_for_each(|hold| out.line(&format!("    ! {hold}")))
}

/// Who asked, who decided, and why.
fn decided(act: &Decided) -> String {
    let mut line = format!("{} {}", act.asked_by, local(&act.asked_at));
    if let Some(by) = act.decided_by.as_ref().filter(|by| **by != act.asked_by) {
        let at = act.decided_at.as_ref().map(local).unwrap_or_default();
        line.push_str(&format!(" · 确认 confirmed {by} {at}"));
    }
    if !act.reason.is_empty() {
        line.push_str(&format!(" · {}", act.reason));
    }
    line
}

fn certificate(out: &mut Out, args: &CertificateArgs) -> Result<()> {
    let path = format!("{ROOT}/{}", encoded(&args.log));
    let WholeHalfYear { half_year: year, .. } = args.connection.signed_on()?.get(&path)?;
    let document = |act: Option<Decided>| act.and_then(|act| act.document);
    let Some(document) = document(year.destruction).or_else(|| document(year.sealing)) else {
        bail!("{} 既未封存也未销毁 is neither sealed nor destroyed", args.log);
    };
    match &args.html {
        None => out.line(document.trim_end()),
        Some(file) => {
            NewFile::open(file)?.keep_all(page(&document)?.as_bytes())?;
            out.line(&file.display().to_string())
        }
    }
}

/// What stands on the page, and how it is called there.
const FIELDS: [(&str, &str); 18] = [
    ("log", "存证日志 Log"),
    ("halfYear", "半年 Half-year"),
    ("firstSequence", "首条序号 First record"),
    ("lastSequence", "末条序号 Last record"),
    ("entries", "记录条数 Records"),
    ("destroyed", "已销毁 Destroyed"),
    ("kept", "保留 Kept"),
    ("rootSha256", "树根（SHA-256） Root"),
    ("rootSm3", "树根（SM3） Root"),
    ("sealedBy", "封存人 Sealed by"),
    ("sealedAt", "封存时间 Sealed at"),
    ("askedBy", "申请人 Asked for by"),
    ("askedAt", "申请时间 Asked for at"),
    ("reason", "事由 Reason"),
    ("confirmedBy", "确认人 Confirmed by"),
    ("confirmedAt", "确认时间 Confirmed at"),
    ("keptUntil", "留存至 Kept until"),
    ("article", "依据 By"),
];

/// A signed document as a page.
fn page(document: &str) -> Result<String> {
    let mut lines = document.lines();
    let destroyed = lines.next().is_some_and(|title| title.contains("destruction"));
    let content: Map<String, Value> =
        serde_json::from_str(lines.next().unwrap_or_default()).context("the document")?;
    let title = if destroyed {
        "销毁证明 Certificate of destruction"
    } else {
        "封存清单 Manifest of sealing"
    };
    let mut rows = String::new();
    let named = FIELDS.iter().filter_map(|(key, name)| Some((name, content.get(*key)?)));
    for (name, value) in named.filter(|(_, value)| !value.is_null()) {
        let value = match value {
            Value::Object(counts) => {
                let counts = counts.iter().map(|(kind, count)| format!("{kind} {}", value_text(count)));
                counts.collect::<Vec<_>>().join(" · ")
            }
            value => value_text(value),
        };
        rows.push_str(&format!("<tr><th>{name}</th><td>{}</td></tr>\n", escape(&value)));
    }
    Ok(format!(
        "<!doctype html>\n<html lang=\"zh\"><head><meta charset=\"utf-8\"><title>{title}</title><style>\n\
         body {{ font: 15px/1.6 serif; max-width: 50rem; margin: 2rem auto; }} table {{ border-collapse: collapse; width: 100%; }}\n\
         th, td {{ border: 1px solid #666; padding: .3rem .6rem; text-align: left; overflow-wrap: anywhere; }}\n\
         th {{ width: 14rem; font-weight: normal; }} pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font-size: 11px; }}\n\
         </style></head><body>\n<h1>{title}</h1>\n<table>\n{rows}</table>\n\
         <p>以下原文由存证日志的密钥签名，可离线核对。 The text below is signed with the log's key and checks offline.</p>\n\
         <pre>{}</pre>\n</body></html>\n",
        escape(document)
    ))
}

//! `shuzha trace`: from a call back to its data and those who decided, from data forward to every use (Yantai 26).

mod page;

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use comfy_table::{Table, presets};
use serde_json::Value;

use super::api::Connection;
use super::show::{local, text};
use crate::output::{NewFile, Out};

/// Uses of one page: the most that the API gives.
const PAGE: usize = 200;

/// What to trace.
#[derive(Subcommand, Debug)]
pub(crate) enum TraceCommand {
    /// 一次调用 A call, by its request id: rights, product, data, and who decided.
    Call(CallArgs),
    /// 数据集 Every use of a data set.
    DataSet(UsesArgs),
    /// 数据产品 Every use of a product.
    Product(UsesArgs),
    /// 应用单位 Every call of a unit.
    Unit(UsesArgs),
    /// 授权 Every call under a grant.
    Grant(UsesArgs),
}

#[derive(clap::Args, Debug)]
pub(crate) struct CallArgs {
    /// The call's `X-Request-Id`.
    request: String,
    /// Prints the answer of the API as it is.
    #[arg(long)]
    json: bool,
    /// Writes a page with a picture of the chain instead.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct UsesArgs {
    /// Its name.
    name: String,
    /// At or after this date or instant.
    #[arg(long)]
    from: Option<String>,
    /// Before this date or instant.
    #[arg(long)]
    until: Option<String>,
    /// Most uses to show; 0 shows all.
    #[arg(long, default_value_t = PAGE)]
    limit: usize,
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(super) fn run(out: &mut Out, command: &TraceCommand) -> Result<()> {
    match command {
        TraceCommand::Call(args) => call(out, args),
        TraceCommand::DataSet(args) => uses(out, "dataSet", args),
        TraceCommand::Product(args) => uses(out, "product", args),
        TraceCommand::Unit(args) => uses(out, "unit", args),
        TraceCommand::Grant(args) => uses(out, "grant", args),
    }
}

/// What is told of the call itself, with its name for people.
const CALL: [(&str, &str); 19] = [
    ("request", "请求 request"),
    ("at", "时间 at"),
    ("decision", "结果 decision"),
    ("unit", "应用单位 unit"),
    ("credential", "凭据 credential"),
    ("scenario", "场景 scenario"),
    ("purpose", "用途 purpose"),
    ("grant", "授权 grant"),
    ("agreement", "协议 agreement"),
    ("product", "产品 product"),
    ("version", "版本 version"),
    ("operation", "操作 operation"),
    ("price", "价格 price"),
    ("amount", "费用 amount"),
    ("chargedDataSet", "扣减预算的数据集 charged data set"),
    ("privacyCharge", "隐私扣减 privacy charge"),
    ("consent", "个人授权（摘要） consent (digest)"),
    ("requestCommitment", "请求摘要 request commitment"),
    ("answerCommitment", "答复摘要 answer commitment"),
];

fn call(out: &mut Out, args: &CallArgs) -> Result<()> {
    let path = format!("/api/v1/traces/{}", args.request);
    let trace = args.connection.signed_on()?.call("GET", &path, None, None)?.body;
    if args.json {
        return out.line(&trace.to_string());
    }
    if let Some(file) = &args.html {
        NewFile::private(file)?.keep_all(page::of(&trace).as_bytes())?;
        return out.line(&file.display().to_string());
    }
    let call = &trace["call"];
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (key, title) in CALL.iter().filter(|(key, _)| !call[*key].is_null()) {
        let value = if *key == "at" { local(&call[*key]) } else { text(&call[*key]) };
        table.add_row([(*title).to_owned(), value]);
    }
    if !call["refusal"].is_null() {
        let refusal = format!("{} {}", text(&call["refusal"]["code"]), text(&call["refusal"]["title"]));
        table.add_row(["拒绝原因 refused for".to_owned(), refusal]);
    }
    table.add_row([
        "存证 leaf".to_owned(),
        format!("{} #{}", text(&trace["leaf"]["log"]), text(&trace["leaf"]["index"])),
    ]);
    out.line(&table.to_string())?;
    if trace["madeOf"]["exact"] == false {
        out.line("! 该版本当时的数据来源未能确证 What this version was made of at the time is not certain.")?;
    }
    trace["steps"].as_array().into_iter().flatten().try_for_each(|step| object(out, step))
}

/// One object on the way, and who did what to it before the call.
fn object(out: &mut Out, step: &Value) -> Result<()> {
    let mut line = format!("\n{}/{}", text(&step["kind"]), text(&step["name"]));
    if let Some(title) = step["title"].as_str() {
        line.push_str(&format!("  {title}"));
    }
    match &step["changedSince"] {
        Value::Null => line.push_str("  （登记簿中已无 no longer in the register）"),
        Value::Bool(true) => line.push_str("  （此后有变更 changed since）"),
        _ => {}
    }
    out.line(&line)?;
    for (key, value) in step["facts"].as_object().into_iter().flatten() {
        out.line(&format!("    {key}: {}", text(value)))?;
    }
    for act in step["acts"].as_array().into_iter().flatten() {
        let by = match &act["by"] {
            Value::Null => "到期 by time".to_owned(),
            by => format!("{} ({}, {})", text(&by["account"]), text(&by["organisation"]), text(&by["role"])),
        };
        let state = act["state"].as_str().map(|state| format!(" → {state}")).unwrap_or_default();
        out.line(&format!("    {}  {:<10} {by}{state}", local(&act["at"]), text(&act["verb"])))?;
    }
    if step["withheld"] == true {
        out.line("    … 其余从略 the rest is left out")?;
    }
    Ok(())
}

fn uses(out: &mut Out, of: &str, args: &UsesArgs) -> Result<()> {
    const COLUMNS: [&str; 8] =
        ["at", "request", "decision", "unit", "product", "version", "scenario", "grant"];
    let api = args.connection.signed_on()?;
    let (mut left, mut cursor) = (if args.limit == 0 { usize::MAX } else { args.limit }, String::new());
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
        "时间 at",
        "请求 request",
        "结果 decision",
        "单位 unit",
        "产品 product",
        "版本 version",
        "场景 scenario",
        "授权 grant",
    ]);
    let bound = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!("&{name}={}", value.replace('+', "%2B"))).unwrap_or_default()
    };
    let bounds = format!("{}{}", bound("from", &args.from), bound("until", &args.until));
    loop {
        let limit = left.min(PAGE);
        let path = format!("/api/v1/traces?{of}={}&limit={limit}{bounds}{cursor}", args.name);
        let page = api.call("GET", &path, None, None)?.body;
        let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        for item in items {
            if args.json {
                out.line(&item.to_string())?;
                continue;
            }
            table.add_row(COLUMNS.iter().map(|column| match *column {
                "at" => local(&item["at"]),
                column => text(&item[column]),
            }));
        }
        left -= items.len().min(left);
        match page["next"].as_str() {
            Some(next) if left > 0 => cursor = format!("&cursor={next}"),
            more => {
                if !args.json {
                    out.line(&table.to_string())?;
                    if more.is_some() {
                        out.line("… 还有更多，用 --limit 0 全部列出 There is more; --limit 0 shows all.")?;
                    }
                }
                return Ok(());
            }
        }
    }
}

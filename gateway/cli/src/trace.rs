//! `shuzha trace`: from a call back to its data and those who decided, from data forward to every use (Yantai 26).

mod page;

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use comfy_table::{Table, presets};
use shuzha_client::{encoded, with_query};
use shuzha_files::NewFile;
use shuzha_files::terminal::Out;
use shuzha_schema::evidence::{Call, CallDetails, Step, Trace, TracedUse, Uses};

use super::api::Connection;
use super::show::{acted_by, local, text, value_text};

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
fn told(call: &Call) -> Vec<(&'static str, Option<String>)> {
    let mut told = vec![
        ("请求 request", Some(call.request.clone())),
        ("时间 at", Some(local(&call.at))),
        ("结果 decision", Some(call.decision.clone())),
        ("应用单位 unit", call.unit.clone()),
        ("场景 scenario", call.scenario.clone()),
        ("用途 purpose", call.purpose.clone()),
        ("授权 grant", call.grant.clone()),
        ("协议 agreement", call.agreement.clone()),
        ("产品 product", call.product.clone()),
        ("版本 version", Some(call.version.to_string())),
        ("操作 operation", call.operation.clone()),
        ("扣减预算的数据集 charged data set", call.charged_data_set.clone()),
    ];
    if let Some(details) = &call.details {
        let CallDetails { credential, price, amount, privacy_charge, consent, .. } = details;
        told.insert(4, ("凭据 credential", credential.clone()));
        let last = told.pop();
        told.extend([("价格 price", price.clone()), ("费用 amount", Some(amount.clone()))]);
        told.extend(last);
        told.extend([
            ("隐私扣减 privacy charge", Some(privacy_charge.clone())),
            ("个人授权（摘要） consent (digest)", consent.clone()),
            ("请求摘要 request commitment", details.request_commitment.clone()),
            ("答复摘要 answer commitment", details.answer_commitment.clone()),
        ]);
    }
    let refusal = call.refusal.as_ref().map(|refusal| format!("{} {}", refusal.code, refusal.title));
    told.push(("拒绝原因 refused for", refusal));
    told
}

fn call(out: &mut Out, args: &CallArgs) -> Result<()> {
    let path = format!("/api/v1/traces/{}", encoded(&args.request));
    let api = args.connection.signed_on()?;
    if args.json {
        return out.line(&api.get::<serde_json::Value>(&path)?.to_string());
    }
    let trace: Trace = api.get(&path)?;
    if let Some(file) = &args.html {
        NewFile::private(file)?.keep_all(page::of(&trace).as_bytes())?;
        return out.line(&file.display().to_string());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (title, value) in told(&trace.call) {
        if let Some(value) = value {
            table.add_row([title.to_owned(), value]);
        }
    }
    table.add_row(["存证 leaf".to_owned(), format!("{} #{}", trace.leaf.log, trace.leaf.index)]);
    out.line(&table.to_string())?;
    if trace.made_of.is_some_and(|made_of| !made_of.exact) {
        out.line("! 该版本当时的数据来源未能确证 What this version was made of at the time is not certain.")?;
    }
    trace.steps.iter().try_for_each(|step| object(out, step))
}

/// One object on the way, and who did what to it before the call.
fn object(out: &mut Out, step: &Step) -> Result<()> {
    let mut line = format!("\n{}/{}", step.kind, step.name);
    if let Some(title) = &step.title {
        line.push_str(&format!("  {title}"));
    }
    match step.changed_since {
        None => line.push_str("  （登记簿中已无 no longer in the register）"),
        Some(true) => line.push_str("  （此后有变更 changed since）"),
        Some(false) => {}
    }
    out.line(&line)?;
    for (key, value) in &step.facts {
        out.line(&format!("    {key}: {}", value_text(value)))?;
    }
    for act in &step.acts {
        let by =
            acted_by(act.by.as_ref(), |account, by| format!("{account} ({}, {})", by.organisation, by.role));
        let state = act.state.as_ref().map(|state| format!(" → {state}")).unwrap_or_default();
        out.line(&format!("    {}  {:<10} {by}{state}", local(&act.at), act.verb))?;
    }
    if step.withheld {
        out.line("    … 其余从略 the rest is left out")?;
    }
    Ok(())
}

fn uses(out: &mut Out, of: &str, args: &UsesArgs) -> Result<()> {
    let api = args.connection.signed_on()?;
    let (mut left, mut cursor) = (if args.limit == 0 { usize::MAX } else { args.limit }, None);
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
    loop {
        let limit = left.min(PAGE).to_string();
        let mut parameters = vec![(of, args.name.as_str()), ("limit", &limit)];
        let given = [("from", &args.from), ("until", &args.until), ("cursor", &cursor)];
        parameters.extend(given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
        let page: Uses = api.get(&with_query("/api/v1/traces", &parameters))?;
        for item in &page.items {
            if args.json {
                out.line(&serde_json::to_string(item)?)?;
                continue;
            }
            let TracedUse { request, decision, unit, product, version, scenario, grant, .. } = item;
            table.add_row([
                local(&item.at),
                request.clone(),
                decision.clone(),
                text(unit.as_ref()),
                product.clone(),
                version.to_string(),
                text(scenario.as_ref()),
                text(grant.as_ref()),
            ]);
        }
        left -= page.items.len().min(left);
        match page.next {
            Some(next) if left > 0 => cursor = Some(next),
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

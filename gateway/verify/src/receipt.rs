//! Receipts, and opening what they commit to.

use std::path::{Path, PathBuf};

use shuzha_core::{Lang, hex};
use shuzha_evidence::commit::Request;
use shuzha_evidence::merkle::{Digest as _, Sha256, Sm3};
use shuzha_evidence::receipt::{Enclosed, Keys, Receipt};
use shuzha_evidence::{Call, Entry};
use shuzha_files::terminal::Out;

use crate::Trouble;
use crate::TrustArgs;
use crate::instant::instant;
use crate::malformed;
use crate::read_file;
use crate::whole::opened;

/// What to check.
#[derive(clap::Args, Debug)]
pub struct ReceiptArgs {
    /// The receipt (`.tlog-proof`).
    receipt: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
}

/// What to open.
#[derive(clap::Args, Debug)]
pub struct OpenArgs {
    /// The receipt (`.tlog-proof`).
    receipt: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
    /// Method of the request.
    #[arg(long, default_value = "POST")]
    method: String,
    /// Path of the request, as it was sent.
    #[arg(long, requires = "body")]
    path: Option<String>,
    /// Query of the request, without `?`.
    #[arg(long, default_value = "")]
    query: String,
    /// File with the request's body; an empty one where there was none.
    #[arg(long, requires = "path")]
    body: Option<PathBuf>,
    /// The consent token that was sent along, where the request had an idempotency key.
    #[arg(long, default_value = "")]
    consent: String,
    /// File with the answer's body.
    #[arg(long)]
    answer: Option<PathBuf>,
}

/// The receipt, its entry shown to be in the log.
fn checked(path: &Path, trust: &TrustArgs) -> Result<(Receipt, Enclosed), Trouble> {
    let policy = trust.policy()?;
    let receipt = Receipt::parse(&read_file(path)?).map_err(malformed("收据 the receipt"))?;
    let Some(enclosed) = receipt.enclosed.clone() else {
        return Err(Trouble::Incomplete("收据不含记录 the receipt does not hold its entry".to_owned()));
    };
    let origin = opened(&receipt.note, &policy)?.origin;
    if origin.ends_with(Sm3::SUFFIX) {
        receipt.check::<Sm3>(&enclosed.entry, &policy)?;
    } else {
        receipt.check::<Sha256>(&enclosed.entry, &policy)?;
    }
    if let Ok(Entry::Call(call)) = Entry::decode(&enclosed.entry)
        && enclosed.keys(&call) == Keys::Altered
    {
        return Err(Trouble::Bad(
            "收据中打开承诺的密钥被改动，与记录不符；记录本身属实 the keys in the receipt that open its commitments were altered: they are not \
             those that the entry binds; the entry itself is in the log"
                .to_owned(),
        ));
    }
    Ok((receipt, enclosed))
}

fn call_of(enclosed: &Enclosed) -> Result<Box<Call<'_>>, Trouble> {
    match Entry::decode(&enclosed.entry) {
        Ok(Entry::Call(call)) => Ok(call),
        Ok(_) => Err(Trouble::Incomplete("记录不是调用 the entry is not of a call".to_owned())),
        Err(error) => Err(Trouble::Incomplete(format!("本软件不识此记录 the entry cannot be read: {error}"))),
    }
}

/// Checks a receipt and shows its entry.
pub(crate) fn check(out: &mut Out, args: &ReceiptArgs) -> Result<(), Trouble> {
    let (receipt, enclosed) = checked(&args.receipt, &args.trust)?;
    let mut lines = receipt.note.text().lines();
    let (origin, size) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    out.line(&format!(
        "收据属实 GOOD: {origin}，第 {} 条，共 {size} 条 entry {} of {size}",
        receipt.index, receipt.index
    ))?;
    if let Ok(call) = call_of(&enclosed) {
        show(out, &call)?;
    }
    Ok(())
}

fn show(out: &mut Out, call: &Call<'_>) -> Result<(), Trouble> {
    let terms = &call.terms;
    let code = call.code.map_or_else(String::new, |code| {
        format!("{code} {} · {}", code.title(Lang::Zh), code.title(Lang::En))
    });
    for (name, value) in [
        ("请求 request", call.request.to_string()),
        ("时间 received", instant(call.received)),
        ("单位 unit", terms.unit.to_owned()),
        ("产品 product", format!("{} v{} {}", terms.product, terms.version, terms.operation)),
        ("场景 scenario", terms.scenario.to_owned()),
        ("授权 grant", terms.grant.to_owned()),
        ("协议 agreement", terms.agreement.to_owned()),
        ("价格 price", terms.price.to_owned()),
        ("费用 amount", format!("{} 元", call.amount)),
        ("结果 decision", format!("{:?}", call.decision).to_lowercase()),
        ("拒绝码 code", code),
        ("政策 policy", hex::encode(&terms.snapshot)),
    ] {
        if !value.is_empty() {
            out.line(&format!("  {name}: {value}"))?;
        }
    }
    Ok(())
}

/// Checks a receipt, and that request and answer are those that it commits to.
pub(crate) fn open(out: &mut Out, args: &OpenArgs) -> Result<(), Trouble> {
    if args.path.is_none() && args.answer.is_none() {
        return Err(Trouble::Usage(
            "请给出 --path 与 --body，或 --answer; give --path and --body, or --answer".to_owned(),
        ));
    }
    let (_, enclosed) = checked(&args.receipt, &args.trust)?;
    let call = call_of(&enclosed)?;
    let keys = enclosed.keys(&call);
    if let (Some(path), Some(body)) = (&args.path, &args.body) {
        let body_sha256 = &Sha256::digest(&read_file(body)?);
        let request = Request { method: &args.method, path, query: &args.query, body_sha256 };
        let opened = match call.idempotency {
            None => enclosed.request.request(&request),
            Some(_) => enclosed.request.retried(&request, call.terms.scenario, &args.consent),
        };
        compare(out, "请求 the request", (call.request_commitment, opened), keys)?;
    }
    if let Some(answer) = &args.answer {
        let opened = enclosed.answer.answer(&call.request, &read_file(answer)?);
        compare(out, "答复 the answer", (call.response_commitment, opened), keys)?;
    }
    Ok(())
}

/// Compares a commitment of the record with the one that the text gives. Where the record does not bind the keys, a text
/// that they do not open convicts nobody: the keys may be what was changed.
fn compare(
    out: &mut Out,
    what: &str,
    (recorded, opened): (Option<[u8; 16]>, [u8; 16]),
    keys: Keys,
) -> Result<(), Trouble> {
    match recorded {
        None => Err(Trouble::Incomplete(format!("{what}: 记录没有承诺 the entry does not commit to it"))),
        Some(recorded) if recorded == opened => {
            Ok(out.line(&format!("{what}: 与记录一致 GOOD: it is the one recorded"))?)
        }
        Some(_) if keys == Keys::Unbound => Err(Trouble::Incomplete(format!(
            "{what}: 此文本，或收据中的密钥，不是原来的；旧版记录未约束密钥，无从分辨 this text, or the keys in this receipt, are not those \
             recorded; an entry of older software does not say which"
        ))),
        Some(_) => Err(Trouble::Bad(format!("{what}: 与记录不符 it is not the one recorded"))),
    }
}

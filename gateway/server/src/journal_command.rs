//! `shuzha journal inspect|verify`: what the journal of a node says, and whether it is whole.

mod published;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use shuzha_core::{Measure, hex};
use shuzha_evidence::{Call, Entry, RetentionAct, Terms};
use shuzha_files::terminal::Out;
use shuzha_journal::{JournalError, Position, Summary};
use shuzha_node::node::JOURNAL_DIR;
use shuzha_node::store::{STORE_FILE, open_store};
use shuzha_store::{Comparison, StoreError};

/// Prints records from `from` on, at most `limit` where that is not 0, or the last `tail`, one JSON object a line; and says
/// on the error stream how many there are that it did not print.
pub(crate) fn inspect(out: &mut Out, dir: &Path, from: u64, tail: Option<u64>, limit: u64) -> Result<()> {
    let (first, last) = (shuzha_journal::first_seq(dir)?, shuzha_journal::last_seq(dir)?);
    let (from, limit) = match tail {
        None => (from.max(first), if limit == 0 { u64::MAX } else { limit }),
        Some(tail) => (last.saturating_sub(tail).saturating_add(1).max(first), u64::MAX),
    };
    let mut printed = 0;
    for record in shuzha_journal::read(dir, from)?.take(usize::try_from(limit).unwrap_or(usize::MAX)) {
        let record = record?;
        out.line(&shown(record.position, &record.entry()?).to_string())?;
        printed += 1;
    }
    let left = last.saturating_sub(from.saturating_add(printed).saturating_sub(1));
    let before = from.min(last + 1) - first;
    if before > 0 || left > 0 {
        shuzha_files::terminal::say(&format!(
            "未列出：之前 {before} 条，之后 {left} 条；另见 --from、--tail、--limit 0 \
             not shown: {before} records before and {left} behind; see --from, --tail, --limit 0"
        ));
    }
    Ok(())
}

/// Compares the store's projection in `data_dir` with the journal; nothing where no store was made yet, or where the journal does not
/// begin with its first record any more and what those before added up to is not kept beside it.
fn compare(data_dir: &Path) -> Result<Option<Comparison>> {
    if !data_dir.join(STORE_FILE).exists() {
        return Ok(None);
    }
    let store = open_store(data_dir)?.store;
    match store.verify(&data_dir.join(JOURNAL_DIR)) {
        Err(StoreError::NoProjection { .. }) => Ok(None),
        compared => compared.map(Some).context("the store's projection"),
    }
}

/// Checks every frame of the journal in `data_dir`, says what it holds, and whether the store's projection and the evidence log
/// beside it are what the journal adds up to. Exit codes as those of `verify`: 1 when it is not, 2 when there is nothing that can be read.
///
/// # Errors
/// Damage of the journal, with file and offset.
pub(crate) fn verify(out: &mut Out, data_dir: &Path, as_json: bool) -> Result<ExitCode> {
    let summary = match shuzha_journal::verify(&data_dir.join(JOURNAL_DIR)) {
        Ok(summary) => summary,
        Err(error @ JournalError::Nothing { .. }) => {
            if as_json {
                out.line(&json!({"whole": null, "error": error.to_string()}).to_string())?;
            } else {
                shuzha_files::terminal::say(&format!(
                    "无法判定 INCOMPLETE: 无可读的记录 nothing readable: {error}"
                ));
            }
            return Ok(ExitCode::from(2));
        }
        Err(error) if as_json => {
            out.line(&json!({"whole": false, "error": error.to_string()}).to_string())?;
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    };
    let comparison = compare(data_dir)?;
    let published = published::compare(data_dir)?;
    let sound = comparison.as_ref().is_none_or(|comparison| comparison.differences.is_empty())
        && published.as_ref().is_none_or(|published| published.differ.is_empty());
    if as_json {
        let mut shown = shown_summary(&summary);
        shown["projection"] = comparison.as_ref().map(shown_comparison).into();
        shown["published"] = published.as_ref().map(published::Published::json).into();
        out.line(&shown.to_string())?;
        return Ok(exit(sound));
    }
    out.line("日志完整 The journal is whole.")?;
    out.line(&format!(
        "node {}, records {} to {}, {} segments, {} bytes",
        summary.node, summary.first, summary.last, summary.segments, summary.bytes
    ))?;
    for (kind, count) in &summary.kinds {
        out.line(&format!("  {kind:<9} {count:>12}"))?;
    }
    if let Some(tail) = &summary.torn {
        out.line(&format!("  a torn tail will be cut off at the next start: {tail:?}"))?;
    }
    for line in published.iter().flat_map(published::Published::lines) {
        out.line(&line)?;
    }
    let Some(comparison) = comparison else {
        out.line(if summary.first.seq > 1 {
            "此前的记录已按期销毁，登记库无从重算 Records before were destroyed when due: the store cannot be worked out again."
        } else {
            "还没有登记库 There is no store yet to compare with."
        })?;
        return Ok(exit(sound));
    };
    let reached = comparison.reached;
    if comparison.differences.is_empty() {
        out.line(&format!("登记库与日志一致 The store agrees with the journal up to record {reached}."))?;
    } else {
        out.line(&format!("登记库与日志不符 The store differs from the journal up to record {reached}:"))?;
        for difference in &comparison.differences {
            out.line(&format!("  {:<14} {:>7} rows", difference.table, difference.rows))?;
        }
    }
    Ok(exit(sound))
}

fn exit(sound: bool) -> ExitCode {
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn shown_comparison(comparison: &Comparison) -> Value {
    let differences = comparison.differences.iter();
    let tables = differences.map(|difference| (difference.table.to_owned(), difference.rows.into()));
    json!({
        "reached": comparison.reached.to_string(),
        "agrees": comparison.differences.is_empty(),
        "differences": tables.collect::<serde_json::Map<_, _>>(),
    })
}

fn shown_summary(summary: &Summary) -> Value {
    json!({
        "whole": true,
        "node": summary.node,
        "first": summary.first.to_string(),
        "last": summary.last.to_string(),
        "records": summary.kinds.values().sum::<u64>(),
        "segments": summary.segments,
        "bytes": summary.bytes,
        "kinds": summary.kinds,
        "torn_tail": summary.torn.is_some(),
    })
}

/// A record for people and scripts. Commitments in hex.
fn shown(position: Position, entry: &Entry<'_>) -> Value {
    let mut value = match entry {
        Entry::Boot(boot) => {
            json!({"kind": "boot", "at_us": boot.at.micros(), "node": boot.node, "version": boot.version})
        }
        Entry::Intent(intent) => {
            let mut value = terms(&intent.terms);
            value["kind"] = "intent".into();
            value["request"] = intent.request.to_string().into();
            value["received_us"] = intent.received.micros().into();
            value["consent"] = intent.consent.map(|consent| hex::encode(&consent)).into();
            value["charge_nano"] = intent.charge.nanos().into();
            value["amount_micro_yuan"] = intent.amount.micros().into();
            value["person_space"] = intent.space.into();
            value["measure"] = intent.measure.map(Measure::as_str).into();
            value
        }
        Entry::Call(call) => shown_call(call),
        Entry::Act(act) => json!({
            "kind": "act",
            "at_us": act.at.micros(),
            "act": format!("{:?}", act.kind),
            "actor": act.actor,
            "object": act.object,
            "target": act.target,
            "commitment": act.commitment.map(|commitment| hex::encode(&commitment)),
        }),
        Entry::Registered(act) => json!({
            "kind": "registered",
            "act": act.id.to_string(),
            "at_us": act.at.micros(),
            "actor": act.actor,
            "organisation": act.organisation,
            "role": act.role,
            "verb": act.verb,
            "object_kind": act.kind,
            "object": act.object,
            "digest": hex::encode(&act.digest),
            "revision": act.revision,
        }),
        Entry::Refund(refund) => json!({
            "kind": "refund",
            "request": refund.request.to_string(),
            "at_us": refund.at.micros(),
            "unit": refund.unit,
            "scenario": refund.scenario,
            "data_set": refund.data_set,
            "charge_nano": refund.charge.nanos(),
            "object": refund.object,
            "person_space": refund.space,
            "measure": refund.measure.as_str(),
        }),
        Entry::Anchored(anchored) => json!({
            "kind": "anchored",
            "at_us": anchored.at.micros(),
            "anchor": anchored.anchor,
            "log": anchored.log,
            "size": anchored.size,
            "checkpoint": hex::encode(&anchored.checkpoint),
            "token": hex::encode(&anchored.token),
        }),
        Entry::KeysRotated(rotated) => json!({
            "kind": "keys_rotated",
            "at_us": rotated.at.micros(),
            "log": rotated.log,
            "size": rotated.size,
            "digest": hex::encode(&rotated.digest),
        }),
        Entry::Retention(retention) => json!({
            "kind": "retention",
            "at_us": retention.at.micros(),
            "actor": retention.actor,
            "confirmed_by": retention.confirmed_by,
            "retention": match retention.act {
                RetentionAct::Sealed => "sealed",
                RetentionAct::Destroyed => "destroyed",
            },
            "object": retention.object,
            "last_sequence": retention.last_seq,
            "root": hex::encode(&retention.root),
            "document": hex::encode(&retention.document),
        }),
        Entry::Projected(projected) => json!({
            "kind": "projected",
            "at_us": projected.at.micros(),
            "last_sequence": projected.last_seq,
            "projection": hex::encode(&projected.digest),
        }),
        Entry::RefusalCount(counted) => json!({
            "kind": "refusal_count",
            "at_us": counted.at.micros(),
            "code": counted.code.as_str(),
            "count": counted.count,
        }),
        Entry::Delivery(delivery) => json!({
            "kind": "delivery",
            "request": delivery.request.to_string(),
            "at_us": delivery.at.micros(),
            "grant": delivery.grant,
            "from": delivery.from,
            "bytes": delivery.bytes,
            "complete": delivery.complete,
        }),
    };
    value["position"] = position.to_string().into();
    value
}

fn shown_call(call: &Call<'_>) -> Value {
    let mut value = terms(&call.terms);
    value["kind"] = "call".into();
    value["request"] = call.request.to_string().into();
    value["received_us"] = call.received.micros().into();
    value["admitted_after_us"] = call.admitted_after.into();
    value["sent_after_us"] = call.sent_after.into();
    value["answered_after_us"] = call.answered_after.into();
    value["decision"] = format!("{:?}", call.decision).to_lowercase().into();
    value["sandbox"] = call.sandbox.into();
    value["code"] = call.code.map(|code| code.as_str()).into();
    value["outcome"] = format!("{:?}", call.outcome).to_lowercase().into();
    value["quantity"] = call.quantity.into();
    value["amount_micro_yuan"] = call.amount.micros().into();
    value["charge_nano"] = call.charge.nanos().into();
    value["consent"] = call.consent.map(|consent| hex::encode(&consent)).into();
    value["subject"] = call.subject.map(|subject| hex::encode(&subject)).into();
    value["idempotency"] = call.idempotency.map(|key| hex::encode(&key)).into();
    value["request_bytes"] = call.request_bytes.into();
    value["response_bytes"] = call.response_bytes.into();
    value["request_commitment"] = call.request_commitment.map(|commitment| hex::encode(&commitment)).into();
    value["openings"] = call.openings.map(|bound| hex::encode(&bound)).into();
    value["response_commitment"] = call.response_commitment.map(|commitment| hex::encode(&commitment)).into();
    value
}

fn terms(terms: &Terms<'_>) -> Value {
    json!({
        "unit": terms.unit,
        "credential": terms.credential,
        "product": terms.product,
        "version": terms.version,
        "operation": terms.operation,
        "scenario": terms.scenario,
        "grant": terms.grant,
        "agreement": terms.agreement,
        "purpose": terms.purpose.map(|purpose| format!("{purpose:?}")),
        "price": terms.price,
        "data_set": terms.data_set,
        "snapshot": hex::encode(&terms.snapshot),
    })
}

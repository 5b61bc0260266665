//! Half-years of the log: checkpoints, proofs, sealing and destruction.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use shuzha_control::evidence::{LeafOf, Tree};
use shuzha_core::Code;
use shuzha_evidence::log::Shard;
use shuzha_schema::List;
use shuzha_schema::evidence::{Checkpoints, Consistency, Inclusion, WholeHalfYear};

use super::{asked, shown};
use crate::ask::{Ask, Reply};
use crate::fields::Fields;
use crate::parameters::Parameters;
use crate::problem::Problem;

/// What can be done to a half-year.
pub(crate) const VERBS: [&str; 4] = ["seal", "destroy", "confirm", "withdraw"];
/// What proves something about one.
pub(crate) const PROOFS: [&str; 2] = ["inclusion", "consistency"];
/// The two trees.
pub(crate) const TREES: [&str; 2] = ["sha256", "sm3"];

fn shard(text: &str) -> Result<Shard, Problem> {
    text.parse().map_err(|_| Code::C1003.into())
}

fn tree(parameters: &mut Parameters) -> Tree {
    if parameters.word("tree", &TREES).as_deref() == Some("sm3") { Tree::Sm3 } else { Tree::Sha256 }
}

/// `GET /api/v1/evidence/logs`.
pub(crate) fn list(ask: &Ask) -> Result<Reply, Problem> {
    let (evidence, caller) = asked(ask)?;
    ask.parameters().done()?;
    Ok(Reply::ok(&List::of(evidence.half_years(&caller)?.iter().map(shown::half_year))))
}

/// `GET /api/v1/evidence/logs/{log}`.
pub(crate) fn get(ask: &Ask) -> Result<Reply, Problem> {
    if is_act(ask) {
        return Err(only("POST"));
    }
    let (evidence, caller) = asked(ask)?;
    ask.parameters().done()?;
    let shard = shard(ask.part("log"))?;
    let half_year = shown::half_year(&evidence.half_year(&caller, shard)?);
    let heads = evidence.checkpoints(&caller, shard)?;
    let checkpoints = Checkpoints { sha256: heads.sha256, sm3: heads.sm3, cosigned: heads.cosigned };
    let tiles = format!("/log/{shard}/tile/");
    Ok(Reply::ok(&WholeHalfYear { half_year, checkpoints, tiles }))
}

/// `GET /api/v1/evidence/logs/{log}/{proof}`.
pub(crate) fn proof(ask: &Ask) -> Result<Reply, Problem> {
    let (evidence, caller) = asked(ask)?;
    let mut parameters = ask.parameters();
    let tree = tree(&mut parameters);
    match ask.part("proof") {
        "inclusion" => {
            let index = parameters.parsed("index").map(LeafOf::Index);
            let sequence = parameters.parsed("sequence").map(LeafOf::Sequence);
            let request = parameters.parsed("request").map(LeafOf::Request);
            let leaf = match (index, sequence, request) {
                (Some(leaf), None, None) | (None, Some(leaf), None) | (None, None, Some(leaf)) => Some(leaf),
                _ => parameters.fail("index", "exactly one is given of: index, sequence, request"),
            };
            parameters.done()?;
            let receipt =
                evidence.inclusion(&caller, shard(ask.part("log"))?, leaf.ok_or(Code::C1001)?, tree)?;
            Ok(Reply::ok(&Inclusion { index: receipt.index, proof: receipt.to_string() }))
        }
        "consistency" => {
            let (from, to) = (parameters.parsed("from"), parameters.parsed("to"));
            let from = parameters.need(from, &["from"])?;
            let (to, hashes) = evidence.consistency(&caller, shard(ask.part("log"))?, (from, to), tree)?;
            let hashes = hashes.iter().map(|hash| BASE64_STANDARD.encode(hash)).collect();
            Ok(Reply::ok(&Consistency { from, to, hashes }))
        }
        _ => Err(Code::C006.into()),
    }
}

/// `POST /api/v1/evidence/logs/{log}:{verb}`.
pub(crate) fn act(ask: &Ask) -> Result<Reply, Problem> {
    let Some((name, verb)) = ask.part("log").split_once(':') else { return Err(only("GET, HEAD")) };
    if !VERBS.contains(&verb) {
        return Err(Code::C006.into());
    }
    let (evidence, caller) = asked(ask)?;
    ask.parameters().done()?;
    let body = ask.json_or_empty()?;
    let mut fields = Fields::of(&body);
    let reason = fields.reason();
    let reason = fields.done(|| reason)?;
    let shard = shard(name)?;
    let year = match verb {
        "seal" => evidence.seal(&caller, shard, &reason)?,
        "destroy" => evidence.ask_destruction(&caller, shard, &reason)?,
        "confirm" => evidence.confirm_destruction(&caller, shard, &reason)?,
        _ => evidence.withdraw_destruction(&caller, shard, &reason)?,
    };
    Ok(Reply::ok(&shown::half_year(&year)))
}

/// Any other method on one half-year, or on one of its verbs.
pub(crate) fn no_such_method(ask: &Ask) -> Result<Reply, Problem> {
    Err(only(if is_act(ask) { "POST" } else { "GET, HEAD" }))
}

fn is_act(ask: &Ask) -> bool {
    ask.part("log").split_once(':').is_some_and(|(_, verb)| VERBS.contains(&verb))
}

fn only(allow: &'static str) -> Problem {
    Problem { allow: Some(allow), ..Code::C007.into() }
}

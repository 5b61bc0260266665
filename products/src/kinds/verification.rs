//! 核验: an answer is consistent, inconsistent or no record, and nothing else (REQUIREMENTS E4; Qingdao 35).
//!
//! The product service's result codes are mapped one by one. A code that the map does not know is "cannot verify"
//! (C902); it never becomes a verdict, least of all a good one.

use serde_json::json;
use shuzha_core::Code;
use shuzha_pricing::Outcome;
use shuzha_privacy::output::{Contract, Cut};
use shuzha_privacy::verdict::{Verdict, VerdictMap};

use super::{Compiled, Declared, ProductKind, Release, ReleaseFault, Released};
use crate::yaml::Place;

/// Most result codes of one product service.
const CODES_MAX: usize = 256;

pub(super) const KIND: Verification = Verification;

#[derive(Debug)]
pub(super) struct Verification;

const VERDICTS: &[(&str, Verdict)] = &[
    ("consistent", Verdict::Consistent),
    ("inconsistent", Verdict::Inconsistent),
    ("no_record", Verdict::NoRecord),
];

impl ProductKind for Verification {
    fn name(&self) -> &'static str {
        "verification"
    }

    fn manifest_fields(&self) -> &'static [&'static str] {
        &["input", "verdicts"]
    }

    fn classes(&self) -> &'static [Outcome] {
        &[Outcome::Consistent, Outcome::Inconsistent, Outcome::NoRecord]
    }

    fn compile(&self, declared: &Declared<'_>) -> Option<Compiled> {
        let input = declared.input();
        let map = declared.section.required("verdicts").and_then(|place| read_map(&place));
        if declared.section.optional("subject").is_none() {
            declared.section.place().fail::<()>("a verification must name its `subject`");
        }
        let words: Vec<_> = VERDICTS.iter().map(|(word, _)| *word).collect();
        let fixed = json!({"/result": {"type": "string", "enum": words}});
        let contract = Contract::compile(&fixed).expect("the fixed contract of verifications compiles");
        Some(Compiled { input: Some(input?), output: Box::new(Output { contract, map: map? }) })
    }
}

fn read_map(place: &Place<'_>) -> Option<VerdictMap> {
    let section = place.section(&[&["pointer", "codes"]])?;
    let pointer = section.required("pointer").and_then(|place| {
        let pointer = place.text()?;
        if pointer.starts_with('/') { Some(pointer.to_owned()) } else { place.fail("expected a JSON pointer, `/code`") }
    });
    let codes = section.required("codes")?;
    let entries = codes.entries()?;
    if entries.is_empty() || entries.len() > CODES_MAX {
        return codes.fail(format!("1 to {CODES_MAX} result codes"));
    }
    let read = |(code, place): &(&str, Place<'_>)| Some(((*code).to_owned(), place.word(VERDICTS)?));
    let codes: std::collections::BTreeMap<_, _> = entries.iter().filter_map(read).collect();
    Some(VerdictMap { pointer: pointer?, codes })
}

#[derive(Debug)]
struct Output {
    contract: Contract,
    map: VerdictMap,
}

impl Release for Output {
    fn contract(&self) -> Option<&Contract> {
        Some(&self.contract)
    }

    fn reads_status(&self, status: u16) -> bool {
        matches!(status, 200 | 404)
    }

    fn release(&self, _: Cut<'_>, answer: &[u8]) -> Result<Released, ReleaseFault> {
        let verdict = self.map.read(answer).ok_or_else(|| ReleaseFault {
            code: Code::C902,
            at: self.map.pointer.clone(),
            what: "the result is missing or not mapped",
            unlisted: 0,
        })?;
        let outcome = match verdict {
            Verdict::Consistent => Outcome::Consistent,
            Verdict::Inconsistent => Outcome::Inconsistent,
            Verdict::NoRecord => Outcome::NoRecord,
        };
        Ok(Released { bytes: verdict.to_json(), outcome, unlisted: 0, parts: 1 })
    }
}

//! One call of the demo: what is asked, what is expected, what came back.

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;
use shuzha_client::{HttpAnswer, HttpClient, HttpRequest};
use shuzha_core::{Code, MicroYuan, NanoCharge};

use super::cast::Cast;

/// What a call is made of.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// What the reader is shown, in Chinese and English.
    pub(super) story: &'static str,
    pub(super) unit: &'static str,
    pub(super) credential: &'static str,
    pub(super) product: &'static str,
    pub(super) kind: &'static str,
    pub(super) operation: &'static str,
    pub(super) scenario: &'static str,
    pub(super) body: Option<Value>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) nonce: Option<String>,
    pub(super) signed: bool,
    pub(super) expected: Expected,
}

/// What should come back.
#[derive(Clone, Debug)]
pub(super) enum Expected {
    /// An answer with this outcome.
    Answered(&'static str),
    /// An answer by which the caller, and nobody else, learns that so many of so many entries are on the list.
    Matched(usize, usize),
    /// The answer of the call before, byte for byte.
    Replayed,
    /// A refusal with one of these codes.
    Refused(&'static [Code]),
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct CallResult {
    pub(super) ask: Ask,
    pub(super) status: u16,
    pub(super) outcome: String,
    pub(super) code: Option<String>,
    pub(super) fee: MicroYuan,
    pub(super) charge: NanoCharge,
    pub(super) latency_us: u128,
    pub(super) receipt: Option<String>,
    pub(super) ok: bool,
    pub(super) answer: Vec<u8>,
}

impl Ask {
    /// The expectation as text.
    pub(super) fn expected(&self) -> String {
        match &self.expected {
            Expected::Answered(outcome) => (*outcome).to_owned(),
            Expected::Matched(found, asked) => matched(*found, *asked),
            Expected::Replayed => "replayed".to_owned(),
            Expected::Refused(codes) => codes.iter().map(|code| code.as_str()).collect::<Vec<_>>().join("|"),
        }
    }

    /// Makes the call. `before` is the result of the call before.
    pub(super) fn make(
        self,
        client: &HttpClient,
        cast: &Cast,
        before: Option<&CallResult>,
    ) -> Result<CallResult> {
        let mut headers = self.headers.clone();
        headers.push(("X-Scenario".to_owned(), self.scenario.to_owned()));
        let request = HttpRequest {
            method: if self.body.is_some() { "POST" } else { "GET" }.to_owned(),
            path: format!("/v1/products/{}/{}", self.product, self.operation),
            body: self.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            headers,
            nonce: self.nonce.clone(),
        };
        let signer = if self.signed { Some(cast.signer(self.credential)?) } else { None };
        let answer = client.send(signer.as_ref(), &request)?;
        Ok(self.judge(answer, before))
    }

    fn judge(self, answer: HttpAnswer, before: Option<&CallResult>) -> CallResult {
        let code = code_of(&answer).filter(|_| answer.status >= 400);
        let replayed = answer.header("idempotency-replayed") == Some("true");
        let outcome = match (&code, self.kind) {
            (Some(_), _) => "refused".to_owned(),
            (None, _) if replayed => "replayed".to_owned(),
            (None, "verification") => verdict_of(&answer).trim().to_owned(),
            (None, _) => "answered".to_owned(),
        };
        let ok = match &self.expected {
            Expected::Answered(wanted) => answer.status < 300 && outcome == *wanted,
            // The answer says it only to whoever blinded the entries: see `CallResult::matched`.
            Expected::Matched(..) => false,
            Expected::Replayed => replayed && before.is_some_and(|before| before.answer == answer.body),
            Expected::Refused(codes) => codes
                .iter()
                .any(|wanted| code.as_deref() == Some(wanted.as_str()) && answer.status == wanted.status()),
        };
        CallResult {
            status: answer.status,
            fee: answer.header("x-fee").and_then(|fee| fee.parse().ok()).unwrap_or_default(),
            charge: charge(&answer),
            latency_us: answer.latency.as_micros(),
            receipt: answer.header("x-receipt").map(str::to_owned),
            ask: self,
            outcome,
            code,
            ok,
            answer: answer.body,
        }
    }
}

/// An outcome in words.
fn matched(found: usize, asked: usize) -> String {
    format!("matched {found} of {asked}")
}

impl CallResult {
    /// Which of the caller's own entries are on the list, as the caller found.
    pub(super) fn matched(&mut self, found: &[bool]) {
        self.outcome = matched(found.iter().filter(|one| **one).count(), found.len());
        self.ok = self.status < 300 && self.outcome == self.ask.expected();
    }

    /// Whether `later` is the very answer that this call was charged for, or another view of the table that it was charged for.
    pub(super) fn released_the_same(&self, later: &Self) -> bool {
        let same = self.answer == later.answer || self.ask.kind == "table";
        !self.charge.is_zero() && self.ask.product == later.ask.product && same
    }
}

/// A verdict as the answer of a verification has it.
#[derive(Deserialize)]
struct Verdict {
    result: String,
}

/// What the answer of a verification found.
pub(super) fn verdict_of(answer: &HttpAnswer) -> String {
    answer.json().map_or_else(|| "?".to_owned(), |verdict: Verdict| verdict.result)
}

/// The code of a refusal.
#[derive(Deserialize)]
struct Coded {
    code: String,
}

/// The code that an answer has, where it is a refusal.
pub(super) fn code_of(answer: &HttpAnswer) -> Option<String> {
    answer.json().map(|coded: Coded| coded.code)
}

/// A report's note on its price in privacy.
#[derive(Deserialize)]
struct Report {
    privacy: Charged,
}

#[derive(Deserialize)]
struct Charged {
    charge: String,
}

/// The privacy charge a report says it cost.
fn charge(answer: &HttpAnswer) -> NanoCharge {
    let report: Option<Report> = answer.json();
    report.and_then(|report| report.privacy.charge.parse().ok()).unwrap_or_default()
}

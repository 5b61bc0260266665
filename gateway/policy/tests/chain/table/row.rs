//! One row of `table.txt`, and the request that it stands for.

use http::Method;
use shuzha_policy::UpstreamFault;

use crate::calls::{Ask, Sign, histogram};
use crate::upstream::Say;

/// One row.
pub(super) struct Row<'t> {
    pub(super) line: usize,
    pub(super) text: &'t str,
    words: Vec<(&'t str, &'t str)>,
    pub(super) expected: &'t str,
}

impl<'t> Row<'t> {
    /// Reads line `line` of the table.
    pub(super) fn read(line: usize, text: &'t str) -> Self {
        let (asked, expected) = text.split_once(" => ").unwrap_or_else(|| panic!("line {line} has no `=>`"));
        let mut words = Vec::new();
        let mut rest = asked.split_whitespace();
        while let Some(key) = rest.next() {
            words.push((key, rest.next().unwrap_or_else(|| panic!("line {line}: `{key}` has no value"))));
        }
        Self { line, text, words, expected }
    }

    /// The value of a word.
    pub(super) fn get(&self, key: &str) -> Option<&'t str> {
        self.words.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    /// What is given before the call.
    pub(super) fn given(&self) -> &'t str {
        self.get("given").unwrap_or("")
    }

    /// The request of the row, without consent.
    pub(super) fn ask(&self) -> Ask {
        let unit = self.get("unit").expect("every row has a unit");
        let product = self.get("product").expect("every row has a product");
        let operation = match product {
            "credit-score" => "score",
            "company-profile" => "lookup",
            "enterprise-list" | "toy-list" => "download",
            "census-report" | "toy-report" | "ward-report-a" | "ward-report-b" => "query",
            _ => "verify",
        };
        let scenario = match unit {
            "charity" => "charity-aid",
            "civil-affairs" => "civil-planning",
            "insurer" => "insurer-claims",
            "lender" => "lender-loans",
            "startup" => "startup-kyc",
            "probe" => "probe-kyc",
            "study" => "study-sample",
            _ => "bank-onboarding",
        };
        let mut ask = Ask::new(&format!("{unit}-1"), product, operation, scenario);
        if self.get("epsilon").is_some() || self.get("column").is_some() {
            let epsilon = self.get("epsilon").unwrap_or("0.25");
            ask = ask.body(&histogram(self.get("column").unwrap_or("sex"), epsilon));
        }
        for (key, value) in &self.words {
            change(&mut ask, key, value, product);
        }
        ask
    }

    /// What the product service does with the row's own call.
    pub(super) fn says(&self) -> Vec<Say> {
        let fault = match self.get("fault") {
            Some("unreachable") => Some(UpstreamFault::Unreachable),
            Some("none-healthy") => Some(UpstreamFault::NoneHealthy),
            Some("not-allowed") => Some(UpstreamFault::NotAllowed),
            Some("unproved") => Some(UpstreamFault::Unproved),
            Some("other-domain") => Some(UpstreamFault::OtherDomain),
            Some("timeout") => Some(UpstreamFault::Timeout),
            Some("closed") => Some(UpstreamFault::Closed),
            Some("too-large") => Some(UpstreamFault::TooLarge),
            Some(other) => panic!("line {}: no fault {other}", self.line),
            None => None,
        };
        if let Some(fault) = fault {
            return vec![Say::Fault(fault)];
        }
        let status = self.get("status").map(|status| status.parse().expect("a status"));
        if let (Some(status), Some("enterprise-list")) = (status, self.get("product")) {
            return vec![Say::Package(status)];
        }
        let body = self.get("upstream").map(|body| &*body.to_owned().leak());
        body.map(|body| Say::Json(status.unwrap_or(200), body)).into_iter().collect()
    }
}

/// Applies one pair to the request.
fn change(ask: &mut Ask, key: &str, value: &str, product: &str) {
    match key {
        "credential" => value.clone_into(&mut ask.credential),
        "scenario" => ask.scenario = (value != "none").then(|| value.to_owned()),
        "operation" => ask.path = format!("/v1/products/{product}/{value}"),
        "method" => ask.method = value.parse().unwrap_or(Method::GET),
        "body" => *ask = ask.clone().body(value),
        "type" => ask.content_type = Some("text/plain"),
        "query" => ask.query = Some(value.to_owned()),
        "nonce" => ask.nonce = Some(value.to_owned()),
        "skew" => ask.skew = value.parse().expect("seconds"),
        "peer" => ask.peer = value.parse().expect("an address"),
        "header" => {
            let (name, value) = value.split_once(':').expect("name:value");
            *ask = ask.clone().with(name, value);
        }
        "sign" => {
            ask.sign = match value {
                "none" => Sign::None,
                "wrong" => Sign::Wrong,
                "malformed" => Sign::Malformed,
                "other-body" => Sign::OtherBody,
                other => panic!("no way to sign {other}"),
            };
        }
        "unit" | "product" | "consent" | "given" | "upstream" | "status" | "fault" | "epsilon" | "column" => {
        }
        other => panic!("no word {other}"),
    }
}

//! An answer as its caller has it.

use serde_json::Value;
use shuzha_core::{MicroYuan, NanoCharge};

/// Status, headers that matter, body.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) request: String,
    pub(crate) receipt: Option<String>,
    pub(crate) fee: Option<MicroYuan>,
    pub(crate) replayed: bool,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn read(mut response: http::Response<ureq::Body>) -> Result<Self, ureq::Error> {
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let mut answer = Self {
            status: response.status().as_u16(),
            request: header("x-request-id").unwrap_or_default(),
            receipt: header("x-receipt"),
            fee: header("x-fee").map(|fee| fee.parse().expect("an amount")),
            replayed: header("idempotency-replayed").as_deref() == Some("true"),
            body: String::new(),
        };
        answer.body = response.body_mut().read_to_string()?;
        Ok(answer)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The refusal's code; none of an answer.
    pub(crate) fn code(&self) -> Option<String> {
        self.json()["code"].as_str().filter(|_| self.status >= 400).map(str::to_owned)
    }

    /// The privacy charge that a report says it cost.
    pub(crate) fn charge(&self) -> NanoCharge {
        let json = self.json();
        let charge = json["privacy"]["charge"].as_str().map(|charge| charge.parse().expect("a charge"));
        charge.unwrap_or_default()
    }
}

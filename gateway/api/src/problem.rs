//! Refusals on the wire: problem details (RFC 9457) with a stable code and every fault at once.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use shuzha_control::Error;
use shuzha_core::Fault;
use shuzha_core::{Code, Lang, RequestId};
use shuzha_schema::about;

/// The media type of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request is not answered as asked. Its language and request id are filled in where the answer leaves, in
/// `guard`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The stable code; the status follows from it.
    pub(crate) code: Code,
    /// Every fault found, where the code is about what was submitted.
    pub(crate) faults: Vec<Fault>,
    /// When trying again makes sense.
    pub(crate) retry_after: Option<Duration>,
    /// The methods that the address takes, where the one used is not among them.
    pub(crate) allow: Option<&'static str>,
}

impl Problem {
    /// A problem with one fault.
    pub(crate) fn fault(code: Code, path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { faults: vec![Fault::new(path, reason)], ..code.into() }
    }

    /// The document.
    pub(crate) fn body(&self, request: RequestId, lang: Lang) -> about::Problem {
        let faults = self.faults.iter();
        about::Problem {
            r#type: format!("/errors/{}", self.code),
            title: self.code.title(lang).to_owned(),
            status: self.code.status(),
            code: self.code.as_str().to_owned(),
            request_id: shuzha_schema::RequestId::of(request),
            faults: faults
                .map(|fault| about::Fault {
                    pointer: fault.pointer(),
                    path: fault.path.clone(),
                    reason: fault.reason.clone(),
                    reason_zh: fault.zh(),
                })
                .collect(),
        }
    }

    /// The whole answer.
    pub(crate) fn render(&self, request: RequestId, lang: Lang) -> Response {
        let status = StatusCode::from_u16(self.code.status()).expect("every code has a status");
        let body = serde_json::to_vec(&self.body(request, lang)).expect("texts and a number are JSON");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        let lang = match lang {
            Lang::Zh => "zh",
            Lang::En => "en",
        };
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(lang));
        if let Some(after) = self.retry_after {
            // Rounded up: a caller that comes a moment early is refused again.
            let seconds = after.as_millis().div_ceil(1_000).max(1).to_string();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(&seconds).expect("digits are a header value"));
        }
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self { code, faults: Vec::new(), retry_after: None, allow: None }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        let retry_after = error.retryable().then_some(Duration::from_secs(1));
        match error {
            Error::Refused(refusal) => {
                Self { faults: refusal.faults, retry_after: refusal.retry_after, ..code.into() }
            }
            other => {
                tracing::error!(error = %other, "the control plane failed");
                Self { retry_after, ..code.into() }
            }
        }
    }
}

impl IntoResponse for Problem {
    /// The status, and the problem as an extension for `guard` to write out.
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.status()).expect("every code has a status");
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_everything_at_once_in_the_language_asked_for() {
        let mut problem = Problem::fault(Code::C1002, "spec.window", "is missing");
        problem.faults.push(Fault::new("spec.fields[1]", "is named twice"));
        let body = problem.body(RequestId::from_bytes([7; 16]), Lang::En);
        assert_eq!(body.r#type, "/errors/C1002");
        assert_eq!(body.status, 422);
        assert_eq!(body.title, Code::C1002.title(Lang::En));
        assert_eq!(body.faults.len(), 2);
        let without = Problem::from(Code::C1003).body(RequestId::default(), Lang::Zh);
        let without = serde_json::to_string(&without).expect("JSON");
        assert!(!without.contains("faults"), "{without}");
    }

    #[test]
    fn waiting_is_told_in_whole_seconds_rounded_up() {
        let problem = Problem { retry_after: Some(Duration::from_millis(1_001)), ..Code::C1103.into() };
        let response = problem.render(RequestId::default(), Lang::Zh);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        assert_eq!(response.headers()[CONTENT_LANGUAGE], "zh");
    }
}

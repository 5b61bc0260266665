//! Refusals of the control plane, in sentences.

use std::fmt;

use serde_json::Value;
use shuzha_core::{Code, Lang};

/// A problem document (RFC 9457) as the control plane answers it.
#[derive(Debug)]
pub(super) struct Problem {
    /// The stable code; empty where the answer was none of ours.
    pub(super) code: String,
    /// The HTTP status.
    pub(super) status: u16,
    /// Every fault: path and reason.
    pub(super) faults: Vec<(String, String)>,
    title: String,
    page: Option<String>,
    request: String,
    retry_after: Option<String>,
}

impl Problem {
    /// Reads the answer of the control plane at `base`.
    pub(super) fn read(base: &str, status: u16, body: &Value, retry_after: Option<&str>) -> Self {
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        let code = text("code");
        let title = match code.parse::<Code>() {
            Ok(code) => format!("{} {}", code.title(Lang::Zh), code.title(Lang::En)),
            Err(_) if code.is_empty() => {
                "对方的答复不是数闸的格式 The answer is not the control plane's".to_owned()
            }
            // A newer server knows codes that this program does not.
            Err(_) => text("title"),
        };
        let faults = body["faults"].as_array().into_iter().flatten().map(|fault| {
            let of = |field: &str| fault[field].as_str().unwrap_or_default().to_owned();
            (of("path"), of("reason"))
        });
        Self {
            status,
            title,
            faults: faults.collect(),
            page: body["type"]
                .as_str()
                .filter(|page| page.starts_with('/'))
                .map(|page| format!("{base}{page}")),
            request: text("request_id"),
            retry_after: retry_after.map(str::to_owned),
            code,
        }
    }

    /// The first line: code and what it means.
    pub(super) fn head(&self) -> String {
        let code = if self.code.is_empty() { format!("HTTP {}", self.status) } else { self.code.clone() };
        format!("{code} {}", self.title)
    }

    /// The last line: where it is explained.
    pub(super) fn foot(&self) -> Option<String> {
        let page = self.page.as_ref()?;
        Some(format!("说明 explained at {page} · {}", self.request))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head())?;
        for (path, reason) in &self.faults {
            let path = if path.is_empty() { "·" } else { path };
            write!(f, "\n  {path}: {reason}")?;
        }
        if let Some(after) = &self.retry_after {
            write!(f, "\n  {after} 秒后重试 try again in {after} s")?;
        }
        match self.foot() {
            Some(foot) => write!(f, "\n  {foot}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_is_told_with_code_faults_and_page() {
        let body = json!({
            "type": "/errors/C1002", "code": "C1002", "title": "?", "request_id": "r-1",
            "faults": [{"path": "spec.window", "reason": "is missing"}, {"path": "", "reason": "refers to itself"}],
        });
        let told = Problem::read("http://h:1", 422, &body, Some("3")).to_string();
        let lines: Vec<_> = told.lines().collect();
        assert!(lines[0].starts_with("C1002 ") && lines[0].ends_with(Code::C1002.title(Lang::En)), "{told}");
        assert_eq!(lines[1], "  spec.window: is missing");
        assert_eq!(lines[2], "  ·: refers to itself");
        assert_eq!(lines[3], "  3 秒后重试 try again in 3 s");
        assert_eq!(lines[4], "  说明 explained at http://h:1/errors/C1002 · r-1");
        let foreign = Problem::read("http://h:1", 502, &Value::Null, None).to_string();
        assert!(foreign.starts_with("HTTP 502 ") && foreign.lines().count() == 1, "{foreign}");
    }
}

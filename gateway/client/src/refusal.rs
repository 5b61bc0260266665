//! Refusals of the control plane, in sentences.

use std::fmt;

use shuzha_core::{Code, Lang};
use shuzha_schema::about::{Fault, Problem};

/// A problem document (RFC 9457) as the control plane answers it, ready to be told.
#[derive(Debug)]
pub struct ControlRefusal {
    /// The HTTP status.
    pub status: u16,
    /// The document; none where the answer was none of ours.
    pub problem: Option<Problem>,
    /// Address of the page about the code.
    page: Option<String>,
    retry_after: Option<String>,
}

impl ControlRefusal {
    /// What the control plane at `base` answered with `status`.
    #[must_use]
    pub fn new(base: &str, status: u16, problem: Option<Problem>, retry_after: Option<&str>) -> Self {
        let page = problem.as_ref().map(|problem| problem.r#type.as_str());
        let page = page.filter(|page| page.starts_with('/')).map(|page| format!("{base}{page}"));
        Self { status, page, problem, retry_after: retry_after.map(str::to_owned) }
    }

    /// The stable code; empty where the answer was none of ours.
    #[must_use]
    pub fn code(&self) -> &str {
        self.problem.as_ref().map_or("", |problem| &problem.code)
    }

    /// Every fault.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        self.problem.as_ref().map_or(&[], |problem| &problem.faults)
    }

    /// The first line: code and what it means.
    #[must_use]
    pub fn head(&self) -> String {
        match &self.problem {
            None => {
                format!("HTTP {} 对方的答复不是数闸的格式 The answer is not the control plane's", self.status)
            }
            Some(problem) => match problem.code.parse::<Code>() {
                Ok(code) => format!("{code} {} {}", code.title(Lang::Zh), code.title(Lang::En)),
                // A newer server knows codes that this program does not.
                Err(_) => format!("{} {}", problem.code, problem.title),
            },
        }
    }

    /// The last line: where it is explained.
    #[must_use]
    pub fn foot(&self) -> Option<String> {
        let (page, problem) = (self.page.as_ref()?, self.problem.as_ref()?);
        Some(format!("说明 explained at {page} · {}", problem.request_id))
    }
}

impl fmt::Display for ControlRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head())?;
        for fault in self.faults() {
            let path = if fault.path.is_empty() { "·" } else { &fault.path };
            write!(f, "\n  {path}: {}", fault.in_both())?;
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

impl std::error::Error for ControlRefusal {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_is_told_with_code_faults_and_page() {
        let body = json!({
            "type": "/errors/C1002", "code": "C1002", "title": "?", "status": 422, "request_id": "r-1",
            "faults": [{"path": "spec.window", "reason": "is missing", "reason_zh": "缺少"}, {"path": "", "reason": "refers to itself"}],
        });
        let told =
            ControlRefusal::new("http://h:1", 422, serde_json::from_value(body).ok(), Some("3")).to_string();
        let lines: Vec<_> = told.lines().collect();
        assert!(lines[0].starts_with("C1002 ") && lines[0].ends_with(Code::C1002.title(Lang::En)), "{told}");
        assert_eq!(lines[1], "  spec.window: is missing · 缺少");
        assert_eq!(lines[2], "  ·: refers to itself");
        assert_eq!(lines[3], "  3 秒后重试 try again in 3 s");
        assert_eq!(lines[4], "  说明 explained at http://h:1/errors/C1002 · r-1");
        let foreign = ControlRefusal::new("http://h:1", 502, None, None).to_string();
        assert!(foreign.starts_with("HTTP 502 ") && foreign.lines().count() == 1, "{foreign}");
    }
}

//! `cargo xtask codes`: the refusal codes as a table, and as the index `docs/errors/README.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use shuzha_core::{Code, Lang};

use crate::say::say;

/// The index that this task writes and `tidy` compares.
pub(crate) const INDEX_FILE: &str = "docs/errors/README.md";

/// Stage names by leading digit, 中文 and English; 0 is the gate itself (DESIGN §2).
const STAGES: [(&str, &str); 10] = [
    ("闸口", "the gate itself"),
    ("身份识别", "identify"),
    ("授权核查", "authorise"),
    ("输入校验", "validate"),
    ("个人授权", "consent"),
    ("限流配额", "limit"),
    ("隐私预算", "budget"),
    ("计价", "price"),
    ("转发", "forward"),
    ("放行", "release"),
];

/// Codes of four digits belong to no stage of a call.
const CONTROL: (&str, &str) = ("控制面", "control plane");

fn stage_name(stage: u8) -> (&'static str, &'static str) {
    STAGES.get(usize::from(stage)).copied().unwrap_or(CONTROL)
}

/// The first line of a code's page.
pub(crate) fn title(code: Code) -> String {
    format!("# {code} {} · {}", code.title(Lang::Zh), code.title(Lang::En))
}

/// The line of facts that a code's page states: stage and HTTP status.
pub(crate) fn facts(code: Code) -> String {
    let stage = code.stage();
    let (zh, en) = stage_name(stage);
    format!("阶段 Stage: {stage} {zh} · {en} — HTTP {}", code.status())
}

/// The index page.
pub(crate) fn index() -> String {
    let mut page = String::from(
        "# 拒绝码 · Refusal codes\n\n\
         由 `cargo xtask codes` 生成，请勿手改。首位数字是拒绝所在的阶段；`C0` 表示闸口自身；四位数的码属于控制面。\n\
         Written by `cargo xtask codes`; do not edit. The first digit is the stage that refuses; `C0` is the gate itself;\n\
         four digits are the control plane.\n",
    );
    let mut stage = None;
    for &code in Code::ALL {
        if stage != Some(code.stage()) {
            stage = Some(code.stage());
            let (zh, en) = stage_name(code.stage());
            let heading = format!(
                "\n## {} {zh} · {en}\n\n| 码 Code | HTTP | 含义 Meaning |\n|---|---|---|\n",
                code.stage()
            );
            page.push_str(&heading);
        }
        let (zh, en) = (code.title(Lang::Zh), code.title(Lang::En));
        writeln!(page, "| [{code}]({code}.md) | {} | {zh} · {en} |", code.status())
            .expect("writing to a string cannot fail");
    }
    page
}

/// Prints the table and writes the index.
///
/// # Errors
/// When the index cannot be written.
pub(crate) fn run(root: &Path) -> Result<bool> {
    for &code in Code::ALL {
        say(&format!("{code}  {}  {} · {}", code.status(), code.title(Lang::Zh), code.title(Lang::En)));
    }
    fs::write(root.join(INDEX_FILE), index()).with_context(|| format!("writing {INDEX_FILE}"))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_lists_every_code_once_under_its_stage() {
        let index = index();
        for &code in Code::ALL {
            assert_eq!(index.matches(&format!("[{code}]({code}.md)")).count(), 1, "{code}");
        }
        let stages: std::collections::BTreeSet<u8> = Code::ALL.iter().map(|code| code.stage()).collect();
        assert_eq!(index.matches("\n## ").count(), stages.len());
        assert!(index.find("C303.md") < index.find("## 4 ") && index.find("## 4 ") < index.find("C401.md"));
    }
}

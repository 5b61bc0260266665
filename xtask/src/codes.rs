//! Refusal codes: from their one table the enum, a page for each code and the index of pages.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::tree::Tree;

/// The table.
const TABLE_FILE: &str = "gateway/core/codes.toml";
/// The enum that is written from it.
const ENUM_FILE: &str = "gateway/core/src/code/table.rs";
/// Where the pages are.
pub(crate) const FOLDER: &str = "docs/errors/";

/// What [`TABLE_FILE`] says.
#[derive(Debug, Deserialize)]
pub(crate) struct Table {
    /// Names of stages, by a code's number without its last two digits.
    stages: BTreeMap<String, Both>,
    /// Sentences that many codes share about what was charged or spent.
    effects: BTreeMap<String, Both>,
    #[serde(flatten)]
    codes: BTreeMap<String, Code>,
}

/// A text in both languages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Both {
    zh: String,
    en: String,
}

/// One code.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    status: u16,
    /// Key in [`Table::effects`]; absent where the code has sentences of its own.
    effect: Option<String>,
    /// A problem document, as JSON.
    example: Option<String>,
    zh: Words,
    en: Words,
}

/// What a code says in one language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    title: String,
    cause: String,
    action: String,
    effect: Option<String>,
}

/// Headings of a page in one language.
struct Headings {
    cause: &'static str,
    action: &'static str,
    effect: &'static str,
}

const ZH: Headings = Headings { cause: "原因", action: "怎么办", effect: "扣费与消耗" };
const EN: Headings = Headings { cause: "Cause", action: "What to do", effect: "Charged or spent" };

impl Table {
    /// Reads the table and refuses one with gaps.
    ///
    /// # Errors
    /// When the table is missing, does not parse, or a code lacks something or is written in the wrong language.
    pub(crate) fn read(tree: &Tree) -> Result<Self> {
        let text = tree.text(TABLE_FILE).with_context(|| format!("{TABLE_FILE} is missing"))?;
        let table: Self = toml::from_str(text).with_context(|| format!("{TABLE_FILE} does not parse"))?;
        for name in table.codes.keys() {
            table.whole(name).with_context(|| format!("{TABLE_FILE}: {name}"))?;
        }
        Ok(table)
    }

    fn whole(&self, name: &str) -> Result<()> {
        let number = number(name);
        ensure!(
            number.is_some_and(|number| name == format!("C{number:03}")),
            "is not C and three or four digits"
        );
        let code = &self.codes[name];
        self.stage(name).context("is of a stage without a name")?;
        if let Some(shared) = &code.effect {
            ensure!(
                self.effects.contains_key(shared),
                "has the effect `{shared}`, which is not under [effects]"
            );
        }
        for (words, chinese) in [(&code.zh, true), (&code.en, false)] {
            ensure!(
                words.effect.is_some() != code.effect.is_some(),
                "needs one effect: shared, or its own in both"
            );
            for text in [Some(&words.title), Some(&words.cause), Some(&words.action), words.effect.as_ref()] {
                let Some(text) = text else { continue };
                ensure!(
                    !text.trim().is_empty() && !text.contains('\n'),
                    "has a text that is empty or not one line"
                );
                let in_chinese =
                    text.contains(['。', '，', '；']) || text.chars().all(|c| !c.is_ascii_lowercase());
                ensure!(chinese || !in_chinese, "has Chinese where English belongs: {text}");
                ensure!(!chinese || text.chars().any(han), "has no Chinese where Chinese belongs: {text}");
            }
        }
        Ok(())
    }

    fn stage(&self, name: &str) -> Option<(u16, &Both)> {
        let stage = number(name)? / 100;
        Some((stage, self.stages.get(&stage.to_string())?))
    }

    /// Codes in order of their numbers, which is the order of stages.
    fn ordered(&self) -> Vec<(&str, &Code)> {
        let mut codes: Vec<_> = self.codes.iter().map(|(name, code)| (name.as_str(), code)).collect();
        codes.sort_by_key(|(name, _)| number(name));
        codes
    }

    /// Every file that is written from the table: path and text.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let mut files: BTreeMap<_, _> = self
            .codes
            .iter()
            .map(|(name, code)| (format!("{FOLDER}{name}.md"), self.page(name, code)))
            .collect();
        files.insert(format!("{FOLDER}README.md"), self.index());
        files.insert(ENUM_FILE.to_owned(), self.source());
        files
    }

    /// The page of one code: all of it in Chinese, then all of it in English.
    fn page(&self, name: &str, code: &Code) -> String {
        let (stage, stage_name) = self.stage(name).expect("read() checked the stage");
        let shared = code.effect.as_ref().map(|shared| &self.effects[shared]);
        let block = |words: &Words, facts: String, headings: &Headings, shared: Option<&String>| {
            let effect = words.effect.as_ref().or(shared).expect("read() checked the effect");
            let example =
                code.example.as_ref().map_or(String::new(), |json| format!("```json\n{json}\n```\n\n"));
            format!(
                "\n## {}\n\n{facts}\n\n### {}\n\n{}\n\n### {}\n\n{}\n\n{example}### {}\n\n{effect}\n",
                words.title, headings.cause, words.cause, headings.action, words.action, headings.effect,
            )
        };
        let status = code.status;
        let zh = format!("HTTP {status}；阶段 {stage}，{}", stage_name.zh);
        let en = format!("HTTP {status}; stage {stage}, {}", stage_name.en);
        format!(
            "# {name}\n{}{}",
            block(&code.zh, zh, &ZH, shared.map(|shared| &shared.zh)),
            block(&code.en, en, &EN, shared.map(|shared| &shared.en)),
        )
    }

    fn index(&self) -> String {
        let mut page = String::from(
            "# 拒绝代码 · Refusal codes\n\n\
             由 `cargo xtask pages` 从 `gateway/core/codes.toml` 生成，请勿手改。去掉末两位即拒绝所在的阶段；0 是网关自身，10 及以上属于控制面。\n\n\
             Written by `cargo xtask pages` from `gateway/core/codes.toml`; do not edit. A number without its last two digits is the stage that \
             refuses; 0 is the gateway itself, 10 and more are the control plane.\n",
        );
        let mut last = None;
        for (name, code) in self.ordered() {
            let (stage, stage_name) = self.stage(name).expect("read() checked the stage");
            if last != Some(stage) {
                last = Some(stage);
                let heading = format!("\n## {stage} {} · {}\n", stage_name.zh, stage_name.en);
                page.push_str(&heading);
                page.push_str("\n| 代码 | HTTP | 含义 | Meaning |\n|---|---|---|---|\n");
            }
            let (status, zh, en) = (code.status, &code.zh.title, &code.en.title);
            writeln!(page, "| [{name}]({name}.md) | {status} | {zh} | {en} |").expect("a string takes all");
        }
        page
    }

    fn source(&self) -> String {
        let mut source = String::from(
            "//! The codes. Written by `cargo xtask pages` from `gateway/core/codes.toml`; do not edit.\n\ncodes! {\n",
        );
        for (name, code) in self.ordered() {
            let (zh, en) = (&code.zh.title, &code.en.title);
            writeln!(source, "    {name} {} {zh:?} {en:?};", code.status).expect("a string takes all");
        }
        source.push_str("}\n");
        source
    }
}

fn number(name: &str) -> Option<u16> {
    name.strip_prefix('C')?.parse().ok()
}

fn han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of two codes.
    const SMALL: &str = r#"
        [stages]
        0 = { zh = "闸口", en = "gateway" }
        10 = { zh = "登记簿", en = "register" }
        [effects.none]
        zh = "没有。"
        en = "Nothing."
        [C1001]
        status = 400
        zh = { title = "错误", cause = "原因。", action = "改正。", effect = "没有扣费。" }
        en = { title = "Wrong", cause = "It is wrong.", action = "Mend it.", effect = "No charge." }
        [C002]
        status = 413
        effect = "none"
        example = "{}"
        zh = { title = "过大", cause = "太大。", action = "改小。" }
        en = { title = "Too large", cause = "It is too large.", action = "Send less." }
    "#;

    fn read(text: &str) -> Result<Table> {
        Table::read(&Tree::of(&[(TABLE_FILE, text)]))
    }

    #[test]
    fn a_page_is_wholly_chinese_and_then_wholly_english() {
        let files = read(SMALL).expect("the table is right").files();
        assert_eq!(
            files["docs/errors/C002.md"],
            "# C002\n\n## 过大\n\nHTTP 413；阶段 0，闸口\n\n### 原因\n\n太大。\n\n### 怎么办\n\n改小。\n\n```json\n{}\n```\n\n\
             ### 扣费与消耗\n\n没有。\n\n## Too large\n\nHTTP 413; stage 0, gateway\n\n### Cause\n\nIt is too large.\n\n\
             ### What to do\n\nSend less.\n\n```json\n{}\n```\n\n### Charged or spent\n\nNothing.\n"
        );
        assert!(files["docs/errors/C1001.md"].ends_with("### Charged or spent\n\nNo charge.\n"));
    }

    #[test]
    fn codes_are_listed_in_the_order_of_stages() {
        let files = read(SMALL).expect("the table is right").files();
        let index = &files["docs/errors/README.md"];
        assert!(index.find("[C002]") < index.find("## 10 ") && index.find("## 10 ") < index.find("[C1001]"));
        assert!(files[ENUM_FILE].ends_with(
            "codes! {\n    C002 413 \"过大\" \"Too large\";\n    C1001 400 \"错误\" \"Wrong\";\n}\n"
        ));
    }

    #[test]
    fn a_table_with_a_gap_is_refused() {
        for (from, to, why) in [
            ("C002", "C2", "three or four digits"),
            ("C1001", "C1101", "stage without a name"),
            ("\"none\"", "\"some\"", "not under [effects]"),
            ("effect = \"none\"", "", "needs one effect"),
            ("Send less.", "", "is empty"),
            ("Send less.", "改小。", "Chinese where English"),
            ("改小。", "Send less.", "no Chinese"),
            ("status = 400", "", "does not parse"),
            ("status = 400", "status = 400\nstat = 1", "does not parse"),
        ] {
            let error = format!("{:#}", read(&SMALL.replace(from, to)).expect_err(why));
            assert!(error.contains(why), "{error} is not {why}");
        }
    }
}

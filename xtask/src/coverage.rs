//! `docs/coverage.md`: every article of the texts, what it asks of software, and where that is; from `docs/coverage.tsv`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context, Result, bail};

use crate::requirements;
use crate::tree::Tree;

/// The articles: text, article, what it asks, requirements, standing, note; tab-separated.
const LIST_FILE: &str = "docs/coverage.tsv";
/// The page.
pub(crate) const PAGE_FILE: &str = "docs/coverage.md";
const HEADING: &str = "text\tarticle\tasks\tids\tstanding\tnote";

/// The texts in their order.
const TEXTS: [(&str, &str, &str); 6] = [
    (
        "Yantai",
        "烟台市公共数据授权运营管理暂行办法（烟政办发[2024]24号）",
        "Yantai, interim measures of 2024",
    ),
    ("Gansu-R", "甘肃省公共数据资源登记管理实施细则（征求意见稿）", "Gansu, registration, draft of 2024"),
    ("Gansu-O", "甘肃省公共数据资源授权运营管理办法（征求意见稿）", "Gansu, operation, draft of 2024"),
    ("Qingtian", "青田县公共数据授权运营（青政办发〔2024〕8号）", "Qingtian, measures of 2024"),
    ("Heilongjiang", "黑龙江省公共数据授权运营（2025）", "Heilongjiang, measures of 2025"),
    ("Qingdao", "青岛市公共数据管理办法（征求意见稿，2023）", "Qingdao, draft of 2023"),
];

/// How an article stands, and how that is shown.
const STANDINGS: [(&str, &str); 4] =
    [("built", "已建 built"), ("part", "部分 in part"), ("none", "未建 not built"), ("other", "—")];

struct Article<'t> {
    text: &'t str,
    article: &'t str,
    zh: &'t str,
    en: &'t str,
    ids: Vec<&'t str>,
    standing: &'t str,
    note: Option<(&'t str, &'t str)>,
}

impl<'t> Article<'t> {
    fn read(line: &'t str) -> Option<Self> {
        let mut cells = line.split('\t');
        let (text, article, asks) = (cells.next()?, cells.next()?, cells.next()?);
        let (ids, standing, note) = (cells.next()?, cells.next()?, cells.next()?);
        let (zh, en) = asks.split_once(" · ")?;
        let note = if note.is_empty() { None } else { Some(note.split_once(" · ")?) };
        let known = TEXTS.iter().any(|(name, ..)| *name == text)
            && STANDINGS.iter().any(|(name, _)| *name == standing);
        let ids = ids.split_whitespace().collect();
        (known && cells.next().is_none()).then_some(Self { text, article, zh, en, ids, standing, note })
    }

    /// What contradicts itself in the line, by the requirements that have tests.
    fn fault(&self, shown: &BTreeSet<String>) -> Option<&'static str> {
        let has = |id: &&str| shown.contains(*id);
        match self.standing {
            "built" if self.ids.is_empty() || !self.ids.iter().all(has) => {
                Some("is said to be built, and a requirement of it has no test")
            }
            "part" if self.note.is_none() => Some("is built in part, and nothing says what is missing"),
            "none" if self.ids.is_empty() => Some("is not built, and names no requirement"),
            "none" if self.ids.iter().any(has) => {
                Some("is said not to be built, and a requirement of it has a test")
            }
            "other" if self.note.is_none() => Some("asks nothing of software, and nothing says why"),
            _ => None,
        }
    }
}

/// The page.
///
/// # Errors
/// When the list is missing or malformed, or says what the tests do not.
pub(crate) fn page(tree: &Tree) -> Result<String> {
    let text = tree.text(LIST_FILE).with_context(|| format!("{LIST_FILE} is missing"))?;
    let mut lines = text.lines();
    if lines.next() != Some(HEADING) {
        bail!("{LIST_FILE}: its first line must be `{HEADING}`");
    }
    let shown = requirements::shown(tree);
    let mut articles = Vec::new();
    for line in lines {
        let article = Article::read(line).with_context(|| format!("{LIST_FILE}: `{line}` is malformed"))?;
        if let Some(fault) = article.fault(&shown) {
            bail!("{LIST_FILE}: {} {} {fault}", article.text, article.article);
        }
        articles.push(article);
    }
    let mut page = String::from(
        "# 条文与实现 · Articles and where they are\n\n由 `cargo xtask pages` 从 `docs/coverage.tsv` 与测试名生成，请勿手改。\n\n\
         Written by `cargo xtask pages` from `docs/coverage.tsv` and the names of tests; do not edit.\n\n\
         每条文本逐条列出：它对软件要求什么，哪一条要求承接，做到什么程度；不涉及软件的，说明缘由。带链接的编号有测试，其余尚未建。\n\n\
         Every article of the texts: what it asks of software, which requirement answers it, how far that is built; and why, where it \
         asks nothing. An id with a link has tests; the others are not built yet.\n",
    );
    page.push_str("\n| 文本 Text | 条 Articles | 已建 Built | 部分 In part | 未建 Not built | 不涉及软件 Nothing for software |\n|---|---|---|---|---|---|\n");
    for (name, ..) in TEXTS {
        let of = |standing: &str| {
            articles.iter().filter(|one| one.text == name && one.standing == standing).count()
        };
        let counts = STANDINGS.map(|(standing, _)| of(standing));
        let [built, part, none, other] = counts;
        writeln!(
            page,
            "| {name} | {} | {built} | {part} | {none} | {other} |",
            counts.iter().sum::<usize>()
        )?;
    }
    for (name, zh, en) in TEXTS {
        write!(page, "\n## {name}\n\n{zh} · {en}\n\n")?;
        page.push_str("| 条 Article | 要求 | Asks | 编号 Ids | 现状 Standing | 说明 | Note |\n|---|---|---|---|---|---|---|\n");
        for one in articles.iter().filter(|one| one.text == name) {
            let ids: Vec<String> = one.ids.iter().map(|id| linked(id, &shown)).collect();
            let standing = STANDINGS.iter().find(|(word, _)| *word == one.standing);
            let standing = standing.map_or("", |(_, words)| words);
            let (zh, en) = one.note.unwrap_or_default();
            let Article { article, zh: asks, en: asked, .. } = one;
            writeln!(
                page,
                "| {article} | {asks} | {asked} | {} | {standing} | {zh} | {en} |",
                ids.join(" ")
            )?;
        }
    }
    Ok(page)
}

fn linked(id: &str, shown: &BTreeSet<String>) -> String {
    match id.get(..1) {
        Some(letter) if shown.contains(id) => format!("[{id}](requirements/{}.md)", letter.to_lowercase()),
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(line: &str) -> Tree {
        let list = format!("{HEADING}\n{line}\n");
        Tree::of(&[
            (LIST_FILE, &list),
            (
                "docs/requirements.tsv",
                "id\trequirement\tsource\tpage\nB\t登记 · Registration\t\t\nB2\t时限 · clocks\tGansu-R 26\t\n",
            ),
            ("a/b.rs", "#[test]\nfn b2_three_days() {}\n"),
        ])
    }

    #[test]
    fn an_article_is_shown_with_its_requirement() {
        let page =
            page(&tree("Gansu-R\t26\t时限 · clocks\tB2 B3\tpart\t缺三 · three is missing")).expect("a page");
        assert!(
            page.contains(
                "| 26 | 时限 | clocks | [B2](requirements/b.md) B3 | 部分 in part | 缺三 | three is missing |"
            ),
            "{page}"
        );
        assert!(page.contains("| Gansu-R | 1 | 0 | 1 | 0 | 0 |"), "{page}");
    }

    #[test]
    fn what_the_tests_do_not_say_is_refused() {
        for line in [
            "Gansu-R\t26\t时限 · clocks\tB2 B3\tbuilt\t",
            "Gansu-R\t26\t时限 · clocks\tB2\tnone\t",
            "Gansu-R\t26\t时限 · clocks\tB2\tpart\t",
            "Gansu-R\t26\t时限 · clocks\t\tother\t",
            "Gansu-R\t26\t时限 · clocks\tB2\tmostly\t",
            "Nowhere\t26\t时限 · clocks\tB2\tbuilt\t",
        ] {
            assert!(page(&tree(line)).is_err(), "{line}");
        }
        assert!(page(&tree("Gansu-R\t26\t时限 · clocks\tB2\tbuilt\t")).is_ok());
    }
}

//! The pages that problem details point at: each refusal code explained, from Markdown to safe HTML.
//!
//! The renderer knows headings, paragraphs, lists, fenced and inline code, and nothing else: links and raw HTML come out
//! as text. The pages carry no script and no style, so the strictest content policy fits them.

use std::collections::HashMap;

use bytes::Bytes;
use shuzha_core::{Code, Lang};

/// Every code's page, rendered once.
#[derive(Debug)]
pub(crate) struct Pages {
    by_code: HashMap<Code, Bytes>,
}

impl Pages {
    /// Renders `sources`, pairs of code and Markdown; a code without a source gets its title and status.
    pub(crate) fn render(sources: &[(&str, &str)]) -> Self {
        let page = |code: Code| {
            let found = sources.iter().find(|(name, _)| *name == code.as_str());
            (code, Bytes::from(page(code, found.map_or("", |(_, markdown)| markdown))))
        };
        Self { by_code: Code::ALL.iter().copied().map(page).collect() }
    }

    /// The page of `code`.
    pub(crate) fn get(&self, code: Code) -> Bytes {
        self.by_code.get(&code).cloned().unwrap_or_default()
    }
}

fn page(code: Code, markdown: &str) -> String {
    let (zh, en) = (escape(code.title(Lang::Zh)), escape(code.title(Lang::En)));
    let status = code.status();
    let body = html(markdown);
    format!(
        "<!doctype html>\n<html lang=\"zh\">\n<head><meta charset=\"utf-8\"><title>{code} {zh}</title></head>\n<body>\n\
         <h1>{code}</h1>\n<p>{zh}</p>\n<p lang=\"en\">{en}</p>\n<p>HTTP {status}</p>\n{body}</body>\n</html>\n"
    )
}

/// What the renderer has open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    None,
    Paragraph,
    List,
    Code,
}

/// The few blocks of Markdown that the pages use.
pub(crate) fn html(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len() * 2);
    let mut open = Block::None;
    for line in markdown.lines() {
        if open == Block::Code {
            if line.trim_end() == "```" {
                shut(&mut out, &mut open);
            } else {
                out.push_str(&escape(line));
                out.push('\n');
            }
            continue;
        }
        let text = line.trim();
        if text.starts_with("```") {
            shut(&mut out, &mut open);
            out.push_str("<pre><code>");
            open = Block::Code;
        } else if text.is_empty() {
            shut(&mut out, &mut open);
        } else if let Some((level, title)) = heading(text) {
            shut(&mut out, &mut open);
            out.push_str(&format!("<h{level}>{}</h{level}>\n", inline(title)));
        } else if let Some(item) = text.strip_prefix("- ").or_else(|| text.strip_prefix("* ")) {
            if open != Block::List {
                shut(&mut out, &mut open);
                out.push_str("<ul>\n");
                open = Block::List;
            }
            out.push_str(&format!("<li>{}</li>\n", inline(item)));
        } else {
            if open == Block::Paragraph {
                out.push('\n');
            } else {
                shut(&mut out, &mut open);
                out.push_str("<p>");
                open = Block::Paragraph;
            }
            out.push_str(&inline(text));
        }
    }
    shut(&mut out, &mut open);
    out
}

fn shut(out: &mut String, open: &mut Block) {
    out.push_str(match open {
        Block::None => "",
        Block::Paragraph => "</p>\n",
        Block::List => "</ul>\n",
        Block::Code => "</code></pre>\n",
    });
    *open = Block::None;
}

/// `## title` one level down, because the page has its own first heading.
fn heading(text: &str) -> Option<(usize, &str)> {
    let level = text.bytes().take_while(|&byte| byte == b'#').count();
    let title = text.get(level..)?.strip_prefix(' ')?;
    (1..=5).contains(&level).then_some((level + 1, title))
}

/// Inline code between backticks; everything else as text.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut parts = text.split('`').peekable();
    let mut code = false;
    while let Some(part) = parts.next() {
        // A backtick without its partner is text.
        if code && parts.peek().is_none() {
            out.push('`');
            code = false;
        }
        let escaped = escape(part);
        if code {
            out.push_str(&format!("<code>{escaped}</code>"));
        } else {
            out.push_str(&escaped);
        }
        code = !code;
    }
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let source = "# C401\ntext `a<b` and\nmore\n\n- one\n- `two`\n\n```sh\ncurl \"x\" <y>\n\n# not a title\n```\nend `open";
        assert_eq!(
            html(source),
            "<h2>C401</h2>\n<p>text <code>a&lt;b</code> and\nmore</p>\n<ul>\n<li>one</li>\n<li><code>two</code></li>\n\
             </ul>\n<pre><code>curl &quot;x&quot; &lt;y&gt;\n\n# not a title\n</code></pre>\n<p>end `open</p>\n"
        );
    }

    #[test]
    fn nothing_from_the_source_becomes_markup() {
        for source in ["<script>alert(1)</script>", "[a](javascript:x)", "![x](y)", "`<b>`", "# <i>", "- <u>"]
        {
            let out = html(source);
            for tag in ["<script", "<a", "<img", "<b>", "<i>", "<u>"] {
                assert!(!out.contains(tag), "{source} gave {out}");
            }
        }
    }

    #[test]
    fn every_code_has_a_page() {
        let pages = Pages::render(&[("C401", "why")]);
        for &code in Code::ALL {
            let page = String::from_utf8(pages.get(code).to_vec()).expect("pages are UTF-8");
            assert!(page.contains(&format!("<h1>{code}</h1>")), "{code}");
        }
        assert!(std::str::from_utf8(&pages.get(Code::C401)).expect("UTF-8").contains("<p>why</p>"));
    }
}

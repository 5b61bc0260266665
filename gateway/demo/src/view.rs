//! How the demo is shown: in which language, and how wide.

use std::borrow::Cow;

use shuzha_core::{Lang, Role};

use super::words;

/// Width where no terminal says its own.
const WIDTH: u16 = 120;
/// Narrowest and widest that tables are made for.
const WIDTHS: std::ops::RangeInclusive<u16> = 80..=240;

/// What a person asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// One language, or both.
    lang: Option<Lang>,
    /// Columns of a terminal.
    pub(super) width: u16,
}

impl View {
    /// By what was asked for, and by the terminal.
    pub(super) fn new(lang: Option<Lang>, width: Option<u16>) -> Self {
        let terminal = || rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| size.ws_col);
        let width = width.or_else(terminal).filter(|width| *width > 0).unwrap_or(WIDTH);
        Self { lang, width: width.clamp(*WIDTHS.start(), *WIDTHS.end()) }
    }

    /// A text that has both languages, as `中文 English`.
    pub(super) fn line<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match (self.lang, words::split(text)) {
            (None, _) | (_, (_, None)) => text.into(),
            (Some(Lang::Zh), (zh, _)) => zh.into(),
            (Some(Lang::En), (_, Some(en))) => en.into(),
        }
    }

    /// The same for a cell of a table, where each language has a line.
    pub(super) fn cell<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match (self.lang, words::split(text)) {
            (None, (zh, Some(en))) => format!("{zh}\n{en}").into(),
            _ => self.line(text),
        }
    }

    /// One text in each language, which say the same.
    pub(super) fn either(&self, zh: &str, en: &str) -> String {
        match self.lang {
            None => format!("{zh} {en}"),
            Some(Lang::Zh) => zh.to_owned(),
            Some(Lang::En) => en.to_owned(),
        }
    }

    /// The same, each on a line of its own where both are wanted.
    pub(super) fn both(&self, zh: &str, en: &str) -> String {
        if self.lang.is_none() { format!("{zh}\n{en}") } else { self.either(zh, en) }
    }

    /// A state, verdict or code; the word itself is what scripts and documents say.
    pub(super) fn word(&self, word: &str) -> String {
        match self.lang {
            Some(Lang::En) => word.to_owned(),
            _ => words::shown(word),
        }
    }

    /// What a role is called.
    pub(super) fn role(&self, role: Role) -> &'static str {
        match self.lang {
            Some(Lang::En) => role.as_str(),
            _ => role.title_zh(),
        }
    }

    /// The same, after the word that scripts say.
    pub(super) fn role_named(&self, role: Role) -> String {
        match self.lang {
            None => format!("{} {}", role.as_str(), role.title_zh()),
            Some(_) => self.role(role).to_owned(),
        }
    }

    /// The language of what there is in one language at a time.
    pub(super) fn lang(&self) -> Lang {
        self.lang.unwrap_or(Lang::Zh)
    }
}

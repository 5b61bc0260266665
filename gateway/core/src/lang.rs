//! The two languages every message for people exists in.

/// Language of a message; Chinese is first where the caller does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// 中文.
    #[default]
    Zh,
    /// English.
    En,
}

impl Lang {
    /// Reads an `Accept-Language` value (RFC 9110 §12.5.4): the first of `zh` and `en` named wins, Chinese
    /// where neither is.
    #[must_use]
    pub fn from_accept_language(value: &str) -> Self {
        for range in value.split(',') {
            let tag = range.split(';').next().unwrap_or_default().trim();
            let primary = tag.split('-').next().unwrap_or_default();
            if primary.eq_ignore_ascii_case("zh") {
                return Self::Zh;
            }
            if primary.eq_ignore_ascii_case("en") {
                return Self::En;
            }
        }
        Self::Zh
    }
}

#[cfg(test)]
mod tests {
    use super::Lang;

    #[test]
    fn first_known_language_wins() {
        for (value, lang) in [
            ("", Lang::Zh),
            ("fr", Lang::Zh),
            ("en-US,zh;q=0.5", Lang::En),
            ("fr, zh-CN, en", Lang::Zh),
            ("EN", Lang::En),
        ] {
            assert_eq!(Lang::from_accept_language(value), lang, "{value}");
        }
    }
}

//! The standard output: data only; everything said to a person while working goes to the standard error.
//!
//! Much of both was written by somebody else: a gateway that need not be ours, a register that many write. A terminal
//! takes some characters for commands, so what goes to one has them escaped; what goes to a file or a pipe has not.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal as _, Stdout, Write as _};

use anyhow::Result;

/// Whoever read the standard output went away. A kind of its own: the pipe to another program breaks with the same error of the
/// system, and that one must be told.
#[derive(Debug)]
pub struct ReaderGone;

impl fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the standard output any more")
    }
}

impl std::error::Error for ReaderGone {}

/// The standard output.
pub struct Out {
    stdout: Stdout,
    terminal: bool,
}

impl Out {
    /// That of this process.
    #[must_use]
    pub fn stdout() -> Self {
        let stdout = std::io::stdout();
        Self { terminal: stdout.is_terminal(), stdout }
    }

    /// Writes a line. A reader that went away (`| head`) ends the program quietly, as `main` does with the error.
    ///
    /// # Errors
    /// Of the output; [`ReaderGone`].
    pub fn line(&mut self, text: &str) -> Result<()> {
        self.bytes_line(text.as_bytes())
    }

    /// Writes what somebody answered, and ends the line: byte for byte where nobody looks at it.
    ///
    /// # Errors
    /// Of the output; [`ReaderGone`].
    pub fn bytes_line(&mut self, bytes: &[u8]) -> Result<()> {
        self.written(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => ReaderGone.into(),
            _ => error.into(),
        })
    }

    fn written(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut lock = self.stdout.lock();
        if self.terminal {
            lock.write_all(harmless(&String::from_utf8_lossy(bytes)).as_bytes())?;
        } else {
            lock.write_all(bytes)?;
        }
        lock.write_all(b"\n")?;
        lock.flush()
    }
}

/// Says something to the person at the terminal.
pub fn say(text: &str) {
    let error = std::io::stderr();
    let text = if error.is_terminal() { harmless(text) } else { Cow::Borrowed(text) };
    let _ = writeln!(error.lock(), "{text}");
}

/// `text` with everything escaped that a terminal obeys instead of showing, or that makes text look like other text.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_deceptive(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// Control characters (C0 but for the line's end and the tab, DEL, C1), marks that turn the direction of text, characters
/// of no width, line separators beside the line's end, and tags.
fn is_deceptive(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        '\u{61c}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => letter.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_and_not_done() {
        for (text, shown) in [
            ("一致 consistent\n\tok é", "一致 consistent\n\tok é"),
            ("\u{1b}]0;pwn\u{7}\u{1b}[2J", "\\u{1b}]0;pwn\\u{7}\\u{1b}[2J"),
            ("a\rb\u{8}c\0", "a\\u{d}b\\u{8}c\\u{0}"),
            ("\u{7f}\u{9b}31m", "\\u{7f}\\u{9b}31m"),
            ("bank\u{202e}knab", "bank\\u{202e}knab"),
            ("ba\u{200b}nk\u{2066}\u{feff}", "ba\\u{200b}nk\\u{2066}\\u{feff}"),
            ("a\u{2028}b\u{e0041}", "a\\u{2028}b\\u{e0041}"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }
}

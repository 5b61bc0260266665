//! Asking a person: on the standard error, answered on the standard input.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Result, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Asks for a line.
pub(super) fn ask(question: &str) -> Result<String> {
    let mut error = std::io::stderr().lock();
    write!(error, "{question} ")?;
    error.flush()?;
    let mut answer = String::new();
    if std::io::stdin().lock().read_line(&mut answer)? == 0 {
        bail!("no answer");
    }
    Ok(answer.trim_end_matches(['\n', '\r']).to_owned())
}

/// Asks for a secret, which the terminal does not show. Where the input is no terminal, it is a line of it.
pub fn ask_secret(question: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        return ask(question);
    }
    let silent = Silent::begin()?;
    let answer = ask(question);
    drop(silent);
    answer
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silent(Termios);

impl Silent {
    fn begin() -> Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // The end of the line is shown, so that the next question begins on its own.
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}

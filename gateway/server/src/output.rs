//! The standard output: data only; everything said to a person while working goes to the standard error.

use std::io::{Stdout, Write as _};

use anyhow::Result;

/// The standard output.
pub(crate) struct Out(Stdout);

impl Out {
    pub(crate) fn stdout() -> Self {
        Self(std::io::stdout())
    }

    /// Writes a line. A reader that went away (`| head`) ends the program quietly, as `main` does with the error.
    pub(crate) fn line(&mut self, text: &str) -> Result<()> {
        let mut lock = self.0.lock();
        lock.write_all(text.as_bytes())?;
        lock.write_all(b"\n")?;
        lock.flush()?;
        Ok(())
    }
}

/// Says something to the person at the terminal.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

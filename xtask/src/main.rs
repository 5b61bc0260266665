//! `cargo xtask`: the repository's own tasks, in plain Rust so that they run wherever the workspace builds.
//!
//! `tidy` reads, `test` and `deny` run the checks that CI runs, `drill` runs tests at full size, `pages` writes what is generated,
//! `bench` measures.

mod bench;
mod codes;
mod configuration;
mod coverage;
mod crates;
mod deny;
mod drill;
mod finding;
mod generated;
mod requirements;
mod say;
mod step;
mod test;
mod tidy;
mod tree;
mod workspace;

use std::process::ExitCode;

use say::{complain, say};

/// What `cargo xtask` without a task prints.
const USAGE: &str = "\
usage: cargo xtask <task>

  tidy           rules that neither rustc nor clippy can check
  test           format, lints, tidy, all tests
  deny           licences, banned crates and sources of every dependency
  pages          write every generated page: refusal codes, configuration, requirements, crates
  drill [args]   the tests at full size, one after the other, with a report; --list names them
  bench [args]   the load tests, in release mode; arguments go to shuzha-load";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let root = tree::root();
    let outcome = match args.first().map(String::as_str) {
        Some("tidy") => tidy::run(&root),
        Some("test") => test::run(&root),
        Some("deny") => deny::run(&root),
        // The two narrower words are those of earlier versions.
        Some("pages" | "codes" | "requirements") => tidy::write_pages(&root),
        Some("drill") => drill::run(&root, &args[1..]),
        Some("bench") => bench::run(&root, &args[1..]),
        Some("help" | "--help" | "-h") => {
            say(USAGE);
            Ok(true)
        }
        _ => {
            complain(USAGE);
            return ExitCode::from(64);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

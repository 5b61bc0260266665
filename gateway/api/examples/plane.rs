//! A control plane with a person of every role, for tools that test an API from its document. Prints the address and the
//! tokens, and serves until its standard input ends.

#[path = "../tests/it/people.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "shared with the tests, which use all of it")]
mod people;
#[path = "../tests/it/plane.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "shared with the tests, which use all of it")]
mod plane;

use std::io::{Read as _, Write as _};

fn main() {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let plane = plane::Plane::at(&address);
    let mut out = std::io::stdout();
    let _ = writeln!(out, "http://{}", plane.address);
    for (name, _, roles) in plane::CAST {
        let _ = writeln!(out, "{name} {} {}", roles[0], plane::token_text(name, "all"));
    }
    let _ = out.flush();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

//! A control plane in the test's own process, for tests of crates that stand on it: not for unit tests of `shuzha-control`
//! and what is below it (`shuzha-testkit` says why).

mod doubles;
mod plane;
mod world;

pub use doubles::{ActLogDouble, GateDouble, KEEP_AND_FAIL, LOSE, Letters, PASS};
pub use plane::TestControl;
pub use world::{TestWorld, by, example, grant, operating_agreement};

use serde_json::{Value, json};
use shuzha_control::{Caller, Error};
use shuzha_core::{Code, Id, Role};
use shuzha_testkit::registered::organisation_code;

/// A name.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn id(text: &str) -> Id {
    Id::new(text).expect("a name")
}

/// Somebody with an account, as they are signed on.
///
/// # Panics
/// When a name is none.
#[must_use]
pub fn person(account: &str, organisation: &str, roles: &[Role]) -> Caller {
    Caller {
        account: id(account),
        organisation: id(organisation),
        roles: roles.to_vec(),
        withheld: Vec::new(),
        read_only: false,
        by_token: false,
    }
}

/// Somebody of the authority.
///
/// # Panics
/// When the name is none.
#[must_use]
pub fn authority(account: &str) -> Caller {
    person(account, "bureau", &[Role::Authority])
}

/// The code by which something was refused.
///
/// # Panics
/// When it was not.
pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    result.expect_err("refused").code()
}

/// An organisation's spec; `serial` makes its 统一社会信用代码.
#[must_use]
pub fn organisation(kind: &str, serial: u32) -> Value {
    json!({"kind": kind, "uscc": organisation_code(serial), "name": format!("机构{serial}")})
}

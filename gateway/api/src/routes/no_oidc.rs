//! Sign-on by an identity provider where the program was built without it: the addresses are known, and nothing is there.

use shuzha_core::Code;

use crate::ask::{Ask, Reply};
use crate::problem::Problem;

pub(crate) fn begin(_: &Ask) -> Result<Reply, Problem> {
    Err(Code::C006.into())
}

pub(crate) fn end(_: &Ask) -> Result<Reply, Problem> {
    Err(Code::C006.into())
}

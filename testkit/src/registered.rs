//! Persons and organisations of the synthetic register (`products/upstreams`). Nobody has these numbers.

use shuzha_core::identity::{entity_check, organisation_check};

/// Number and name of a person.
pub const PERSON: (&str, &str) = ("690113200205284265", "杜秀红");
/// Number and name of another person.
pub const OTHER: (&str, &str) = ("690109196909147724", "陈秀");
/// 统一社会信用代码 and name of a company.
pub const COMPANY: (&str, &str) = ("91690114MAC4UCDX1R", "云泽市鹿鸣县启木医药有限公司");

/// A 统一社会信用代码 in order, a different one for each `serial` below a million.
///
/// # Panics
/// When `serial` has more than six digits.
#[must_use]
pub fn organisation_code(serial: u32) -> String {
    let entity = format!("MA{serial:06}");
    let check = entity_check(entity.as_bytes()).expect("a serial has up to six digits");
    let body = format!("91690114{entity}{}", char::from(check));
    let check = organisation_check(body.as_bytes()).expect("17 characters");
    format!("{body}{}", char::from(check))
}

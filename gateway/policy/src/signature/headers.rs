//! Header fields that may stand once only.

use http::HeaderMap;
use shuzha_core::{Code, Refusal};

/// The text of the header `name`, or `None` where it is absent.
///
/// # Errors
/// C009 when the field repeats or is not visible ASCII: two readers of a repeated field may disagree on which
/// value counts.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::at(Code::C009, name));
    }
    value.to_str().map(Some).map_err(|_| Refusal::at(Code::C009, name))
}

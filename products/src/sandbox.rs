//! What a product offers to be tried with (数据创新应用实验室; REQUIREMENTS K1; Yantai 15, Qingtian 三(二)): a service of its
//! own over synthetic data, or an example answer per operation. Read with the product, so that what could reach real
//! data is no declaration at all.

use shuzha_core::Id;
use shuzha_privacy::output::{Cut, FieldSet, MaskKey};

use crate::kinds::{Dated, Lane, ProductKind, Release};
use crate::product::of_operator;
use crate::upstream::Upstream;
use crate::world::Scope;
use crate::yaml::Place;

/// Largest example answer in bytes.
const EXAMPLE_BYTES_MAX: usize = 16 << 10;

/// Reads `sandbox`: the synthetic service, of the product's operator.
pub(crate) fn service<'w>(
    place: &Place<'_>,
    operator: Option<&Id>,
    scope: &Scope<'w>,
) -> Option<(&'w Id, &'w Upstream)> {
    let section = place.section(&[&["upstream"]])?;
    let place = section.required("upstream")?;
    let (id, found) = scope.find::<Upstream>(&place)?;
    if !found.synthetic {
        return place.fail("must be a product service with `synthetic: true`");
    }
    of_operator(&place, found, operator)?;
    Some((id, found))
}

/// Reads `example`: what the product service might answer. It must pass the way out as a whole, so that a call of the
/// sandbox shows the answer's real shape, masks and steps included.
pub(crate) fn example(place: &Place<'_>, kind: &dyn ProductKind, output: &dyn Release) -> Option<Vec<u8>> {
    if kind.lane() == Lane::Package {
        return place.fail("a package is streamed; declare `sandbox: {upstream}` instead");
    }
    let bytes = place.json().to_string().into_bytes();
    if bytes.len() > EXAMPLE_BYTES_MAX {
        return place.fail(format!("at most {EXAMPLE_BYTES_MAX} bytes"));
    }
    if output.dated() == Some(Dated::Undeclared) {
        return Some(bytes);
    }
    let all = output.contract().map_or_else(FieldSet::default, |contract| contract.all());
    let key = MaskKey::new(&[0; 32]);
    match output.release(Cut { fields: all, key: Some(&key) }, &bytes) {
        Ok(released) if released.unlisted == 0 => Some(bytes),
        Ok(_) => place.fail("has leaves that the output contract does not list"),
        Err(fault) => {
            place.fail(format!("does not meet the output contract at `{}`: {}", fault.at, fault.what))
        }
    }
}

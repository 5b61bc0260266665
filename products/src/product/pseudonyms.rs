//! Within what the pseudonyms (假名) of an operation are comparable: nowhere together with an identifier.
//!
//! An operation that answers with the pseudonym of what it was asked about is a dictionary: whoever holds identifiers turns them
//! into pseudonyms by asking, and finds them again in whatever else has the same key. So a key of pseudonyms is never shared by an operation
//! that takes identifiers, neither with another operation nor, where persons may be named, with another request of its own.

use shuzha_core::Id;
use shuzha_privacy::output::MaskKey;
use shuzha_privacy::subject::IdKind;

use super::Operation;
use crate::input::{self, InputContract, SubjectRule};
use crate::yaml::Section;

/// Within what the pseudonyms of an operation are comparable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PseudonymScope {
    /// Within the operation: its requests hold no identifier, or none but that of an organisation, their subject.
    Operation,
    /// Within requests that say the same: they may hold the identifier of a person.
    Request,
    /// Within all operations of the product that declare this domain (假名域). None of them takes an identifier.
    Domain(Id),
}

pub(super) fn read(
    operation: &Section<'_>,
    subject: Option<&SubjectRule>,
    input: Option<&InputContract>,
) -> Option<PseudonymScope> {
    let may_identify = |but| input.is_some_and(|input| input.may_identify(but));
    match operation.optional("pseudonymDomain") {
        Some(place) if subject.is_some() || may_identify(None) => place.fail(
            "its operations take no identifier: no `subject`, every text of `input` of an enumeration, every number below 100,000",
        ),
        Some(place) => place.id().map(PseudonymScope::Domain),
        None => {
            let organisation = subject.filter(|subject| subject.kind == IdKind::Organisation);
            let open = may_identify(organisation.map(|subject| subject.pointer.as_str()));
            Some(if open { PseudonymScope::Request } else { PseudonymScope::Operation })
        }
    }
}

impl Operation {
    /// The key of masks for the answer to a request with this body; `key` is that of the unit, scenario and product.
    #[must_use]
    pub fn mask_key(&self, key: &MaskKey, body: &[u8]) -> MaskKey {
        let said = input::said(body);
        let texts = said.iter().map(String::as_str);
        let name = self.name.as_str();
        let key = match &self.pseudonyms {
            PseudonymScope::Domain(domain) => key.within(&["domain", domain.as_str()]),
            PseudonymScope::Operation => key.within(&["operation", name]),
            PseudonymScope::Request => {
                let scope: Vec<_> = ["request", name].into_iter().chain(texts.clone()).collect();
                key.within(&scope)
            }
        };
        key.asked(texts)
    }
}

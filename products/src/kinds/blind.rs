//! 隐匿核验: entries are matched with a list that neither side shows the other (REQUIREMENTS E5, E8; Yantai 14).
//!
//! A request carries blinded elements, an answer their evaluations and a proof (`shuzha_privacy::blind`). What the
//! gateway can check of either is checked: that they are group elements in their one encoding, that they belong to the
//! declared epoch, that there are as many as were paid for, and that the proof holds for exactly these under the declared
//! key: an answer that its client would refuse is not sold. What they are of, the gateway cannot know.
//!
//! The list's tags are a product of their own, of kind `package`.

use std::fmt;

use serde_json::{Value, json};
use shuzha_pricing::Outcome;
use shuzha_privacy::blind::{self, ELEMENT_TEXT_BYTES, ELEMENTS_MAX, Element, PROOF_TEXT_BYTES, Proof};
use shuzha_privacy::output::{Contract, Cut};

use super::{AnswersMax, Compiled, Declared, ProductKind, Release, ReleaseFault, Released};
use crate::exit_review::Digest;
use crate::input::InputContract;
use crate::yaml::Place;

/// Most elements of one epoch.
const PER_EPOCH_MAX: u64 = 1_000_000_000;
/// Most entries of a list.
const ENTRIES_MAX: u64 = 1 << 26;
/// What whoever declares a list without its commitment is told.
const UNCOMMITTED: &str = "`list: {entries, tags}`: how many entries it has and the SHA-256 of its tag file, so that another list shows";
/// What whoever declares a list of the older form is told.
const UNBOUNDED: &str = "`elementsPerEpoch`: how many elements all units together may have evaluated in one epoch";
/// Longest name of an epoch.
const EPOCH_BYTES_MAX: usize = 32;

pub(super) const KIND: Blind = Blind;

#[derive(Debug)]
pub(super) struct Blind;

impl ProductKind for Blind {
    fn name(&self) -> &'static str {
        "blind"
    }

    fn manifest_fields(&self) -> &'static [&'static str] {
        &["epoch", "publicKey", "elementsMax", "elementsPerEpoch", "list"]
    }

    fn is_blinded(&self) -> bool {
        true
    }

    fn compile(&self, declared: &Declared<'_>) -> Option<Compiled> {
        let section = declared.section;
        section.forbid("subject", "a blinded request shows no subject");
        let epoch = section.required("epoch").and_then(|place| {
            let text = place.text()?;
            let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if plain && text.len() <= EPOCH_BYTES_MAX {
                Some(text)
            } else {
                place.fail("an epoch is at most 32 letters, digits and hyphens")
            }
        });
        // Reviewed, certified and published with the product: callers check proofs with it, and so does the gateway.
        let key = section.required("publicKey").and_then(|place| place.parsed::<Element>());
        let most = match section.optional("elementsMax") {
            Some(place) => place.count(1..=ELEMENTS_MAX),
            None => Some(1),
        };
        let per_epoch = match section.optional("elementsPerEpoch") {
            Some(place) => Some(place.count(1..=PER_EPOCH_MAX)?),
            // What was declared before that was asked goes on.
            None if declared.accepted => None,
            None => return section.place().fail(format!("is missing {UNBOUNDED}")),
        };
        match section.optional("list") {
            Some(place) => commitment(&place)?,
            None if declared.accepted => {}
            None => return section.place().fail(format!("is missing {UNCOMMITTED}")),
        }
        let key = key?;
        let most = most?;
        if declared.personal && most > 1 {
            // One token speaks for one person, and binds one element.
            let place = section.optional("elementsMax")?;
            return place.fail("is 1 where `personal` is true: each person's consent is for one element");
        }
        let input = InputContract::blinded(&request_schema(epoch?, most));
        Some(Compiled { input: Some(input), output: Box::new(Output { key, per_epoch }) })
    }
}

/// What a list is committed to: reviewed, certified and published with the product, and compared by callers with the tag file
/// they are given. Another list is another version of the product.
fn commitment(place: &Place<'_>) -> Option<()> {
    let list = place.section(&[&["entries", "tags"]])?;
    let entries = list.required("entries").and_then(|place| place.count(1..=ENTRIES_MAX));
    let tags = list.required("tags").and_then(|place| place.parsed::<Digest>());
    entries.zip(tags).map(drop)
}

/// The outer shape of a request; the elements themselves are checked as group elements.
fn request_schema(epoch: &str, most: u32) -> Value {
    let element = json!({"type": "string", "minLength": ELEMENT_TEXT_BYTES, "maxLength": ELEMENT_TEXT_BYTES});
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["epoch", "elements"],
        "properties": {
            "epoch": {"const": epoch},
            "elements": {"type": "array", "minItems": 1, "maxItems": most, "items": element},
        },
    })
}

/// The way out, under the list's public key.
struct Output {
    key: Element,
    per_epoch: Option<u64>,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output(blind)")
    }
}

fn fault(at: &str, what: &'static str) -> ReleaseFault {
    ReleaseFault::at(at, what)
}

impl Release for Output {
    fn answers_max(&self) -> Option<AnswersMax> {
        self.per_epoch.map(AnswersMax::OfAll)
    }

    /// There is nothing to choose: a proof holds for the whole batch.
    fn contract(&self) -> Option<&Contract> {
        None
    }

    /// Writes anew what was understood, so that nothing else of the product service's bytes leaves.
    fn release(&self, _: Cut<'_>, answer: &[u8]) -> Result<Released, ReleaseFault> {
        let Answered { elements, proof, unlisted } = read(answer)?;
        let room = elements.len() * (ELEMENT_TEXT_BYTES + 3) + PROOF_TEXT_BYTES + 32;
        let mut text = String::with_capacity(room);
        for element in &elements {
            text.push_str(if text.is_empty() { "{\"evaluated\":[\"" } else { "\",\"" });
            text.push_str(&element.to_string());
        }
        text.push_str("\"],\"proof\":\"");
        text.push_str(&proof.to_string());
        text.push_str("\"}");
        let parts = u32::try_from(elements.len()).expect("at most ELEMENTS_MAX");
        Ok(Released { bytes: text.into_bytes(), outcome: Outcome::Answer, unlisted, parts })
    }

    fn verify(&self, request: &[u8], answer: &[u8]) -> Result<(), ReleaseFault> {
        let Answered { elements, proof, .. } = read(answer)?;
        // Checked against the input contract at stage 3.
        let request = shuzha_privacy::json::from_slice(request).map_err(|_| fault("", "no request"))?;
        let asked = elements_of(&request["elements"]).ok_or_else(|| fault("", "no request"))?;
        blind::verify(&asked, &elements, &proof, &self.key)
            .map_err(|_| fault("/proof", "does not hold for these elements under the declared key"))
    }
}

/// An answer as far as it is understood.
struct Answered {
    elements: Vec<Element>,
    proof: Proof,
    /// Members that no contract lists.
    unlisted: u32,
}

fn read(answer: &[u8]) -> Result<Answered, ReleaseFault> {
    let answer = shuzha_privacy::json::from_slice(answer).map_err(|_| fault("", "not well-formed JSON"))?;
    let members = answer.as_object().ok_or_else(|| fault("", "wrong type"))?;
    let evaluated = answer["evaluated"].as_array().ok_or_else(|| fault("/evaluated", "wrong type"))?;
    if evaluated.is_empty() || evaluated.len() > ELEMENTS_MAX as usize {
        return Err(fault("/evaluated", "another number of elements than was asked for"));
    }
    let elements =
        elements_of(&answer["evaluated"]).ok_or_else(|| fault("/evaluated/*", "not a group element"))?;
    let proof = answer["proof"].as_str().and_then(|text| text.parse::<Proof>().ok());
    let proof = proof.ok_or_else(|| fault("/proof", "not a proof"))?;
    let unlisted = members.keys().filter(|key| !matches!(key.as_str(), "evaluated" | "proof")).count();
    Ok(Answered { elements, proof, unlisted: u32::try_from(unlisted).unwrap_or(u32::MAX) })
}

/// The group elements of a list of texts; none where one of them is not.
fn elements_of(list: &Value) -> Option<Vec<Element>> {
    list.as_array()?.iter().map(|value| value.as_str()?.parse::<Element>().ok()).collect()
}

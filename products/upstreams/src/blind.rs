//! Blinded verification (隐匿核验): lists that are matched without this service learning what was asked, or the caller
//! what else is on them (可用不可见).
//!
//! The service's half of the verifiable oblivious pseudo-random function of RFC 9497 (VOPRF, ristretto255-SHA512). It
//! sees group elements that are uniformly random, and multiplies them with the list's key; it keeps nothing of them.
//! Each list has a key of its own per epoch, derived from one seed, so that what was learned of one list says nothing
//! of another, and what was learned of one epoch ends with it.
//!
//! | operation | body | answer |
//! |---|---|---|
//! | `POST /v1/blind/LIST:evaluate` | `{"epoch", "elements"}` | `{"evaluated", "proof"}`, or 409 for another epoch |
//! | `GET /v1/blind/LIST.tags` | – | the list's tags, ascending: 16 bytes of the function's value each |
//!
//! | list | its entries |
//! |---|---|
//! | `enterprises-at-risk` | 统一社会信用代码 of the enterprises that the register watches |
//! | `cardholders` | identity number and name of each person with a card: one in 256 |
//!
//! The tags are values of a pseudo-random function under a key that stays here. Whoever holds them can try an entry only
//! by one more evaluation, through the gateway.

mod list;
mod tags;

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Method, StatusCode};
use rand_core::OsRng;
use serde::{Deserialize, Serialize};
use shuzha_core::hex;
use voprf::{BlindedElement, Group as _, Ristretto255, VoprfServer};

use crate::Error;
use crate::packages::{Media, Packages};
use crate::service::{Answer, Call, Product};

pub use list::List;

/// Most elements of one request.
pub const ELEMENTS_MAX: usize = 512;
/// Longest name of an epoch.
pub const EPOCH_BYTES_MAX: usize = 32;
/// Separates these keys from any other use of the seed.
const KEY_DOMAIN: &str = "shuzha blind key 1";

/// Of files of tags.
const TAGS: Media =
    Media { kind: "application/octet-stream", disposition: "attachment; filename=\"list.tags\"" };

/// Blinded verification as a service.
pub struct Blind {
    epoch: String,
    lists: Vec<Keyed>,
}

/// A list under its key.
struct Keyed {
    list: List,
    key: VoprfServer<Ristretto255>,
    /// Computed when first asked for: some seconds of work for a large list.
    tags: OnceLock<Packages>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    epoch: String,
    elements: Vec<String>,
}

#[derive(Serialize)]
struct Evaluated {
    evaluated: Vec<String>,
    proof: String,
}

impl Blind {
    /// All lists under the keys of `epoch`, derived from `seed` (RFC 9497 §3.2.1).
    ///
    /// # Errors
    /// [`Error::Data`] when the name of the epoch is empty, too long or not plain.
    pub fn new(seed: &[u8; 32], epoch: &str) -> Result<Self, Error> {
        let failed = |reason: &str| Error::Data { file: "epoch", reason: reason.to_owned() };
        let plain = epoch.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !plain || epoch.is_empty() || epoch.len() > EPOCH_BYTES_MAX {
            return Err(failed("an epoch is 1 to 32 letters, digits and hyphens"));
        }
        let keyed = |list: List| {
            // Neither name holds a line feed.
            let info = format!("{KEY_DOMAIN}\n{}\n{epoch}", list.name());
            let key = VoprfServer::new_from_seed(seed, info.as_bytes());
            let key = key.map_err(|_| failed("the seed gives no key for it"))?;
            Ok(Keyed { list, key, tags: OnceLock::new() })
        };
        let lists = List::ALL.into_iter().map(keyed).collect::<Result<_, Error>>()?;
        Ok(Self { epoch: epoch.to_owned(), lists })
    }

    /// The epoch's name.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The public key of each list, base64url.
    pub fn public_keys(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.lists.iter().map(|keyed| {
            let key = Ristretto255::serialize_elem(keyed.key.get_public_key());
            (keyed.list.name(), URL_SAFE_NO_PAD.encode(key))
        })
    }

    /// What each list is committed to in its product's declaration: its name, how many entries it has, and the SHA-256 of its tag
    /// file. Some seconds of work.
    pub fn commitments(&self) -> impl Iterator<Item = (&'static str, usize, String)> {
        self.lists.iter().map(|keyed| {
            let file = tags::file(&keyed.key, &self.epoch, keyed.list.entries());
            let digest = ring::digest::digest(&ring::digest::SHA256, &file);
            (keyed.list.name(), keyed.list.entries().len(), hex::encode(digest.as_ref()))
        })
    }

    /// Evaluates `elements` under the key of `list`, as the operation does.
    ///
    /// # Errors
    /// What is wrong, in words: an element is none, or there are none or too many of them.
    pub fn evaluate(&self, list: List, elements: &[String]) -> Result<(Vec<String>, String), &'static str> {
        let keyed = self.lists.iter().find(|keyed| keyed.list == list).expect("every list has a key");
        if elements.is_empty() || elements.len() > ELEMENTS_MAX {
            return Err("elements: 1 to 512");
        }
        let read = |text: &String| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == 32)?;
            BlindedElement::<Ristretto255>::deserialize(&bytes).ok()
        };
        let elements: Option<Vec<_>> = elements.iter().map(read).collect();
        let elements = elements.ok_or("elements: not group elements")?;
        let done = keyed.key.batch_blind_evaluate(&mut OsRng, &elements);
        let done = done.map_err(|_| "elements: not one batch")?;
        let evaluated = done.messages.iter().map(|one| URL_SAFE_NO_PAD.encode(one.serialize()));
        Ok((evaluated.collect(), URL_SAFE_NO_PAD.encode(done.proof.serialize())))
    }

    fn answer_evaluate(&self, list: List, asked: &Asked) -> Answer {
        if asked.epoch != self.epoch {
            return Answer::refused(StatusCode::CONFLICT, "epoch");
        }
        match self.evaluate(list, &asked.elements) {
            Ok((evaluated, proof)) => Answer::json(StatusCode::OK, &Evaluated { evaluated, proof }),
            Err(what) => Answer::invalid(what),
        }
    }

    /// The file of tags of one list.
    fn tags(&self, keyed: &Keyed) -> Packages {
        let made =
            || Packages::of(Bytes::from(tags::file(&keyed.key, &self.epoch, keyed.list.entries())), TAGS);
        keyed.tags.get_or_init(made).clone()
    }
}

impl Product for Blind {
    fn name(&self) -> &'static str {
        "blind"
    }

    fn contract(&self) -> &'static str {
        "POST /v1/blind/LIST 1\nGET /v1/blind/LIST.tags 1\n"
    }

    fn answer(&self, call: &Call<'_>) -> Answer {
        let Some(rest) = call.path.strip_prefix("/v1/blind/") else { return Answer::not_found() };
        for keyed in &self.lists {
            match rest.strip_prefix(keyed.list.name()) {
                Some(":evaluate") => return call.post(|asked| self.answer_evaluate(keyed.list, asked)),
                Some(".tags") if matches!(*call.method, Method::GET | Method::HEAD) => {
                    return self.tags(keyed).get(call);
                }
                Some(".tags") => return Answer::method_not_allowed("GET, HEAD"),
                _ => {}
            }
        }
        Answer::not_found()
    }
}

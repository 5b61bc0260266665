//! What a request must be before anything is looked up.

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use shuzha_core::Fault;
use shuzha_core::{Code, Id, text};
use shuzha_products::declaring;

use crate::error::Refusal;
use crate::view::{Attachment, Request};
use crate::{Error, Kind};

/// A request within its bounds, with the digest by which a retry is known.
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) kind: Kind,
    pub(super) name: &'a Id,
    pub(super) digest: [u8; 32],
}

impl<'a> Asked<'a> {
    pub(super) fn new(
        verb: &str,
        kind: Kind,
        name: &'a Id,
        body: &Value,
        request: &'a Request<'a>,
    ) -> Result<Self, Error> {
        let mut faults = Vec::new();
        let mut fault = |path: String, reason: String| faults.push(Fault::new(path, reason));
        if request.reason.chars().count() > Request::REASON_CHARS_MAX {
            fault("reason".to_owned(), format!("has at most {} characters", Request::REASON_CHARS_MAX));
        }
        if request.key.is_some_and(|key| key.is_empty() || key.len() > Request::KEY_BYTES_MAX) {
            return Err(Error::fault(
                Code::C1001,
                "Idempotency-Key",
                format!("has 1 to {} bytes", Request::KEY_BYTES_MAX),
            ));
        }
        if request.attachments.len() > Attachment::COUNT_MAX {
            fault("attachments".to_owned(), format!("at most {} entries", Attachment::COUNT_MAX));
        }
        for (at, attachment) in request.attachments.iter().enumerate() {
            let characters = attachment.name.chars().count();
            if characters == 0 || characters > Attachment::NAME_CHARS_MAX {
                let reason = format!("has 1 to {} characters", Attachment::NAME_CHARS_MAX);
                fault(format!("attachments[{at}].name"), reason);
            }
        }
        for (path, written) in request
            .attachments
            .iter()
            .enumerate()
            .map(|(at, attachment)| (format!("attachments[{at}].name"), &*attachment.name))
            .chain([("reason".to_owned(), request.reason)])
        {
            if let Err(error) = text::check(written) {
                fault(path, error.to_string());
            }
        }
        faults.extend(declaring::check(kind.name(), body));
        if !faults.is_empty() {
            return Err(faulty(faults));
        }
        if let Some(at) = request.attachments.iter().position(|a| a.bytes > Attachment::BYTES_MAX) {
            let reason = format!("a document has at most {} bytes", Attachment::BYTES_MAX);
            return Err(Error::fault(Code::C1010, &format!("attachments[{at}].bytes"), reason));
        }
        let attachments = request.attachments.iter().map(|a| json!([a.name, a.bytes, a.sha256]));
        let attachments: Vec<Value> = attachments.collect();
        let whole =
            json!([verb, kind.name(), name.as_str(), body, request.expected, request.reason, attachments]);
        let digest = digest(&SHA256, whole.to_string().as_bytes());
        let digest = digest.as_ref().try_into().expect("SHA-256 gives 32 bytes");
        Ok(Self { request, kind, name, digest })
    }
}

/// C1002 with its faults.
pub(super) fn faulty(faults: Vec<Fault>) -> Error {
    Error::Refused(Refusal { code: Code::C1002, faults, retry_after: None })
}

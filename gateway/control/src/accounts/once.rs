//! Retries: a request with the same key is done once. What was shown once is not shown again.

use ring::digest::{SHA256, digest};
use serde_json::Value;
use shuzha_core::{Code, Id};
use shuzha_store::register::Answer;

use super::Accounts;
use crate::view::Request;
use crate::{Caller, Error};

/// What is asked for, and the key by which a retry of it is known.
pub(super) struct Asked {
    account: Id,
    key: Option<String>,
    digest: [u8; 32],
}

impl Accounts {
    /// `what` is all that the request says.
    ///
    /// # Errors
    /// C1001 for a key that is none.
    pub(super) fn asked(caller: &Caller, key: Option<&str>, what: &Value) -> Result<Asked, Error> {
        if key.is_some_and(|key| key.is_empty() || key.len() > Request::KEY_BYTES_MAX) {
            let reason = format!("has 1 to {} bytes", Request::KEY_BYTES_MAX);
            return Err(Error::fault(Code::C1001, "Idempotency-Key", reason));
        }
        let digest = digest(&SHA256, what.to_string().as_bytes());
        let digest = digest.as_ref().try_into().expect("SHA-256 gives 32 bytes");
        Ok(Asked { account: caller.account.clone(), key: key.map(str::to_owned), digest })
    }

    /// Runs `first`, or `again` where it was done before; `first` keeps the answer it is handed with its act.
    ///
    /// # Errors
    /// C1009 where the key was used for something else; of either function.
    pub(super) fn once<T>(
        &self,
        asked: &Asked,
        first: impl FnOnce(Option<Answer>) -> Result<T, Error>,
        again: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.done_before(asked)? {
            return again();
        }
        let answer = asked.key.clone().map(|key| Answer {
            account: asked.account.clone(),
            key,
            request: asked.digest,
            // Nothing of what was shown.
            answer: "null".to_owned(),
        });
        match first(answer) {
            // Of two at once the second finds done what it was to do.
            Err(Error::Refused(_)) if self.done_before(asked)? => again(),
            done => done,
        }
    }

    fn done_before(&self, asked: &Asked) -> Result<bool, Error> {
        let Some(key) = &asked.key else { return Ok(false) };
        match self.control.register.answer(&asked.account, key)? {
            Some((kept, _)) if kept.request == asked.digest => Ok(true),
            Some(_) => Err(Code::C1009.into()),
            None => Ok(false),
        }
    }
}

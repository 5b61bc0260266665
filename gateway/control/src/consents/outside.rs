//! The outside view: status lists that anyone may fetch and check with the platform's public key.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use shuzha_core::Code;
use shuzha_privacy::consent::{self, StatusList};

use super::ConsentService;
use crate::Error;

/// For how long whoever has fetched a list may rely on it.
pub const STATUS_TTL: Duration = Duration::from_secs(60);
/// For how long a signed list is handed out again.
const KEPT: Duration = Duration::from_secs(10);

impl ConsentService {
    /// Status list `list`, signed (`application/statuslist+jwt`).
    ///
    /// # Errors
    /// C1003 where there is no such list.
    pub fn status_list(&self, list: u32) -> Result<Arc<str>, Error> {
        let now = self.control.now();
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((signed, text)) = lists.get(&list)
            && *signed <= now
            && now < signed.plus(KEPT)
        {
            return Ok(Arc::clone(text));
        }
        if self.status_address.is_empty() || self.store.last_list()?.is_none_or(|last| list > last) {
            return Err(Code::C1003.into());
        }
        let mut statuses = StatusList::new();
        for idx in self.store.places_withdrawn(list)? {
            statuses.withdraw(idx);
        }
        let uri = self.list_address(list);
        let token = consent::issue_status_list(&statuses, &uri, now, STATUS_TTL, &self.signer)?;
        let text: Arc<str> = token.into();
        lists.insert(list, (now, Arc::clone(&text)));
        Ok(text)
    }

    pub(super) fn list_address(&self, list: u32) -> String {
        format!("{}/{list}", self.status_address)
    }
}

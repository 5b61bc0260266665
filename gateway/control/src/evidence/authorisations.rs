//! When the authorisations ended that records of calls belong to (REQUIREMENTS H8).

use shuzha_core::{Id, Timestamp};
use shuzha_products::Window;
use shuzha_store::StoreError;
use shuzha_store::register::{ActFilter, Filter, Object};
use shuzha_store::retention::{AuthorisationEnd, Authorisations};

use crate::Control;
use crate::force::json;

/// Kinds of authorisation.
const KINDS: [&str; 2] = ["Agreement", "OperatingAgreement"];
/// States in which one is in force.
const IN_FORCE: [&str; 2] = ["in-force", "suspended"];
/// States that one enters when it ends.
const ENDED: [&str; 3] = ["terminated", "expired", "amended"];
/// What follows its end.
const CLOSED: &str = "archived";
/// Objects, or acts of one, that are read at once.
const AT_ONCE: usize = 500;

impl Authorisations for Control {
    fn last_end(&self, from: Timestamp, until: Timestamp) -> Result<Option<AuthorisationEnd>, StoreError> {
        let mut last: Option<AuthorisationEnd> = None;
        for kind in KINDS {
            let mut after = None;
            loop {
                let filter = Filter { kind, after: after.as_ref(), limit: AT_ONCE, ..Filter::default() };
                let page = self.register.list(&filter)?;
                for object in &page {
                    let Some((began, ended)) = self.life(object)? else { continue };
                    let later = last.as_ref().is_none_or(|known| known.at < ended);
                    if began < until && ended >= from && later {
                        last = Some(AuthorisationEnd { of: format!("{kind}/{}", object.name), at: ended });
                    }
                }
                match page.last() {
                    Some(object) if page.len() == AT_ONCE => after = Some(object.name.clone()),
                    _ => break,
                }
            }
        }
        Ok(last)
    }
}

impl Control {
    /// From when until when the authorisation was in force; until the end of its term where it still is, none where it never was.
    fn life(&self, object: &Object) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        let Some(state) = &object.state else { return Ok(None) };
        let spec = json(object, &object.spec).map_err(|_| StoreError::BadRow("objects"))?;
        let Some(window) = spec.get("window").and_then(Window::of_spec) else { return Ok(None) };
        let ended = match state.name.as_str() {
            name if IN_FORCE.contains(&name) => window.until(),
            name if ENDED.contains(&name) || name == CLOSED => {
                self.entered(&object.kind, &object.name)?.unwrap_or(object.updated)
            }
            _ => return Ok(None),
        };
        Ok(Some((window.from(), ended)))
    }

    /// When the authorisation entered a state in which it is over.
    fn entered(&self, kind: &str, name: &Id) -> Result<Option<Timestamp>, StoreError> {
        let (mut before, mut found) = (None, None);
        loop {
            let filter = ActFilter {
                before,
                kind: Some(kind),
                name: Some(name.as_str()),
                limit: AT_ONCE,
                ..ActFilter::default()
            };
            let acts = self.register.acts(&filter)?;
            let ends = |state: &Option<String>| state.as_deref().is_some_and(|state| ENDED.contains(&state));
            if let Some(first) = acts.iter().rev().find(|recorded| ends(&recorded.act.state)) {
                found = Some(first.act.at);
            }
            match acts.last() {
                Some(oldest) if acts.len() == AT_ONCE => before = Some(oldest.revision),
                _ => return Ok(found),
            }
        }
    }
}

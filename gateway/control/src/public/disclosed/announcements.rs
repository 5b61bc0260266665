//! Announcements (公告): what became of registrations and authorisations, from the acts that brought it about, so that
//! what was announced stays announced.

use serde_json::Value;
use shuzha_core::Id;
use shuzha_store::register::{ActFilter, Recorded};

use super::{Cell, Rows};
use crate::{Control, Error, Page};

/// Most acts that one page looks through.
const LOOKED_AT_MAX: usize = 2_000;

/// What is announced: the kind, the state that a case of it reached, and the words for people.
pub(super) const ANNOUNCED: &[(&str, &str, &str)] = &[
    ("Registration", "publicity", "登记公示 publicity of a registration"),
    ("Registration", "certified", "准予登记，凭证有效 registered, the certificate is good"),
    ("Registration", "suspended", "凭证暂停 certificate suspended"),
    ("Registration", "cancelled", "登记注销 registration cancelled"),
    ("Registration", "expired", "凭证到期注销 certificate expired"),
    ("Registration", "revoked", "登记撤销 registration revoked"),
    ("Scenario", "approved", "应用场景批准 scenario approved"),
    ("Scenario", "suspended", "应用场景暂停 scenario suspended"),
    ("Scenario", "terminated", "应用场景终止 scenario ended"),
    ("Agreement", "in-force", "协议生效 agreement in force"),
    ("Agreement", "suspended", "协议暂停 agreement suspended"),
    ("Agreement", "terminated", "协议终止 agreement ended"),
    ("Agreement", "expired", "协议到期 agreement expired"),
    ("OperatingAgreement", "in-force", "授权运营协议生效 operating agreement in force"),
    ("OperatingAgreement", "amended", "授权运营协议变更 operating agreement amended"),
    ("OperatingAgreement", "terminated", "授权运营协议终止 operating agreement ended"),
    ("OperatingAgreement", "expired", "授权运营协议到期 operating agreement expired"),
    ("PrivacyRaise", "publicity", "隐私预算上限提高公示 publicity of a raise of a privacy cap"),
    ("PrivacyRaise", "in-force", "隐私预算上限提高生效 raise of a privacy cap in force"),
];

/// The state of what was stopped for a time, and what leaving it for one in force is called.
const SUSPENDED: &str = "suspended";
const RESUMED: &str = "恢复 resumed";

fn announced(kind: &str, state: Option<&str>) -> Option<&'static str> {
    let found = ANNOUNCED.iter().find(|(of, become_, _)| *of == kind && Some(*become_) == state);
    found.map(|(_, _, words)| *words)
}

impl Control {
    /// Announcements before the act `before`, the latest first.
    pub(super) fn announcements(&self, before: Option<u64>, limit: usize) -> Result<Rows, Error> {
        let (mut items, mut next, mut reached) = (Vec::new(), None, before);
        let acts =
            self.register.acts(&ActFilter { before, limit: LOOKED_AT_MAX + 1, ..ActFilter::default() })?;
        for (index, recorded) in acts.iter().enumerate() {
            if index == LOOKED_AT_MAX || items.len() == limit {
                next = reached.map(|revision| revision.to_string());
                break;
            }
            reached = Some(recorded.revision);
            let Some(words) = announced(&recorded.act.kind, recorded.act.state.as_deref()) else { continue };
            match self.state_before(recorded)? {
                // The act added to it, and changed nothing.
                before if before == recorded.act.state => {}
                Some(before) if before == SUSPENDED => items.push(self.announcement(recorded, RESUMED)?),
                _ => items.push(self.announcement(recorded, words)?),
            }
        }
        Ok(Page { items, next })
    }

    /// The state that the act found.
    fn state_before(&self, recorded: &Recorded) -> Result<Option<String>, Error> {
        let (before, act) = (Some(recorded.revision), &recorded.act);
        let filter = ActFilter {
            before,
            kind: Some(&act.kind),
            name: Some(act.name.as_str()),
            limit: 1,
            ..ActFilter::default()
        };
        Ok(self.register.acts(&filter)?.pop().and_then(|earlier| earlier.act.state))
    }

    fn announcement(&self, recorded: &Recorded, words: &str) -> Result<Vec<Cell>, Error> {
        let act = &recorded.act;
        let text = |text: &str| Cell::Text(text.to_owned());
        Ok(vec![
            text(&recorded.revision.to_string()),
            Cell::Instant(act.at),
            text(&act.kind),
            text(act.name.as_str()),
            self.announced_title(&act.kind, &act.name)?.map_or(Cell::None, Cell::Text),
            text(act.state.as_deref().unwrap_or_default()),
            text(words),
        ])
    }

    fn announced_title(&self, kind: &str, name: &Id) -> Result<Option<String>, Error> {
        let Some(object) = self.register.get(kind, name.as_str())? else { return Ok(None) };
        if kind == "Registration" {
            return Ok(self.published(&object)?.map(|found| found.registered.title));
        }
        let spec = crate::force::json(&object, &object.spec)?;
        let title = match kind {
            "Agreement" => self.unit_title(&spec)?,
            "OperatingAgreement" => {
                self.titled("Organisation", spec.get("operator").and_then(Value::as_str))?
            }
            _ => return Ok(spec.get("title").and_then(Value::as_str).map(str::to_owned)),
        };
        Ok(if let Cell::Text(title) = title { Some(title) } else { None })
    }
}

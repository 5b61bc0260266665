//! Reading the register as a caller may see it: what is not theirs to see is not there (C1003).

use shuzha_core::{Code, Id, Role, Timestamp};
use shuzha_products::case::{Act, By, Duty, Subject, Verb};
use shuzha_store::register::{ActFilter, Filter, Notice, Object, Recorded};

use crate::force::json;
use crate::permission::Of;
use crate::view::{Attachment, Author, HistoryEntry, ObjectView};
use crate::{Caller, Control, Error, Kind, separation, stored};

/// Notices that tell of decisions, and not of terms that ran out.
const DECIDED: [&str; 5] = ["suspended", "confirmed", "lifted", "terminated", "resumed"];

/// Most objects of one page.
const PAGE_MAX: usize = 200;

/// Which objects to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// Only of this owner.
    pub owner: Option<&'a Id>,
    /// Only in this state.
    pub state: Option<&'a str>,
    /// Only with this text in name or spec.
    pub text: Option<&'a str>,
    /// Only with a deadline that has passed.
    pub overdue: bool,
    /// Only after this name: the cursor.
    pub after: Option<&'a Id>,
    /// At most so many, 1 to 200; 0 for 50.
    pub limit: usize,
}

/// Which acts to list, newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditQuery<'a> {
    /// Only on objects of this kind.
    pub kind: Option<&'a str>,
    /// Only on objects of this name.
    pub name: Option<&'a str>,
    /// Only by this account.
    pub actor: Option<&'a str>,
    /// Only this verb.
    pub verb: Option<&'a str>,
    /// Only at or after.
    pub from: Option<Timestamp>,
    /// Only before.
    pub until: Option<Timestamp>,
    /// Only before this revision: the cursor.
    pub before: Option<u64>,
    /// At most so many, 1 to 200; 0 for 50.
    pub limit: usize,
}

/// One page, and where the next one begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T, C> {
    /// In order.
    pub items: Vec<T>,
    /// The cursor of the next page, where there is more.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// Of one item more than the page takes, the cursor; the last one is then left out.
    pub(crate) fn cut(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> C) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
}

fn page_size(limit: usize) -> usize {
    const PAGE_DEFAULT: usize = 50;
    if limit == 0 { PAGE_DEFAULT } else { limit.min(PAGE_MAX) }
}

impl Control {
    /// One object.
    ///
    /// # Errors
    /// C1003 when there is none, or none that the caller may see.
    pub fn get(&self, caller: &Caller, kind: &str, name: &Id) -> Result<ObjectView, Error> {
        let kind = Kind::find(kind).ok_or(Code::C1003)?;
        let object = self.register.get(kind.name(), name.as_str())?.ok_or(Code::C1003)?;
        if !self.sees(caller, kind, &object)? {
            return Err(Code::C1003.into());
        }
        self.view(kind, object)
    }

    /// Objects of a kind in order of name, as far as the caller may see them.
    ///
    /// # Errors
    /// C1003 for an unknown kind.
    pub fn list(
        &self,
        caller: &Caller,
        kind: &str,
        query: &Query<'_>,
    ) -> Result<Page<ObjectView, Id>, Error> {
        let kind = Kind::find(kind).ok_or(Code::C1003)?;
        let limit = page_size(query.limit);
        let filter = Filter {
            kind: kind.name(),
            after: query.after,
            owner: query.owner,
            state: query.state,
            states: &[],
            text: query.text,
            concerning: Some(&caller.organisation),
            reach: self.reach(caller, kind)?,
            overdue: query.overdue,
            limit: limit + 1,
        };
        let found = self.register.list(&filter)?;
        let page = Page::cut(found, limit, |object| object.name.clone());
        let items = page.items.into_iter().map(|object| self.view(kind, object));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next: page.next })
    }

    /// What was done to one object, newest first.
    ///
    /// # Errors
    /// As [`Control::get`].
    pub fn history(
        &self,
        caller: &Caller,
        kind: &str,
        name: &Id,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Page<HistoryEntry, u64>, Error> {
        let object = self.get(caller, kind, name)?;
        let filter = ActFilter {
            kind: Some(object.kind),
            name: Some(name.as_str()),
            before,
            limit: page_size(limit) + 1,
            ..ActFilter::default()
        };
        self.page_of_acts(caller, &filter)
    }

    /// Acts on all objects and accounts, newest first: for the auditor and the authority.
    ///
    /// # Errors
    /// C1104 for others.
    pub fn audit(&self, caller: &Caller, query: &AuditQuery<'_>) -> Result<Page<HistoryEntry, u64>, Error> {
        if !caller.is(Role::Auditor) && !caller.is(Role::Authority) {
            return Err(Code::C1104.into());
        }
        self.page_of_acts(
            caller,
            &ActFilter {
                before: query.before,
                kind: query.kind,
                name: query.name,
                actor: query.actor,
                verb: query.verb,
                from: query.from,
                until: query.until,
                limit: page_size(query.limit) + 1,
            },
        )
    }

    /// Notices of deadlines that passed on cases the caller may see, newest first.
    ///
    /// # Errors
    /// Of the register.
    pub fn notices(
        &self,
        caller: &Caller,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Page<Notice, u64>, Error> {
        let limit = page_size(limit);
        let page = Page::cut(self.register.notices(before, limit + 1)?, limit, |notice| notice.id);
        let mut items = Vec::new();
        for notice in page.items {
            let Some(kind) = Kind::find(&notice.kind) else { continue };
            let (own, reach) = (&caller.organisation, self.reach(caller, kind)?);
            // What was decided is told to those whom it reaches: who supervises all of it reads it in the cases.
            if reach.all && DECIDED.contains(&notice.what.as_str()) {
                continue;
            }
            if self.register.reaches(own, &notice.kind, notice.name.as_str(), reach)? {
                items.push(notice);
            }
        }
        Ok(Page { items, next: page.next })
    }

    /// What the caller may do to the object now: by role, organisation, separation of duties, and the case's own word.
    ///
    /// # Errors
    /// Of the register.
    pub fn verbs(&self, caller: &Caller, view: &ObjectView) -> Result<Vec<&'static str>, Error> {
        let (case, state) = match (Kind::find(view.kind), &view.state) {
            (Some(Kind::Case(case)), Some((_, state))) => (case, state),
            (Some(Kind::Declared(_, access)), Some(_)) => return self.credential_verbs(caller, access, view),
            _ => return Ok(Vec::new()),
        };
        let duties = self.past_duties(&caller.account, view.kind, &view.name)?;
        let open = |verb: &'static Verb| {
            let applicant = verb.duty != Duty::Apply || view.owner.as_ref() == Some(&caller.organisation);
            let of = Of { kind: view.kind, name: &view.name, owner: view.owner.as_ref(), spec: &view.spec };
            let actor = self.permitted_case(caller, verb, of).ok().filter(|_| applicant)?;
            separation::check(&actor.account, verb.duty, &duties).ok().map(|()| (verb, actor))
        };
        let verbs: Vec<_> = case.verbs.iter().filter_map(open).collect();
        let Some((_, first)) = verbs.first() else { return Ok(Vec::new()) };
        let rules = self.rules();
        let (rules, calendar) = (&rules.jurisdiction, &rules.calendar);
        let act = Act { by: By::Person(first), at: self.now(), reason: "", rules, calendar, reasons: self };
        let (possible, _) = self.force().fetching(|fetch| {
            case.possible(&mut Subject { name: &view.name, spec: &view.spec, fetch }, state, &verbs, &act)
        })?;
        // What cannot be read any more takes no verb.
        Ok(possible.unwrap_or_default())
    }

    pub(crate) fn page_of_acts(
        &self,
        caller: &Caller,
        filter: &ActFilter<'_>,
    ) -> Result<Page<HistoryEntry, u64>, Error> {
        let page = Page::cut(self.register.acts(filter)?, filter.limit - 1, |act| act.revision);
        let items = page.items.into_iter().map(|recorded| shown(caller, recorded));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next: page.next })
    }

    /// Whether the caller may see the object.
    pub(crate) fn sees(&self, caller: &Caller, kind: Kind, object: &Object) -> Result<bool, Error> {
        let reach = self.reach(caller, kind)?;
        let clears = || crate::control::CLEARING.iter().any(|role| caller.is(*role));
        if reach.all || clears() && self.is_left_out(&object.kind, &object.name) {
            return Ok(true);
        }
        Ok(self.register.reaches(&caller.organisation, &object.kind, object.name.as_str(), reach)?)
    }

    pub(crate) fn view(&self, kind: Kind, object: Object) -> Result<ObjectView, Error> {
        let spec = json(&object, &object.spec)?;
        let state = match &object.state {
            Some(state) => Some((state.name.clone(), json(&object, &state.json)?)),
            None => None,
        };
        let deadlines = match state {
            Some(_) => self.register.deadlines(kind.name(), object.name.as_str())?,
            None => Vec::new(),
        };
        Ok(ObjectView {
            kind: kind.name(),
            name: object.name,
            version: object.version,
            owner: object.owner,
            spec,
            state,
            deadlines,
            created: object.created,
            updated: object.updated,
        })
    }
}

fn shown(caller: &Caller, recorded: Recorded) -> Result<HistoryEntry, Error> {
    let act = recorded.act;
    let attachments: Vec<Attachment> =
        stored::read_attachments(&act.attachments).map_err(|error| Error::Unreadable {
            kind: "act".to_owned(),
            name: recorded.revision.to_string(),
            what: error.to_string(),
        })?;
    Ok(HistoryEntry {
        revision: recorded.revision,
        id: act.id,
        at: act.at,
        by: act.by.map(|by| Author {
            account: Some(by.account).filter(|_| caller.sees_persons_of(&by.organisation)),
            organisation: by.organisation,
            role: by.role,
        }),
        verb: act.verb,
        object: (act.kind, act.name),
        state: act.state,
        reason: act.reason,
        attachments,
        journal_seq: recorded.journal_seq,
    })
}

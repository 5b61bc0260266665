//! What each act does to a registration.

use std::time::Duration;

use shuzha_core::{Code, Timestamp};

use super::command::{Changed, Command, NewContent};
use super::spec::Content;
use super::state::{Certified, Matter, Pending, Procedure, Standing, State, Step};
use super::{Registration, code, term};
use crate::case::{Act, Refused};
use crate::jurisdiction::Jurisdiction;
use shuzha_core::Fault;

mod objections;

const DAY: Duration = Duration::from_secs(86_400);

/// Whether an application of this kind is being handled.
pub(super) fn handles(state: &State, matter: Matter) -> bool {
    state.procedure.as_ref().is_some_and(|procedure| procedure.matter == matter)
}

/// Whether the jurisdiction registers this, and a certificate could have an end.
pub(super) fn permitted(content: &Content, act: &Act<'_>) -> Result<(), Refused> {
    if content.form.is_some_and(|form| !act.rules.permits_form(form)) {
        return Err(Code::C1209.into());
    }
    let ends = content
        .authorised_until
        .or_else(|| act.rules.registration.validity_years.map(|years| term::years_from(act.at, years)));
    if ends.is_some_and(|end| end > act.at) { Ok(()) } else { Err(Code::C1202.into()) }
}

pub(super) fn decide(
    case: &Registration,
    state: &State,
    command: Command,
    act: &Act<'_>,
) -> Result<State, Refused> {
    let mut next = state.clone();
    match command {
        Command::Submit(content) => submit(case, &mut next, content, act)?,
        Command::Withdraw => {
            handled(
                &mut next,
                &[Step::Draft, Step::Submitted, Step::Returned, Step::Accepted, Step::InReview],
            )?;
            drop_procedure(&mut next, Standing::Withdrawn, act.at);
        }
        Command::Accept => {
            let procedure = handled(&mut next, &[Step::Submitted])?;
            procedure.accepted = Some(act.at.micros());
            enter(procedure, Step::Accepted, act.at);
        }
        Command::Return(missing) => {
            let procedure = handled(&mut next, &[Step::Submitted])?;
            if procedure.notice.is_some() {
                return Err(Code::C1201.into());
            }
            procedure.notice = Some(missing);
            enter(procedure, Step::Returned, act.at);
        }
        Command::Refuse => {
            handled(&mut next, &[Step::Submitted])?;
            drop_procedure(&mut next, Standing::Refused, act.at);
        }
        Command::Review { passed } => {
            let procedure = handled(&mut next, &[Step::Accepted, Step::InReview])?;
            // Another finding takes the place of the last one; the same again would only move its time.
            if procedure.passed == Some(passed) {
                return Err(Code::C1007.into());
            }
            procedure.passed = Some(passed);
            enter(procedure, Step::InReview, act.at);
        }
        Command::Approve => approve(case, &mut next, act)?,
        Command::Reject { ground } => {
            handled(&mut next, &[Step::InReview, Step::Publicity])?;
            drop_procedure(&mut next, Standing::Rejected, act.at);
            next.ground = Some(ground.to_owned());
        }
        Command::Certify => {
            handled(&mut next, &[Step::Publicity])?;
            if next.objected() {
                return Err(Code::C1205.into());
            }
            if !publicised(&next, act) {
                return Err(Code::C1204.into());
            }
            complete(case, &mut next, act)?;
        }
        Command::Object { proof, against } => objections::object(&mut next, proof, against, act)?,
        Command::Resolve { number, outcome } => objections::resolve(case, &mut next, number, outcome, act)?,
        Command::Change { content, of, since } => {
            let rules = &act.rules.registration;
            let days = match of {
                Changed::Data => rules.data_change_filing,
                Changed::Registrant => rules.subject_change_filing,
                Changed::Other => None,
            };
            let pending = pending(case, content, act)?;
            let procedure = begin(&mut next, Matter::Change, act.at)?;
            procedure.pending = Some(pending);
            procedure.late = late(since, days, act);
        }
        Command::Correct(content) => {
            let pending = pending(case, content, act)?;
            begin(&mut next, Matter::Correction, act.at)?.pending = Some(pending);
        }
        Command::Renew => renew(&mut next, act)?,
        Command::Cancel { ground } => {
            begin(&mut next, Matter::Cancellation, act.at)?.ground = Some(ground.to_owned());
        }
        Command::Suspend => stand(&mut next, Standing::Certified, Standing::Suspended)?,
        Command::Resume => stand(&mut next, Standing::Suspended, Standing::Certified)?,
        Command::Revoke { ground } => {
            if !next.registered() {
                return Err(Code::C1007.into());
            }
            end(&mut next, Standing::Revoked, Some(ground));
        }
        Command::Expire => expire(&mut next, act)?,
    }
    Ok(next)
}

/// The application that is being handled, at one of these steps.
fn handled<'s>(state: &'s mut State, steps: &[Step]) -> Result<&'s mut Procedure, Refused> {
    let procedure = state.procedure.as_mut().filter(|procedure| steps.contains(&procedure.step));
    procedure.ok_or_else(|| Code::C1007.into())
}

fn enter(procedure: &mut Procedure, step: Step, at: Timestamp) {
    procedure.step = step;
    procedure.since = at.micros();
}

/// Starts an application about something registered. An open objection is settled first: nobody changes or cancels what
/// is disputed from under the objection.
fn begin(state: &mut State, matter: Matter, at: Timestamp) -> Result<&mut Procedure, Refused> {
    let from = match matter {
        Matter::Cancellation => state.registered(),
        _ => state.standing == Standing::Certified,
    };
    if !from || state.procedure.is_some() {
        return Err(Code::C1007.into());
    }
    if state.objected() {
        return Err(Code::C1205.into());
    }
    Ok(state.procedure.insert(Procedure::new(matter, Step::Submitted, at)))
}

fn late(since: Timestamp, days: Option<u16>, act: &Act<'_>) -> bool {
    days.is_some_and(|days| act.at >= act.calendar.due(since, days).at)
}

/// Accepts new content for what is registered: the same product, permitted here.
fn pending(case: &Registration, new: NewContent, act: &Act<'_>) -> Result<Pending, Refused> {
    permitted(&new.content, act)?;
    if new.content.product != case.content.product {
        let (path, reason) =
            ("content.basic.product", "must stay as it is; another product is registered anew");
        let fault = Fault::new(path, reason);
        return Err(Refused { code: Code::C1002, faults: vec![fault] });
    }
    Ok(Pending { content: new.json, authorised_until: new.content.authorised_until.map(Timestamp::micros) })
}

/// Gansu-R 25; after a notice, the term of acceptance runs anew from here (Gansu-R 26).
fn submit(
    case: &Registration,
    state: &mut State,
    content: Option<NewContent>,
    act: &Act<'_>,
) -> Result<(), Refused> {
    let procedure = handled(state, &[Step::Draft, Step::Returned])?;
    if let Some(content) = content {
        procedure.pending = Some(pending(case, content, act)?);
    }
    if procedure.matter == Matter::First && procedure.step == Step::Draft {
        procedure.late = late(case.content.delivered, act.rules.registration.first_filing, act);
    }
    enter(procedure, Step::Submitted, act.at);
    Ok(())
}

/// Gansu-R 27, 28: what passed the review is publicised, where the jurisdiction says so and the public has not seen it
/// before.
fn approve(case: &Registration, state: &mut State, act: &Act<'_>) -> Result<(), Refused> {
    let objected = state.objected();
    let procedure = handled(state, &[Step::InReview])?;
    if objected {
        return Err(Code::C1205.into());
    }
    if procedure.passed != Some(true) {
        return Err(Code::C1206.into());
    }
    let public = matches!(procedure.matter, Matter::First | Matter::Change);
    if public && act.rules.registration.publicity.is_some() {
        enter(procedure, Step::Publicity, act.at);
        return Ok(());
    }
    complete(case, state, act)
}

fn publicised(state: &State, act: &Act<'_>) -> bool {
    let since = state.procedure.as_ref().map(|procedure| Timestamp::from_micros(procedure.since));
    let due =
        since.zip(act.rules.registration.publicity).map(|(since, days)| act.calendar.due(since, days).at);
    due.is_none_or(|due| due <= act.at)
}

/// Does what was applied for.
fn complete(case: &Registration, state: &mut State, act: &Act<'_>) -> Result<(), Refused> {
    let Some(procedure) = state.procedure.take() else { return Err(Code::C1007.into()) };
    if procedure.matter == Matter::First {
        state.authorised_until = case.content.authorised_until.map(Timestamp::micros);
    }
    if let Some(pending) = procedure.pending {
        state.content = Some(pending.content);
        state.authorised_until = pending.authorised_until;
    }
    let authorised = state.authorised_until.map(Timestamp::from_micros);
    match (procedure.matter, &mut state.certificate) {
        (Matter::First, _) => {
            state.certificate = Some(issue(case, authorised, act)?);
            state.standing = Standing::Certified;
        }
        (Matter::Cancellation, _) => end(state, Standing::Cancelled, procedure.ground.as_deref()),
        (Matter::Renewal, Some(certificate)) => {
            certificate.until = renewed(certificate.until, authorised, act)?
        }
        // A shorter authorisation cuts the certificate; a longer one is for a renewal to use.
        (Matter::Change | Matter::Correction, Some(certificate)) => {
            let cut = authorised.map_or(certificate.until, Timestamp::micros);
            certificate.until = certificate.until.min(cut);
        }
        (_, None) => return Err(Code::C1007.into()),
    }
    Ok(())
}

/// Gansu-R 37: three years from the day of issue, or the authorised term if that is shorter.
fn issue(case: &Registration, authorised: Option<Timestamp>, act: &Act<'_>) -> Result<Certified, Refused> {
    let years = act.rules.registration.validity_years.map(|years| term::years_from(act.at, years));
    let until = years.into_iter().chain(authorised).min().filter(|until| *until > act.at);
    let Some(until) = until else { return Err(Code::C1202.into()) };
    Ok(Certified {
        product: case.content.product.as_ref().map(|product| product.as_str().to_owned()),
        code: code::issue(&case.name, act.at),
        from: act.at.micros(),
        until: until.micros(),
    })
}

/// Gansu-R 37: from the end of the last term, at most so many years, never past the authorisation.
fn renewed(until: i64, authorised: Option<Timestamp>, act: &Act<'_>) -> Result<i64, Refused> {
    let Some(rule) = act.rules.registration.renewal else { return Err(Code::C1203.into()) };
    let longest = term::years_from(Timestamp::from_micros(until), rule.years_max);
    let next = authorised.map_or(longest, |authorised| authorised.min(longest)).micros();
    if next > until { Ok(next) } else { Err(Code::C1202.into()) }
}

fn renew(state: &mut State, act: &Act<'_>) -> Result<(), Refused> {
    let until = state.certificate.as_ref().map(|certificate| certificate.until).unwrap_or_default();
    let authorised = state.authorised_until.map(Timestamp::from_micros);
    begin(state, Matter::Renewal, act.at)?;
    let opens = renewable_from(until, act.rules).ok_or(Code::C1203)?;
    if act.at < opens || act.at >= Timestamp::from_micros(until) {
        return Err(Code::C1203.into());
    }
    renewed(until, authorised, act).map(drop)
}

/// From when a certificate that ends at `until` may be renewed; none where the rules know no renewal.
pub(super) fn renewable_from(until: i64, rules: &Jurisdiction) -> Option<Timestamp> {
    let days = rules.registration.renewal?.window_days;
    Some(Timestamp::from_micros(until).minus(DAY * u32::from(days)))
}

fn stand(state: &mut State, from: Standing, to: Standing) -> Result<(), Refused> {
    if state.standing != from {
        return Err(Code::C1007.into());
    }
    state.standing = to;
    Ok(())
}

/// Ends a first application as `ended`; of what is registered, only the application ends, and with it the registration if
/// its certificate ran out meanwhile.
fn drop_procedure(state: &mut State, ended: Standing, at: Timestamp) {
    state.procedure = None;
    objections::lapse(state);
    if !state.registered() {
        state.standing = ended;
    } else if state.certificate.as_ref().is_none_or(|certificate| certificate.until <= at.micros()) {
        lapse(state);
    }
}

fn end(state: &mut State, standing: Standing, ground: Option<&str>) {
    state.procedure = None;
    objections::lapse(state);
    state.standing = standing;
    state.ground = ground.map(str::to_owned);
}

/// Gansu-R 37: not renewed, so cancelled and announced.
fn lapse(state: &mut State) {
    end(state, Standing::Cancelled, Some("not-renewed"));
    state.announced = true;
}

fn expire(state: &mut State, act: &Act<'_>) -> Result<(), Refused> {
    let until = state.certificate.as_ref().map(|certificate| certificate.until);
    let Some(until) = until.filter(|until| state.registered() && *until <= act.at.micros()) else {
        return Err(Code::C1007.into());
    };
    let could_renew = act.rules.registration.renewal.is_some();
    if could_renew && state.authorised_until.is_none_or(|authorised| authorised > until) {
        lapse(state);
    } else {
        end(state, Standing::Expired, Some("term-ended"));
    }
    Ok(())
}

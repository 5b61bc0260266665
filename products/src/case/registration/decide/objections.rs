//! Objections (异议, Gansu-R 31–33): who may raise one, against what, and what comes of it.

use ring::digest::{Context, SHA256};
use shuzha_core::Code;

use super::super::Registration;
use super::super::state::{Against, Objection, ObjectionOutcome, Standing, State, Step};
use super::{DAY, complete, drop_procedure, end, publicised};
use crate::case::parts::person;
use crate::case::{Act, Actor, Refused};

/// Most open objections to one registration.
const OBJECTIONS_MAX: usize = 16;
/// Most objections of one person to one thing: to one change, or to a registration within a year.
const OBJECTIONS_OF_ONE_MAX: usize = 3;

/// Gansu-R 31: in publicity, or afterwards. Each person raises an objection once, decided or not; others may raise the
/// same. What is publicised is what an objection is to, unless it says otherwise.
pub(super) fn object(
    state: &mut State,
    proof: String,
    against: Option<Against>,
    act: &Act<'_>,
) -> Result<(), Refused> {
    let change = state.publicised_change().map(|procedure| procedure.since);
    let registered = state.registered() || state.step() == Some(Step::Publicity);
    let (against, since) = match (against, change) {
        (None | Some(Against::Change), Some(since)) => (Against::Change, since),
        (None | Some(Against::Registration), _) if registered => {
            (Against::Registration, act.at.minus(DAY * 365).micros())
        }
        _ => return Err(Code::C1007.into()),
    };
    let (by, mark) = (Some(mark(person(act)?, "")), Some(mark(person(act)?, &proof)));
    let same = |objection: &&Objection| objection.against == against && objection.at >= since;
    let of_one = state.objections.iter().filter(same).filter(|objection| objection.by == by).count();
    if state.objections.iter().filter(same).any(|objection| objection.mark == mark) {
        return Err(Code::C1007.into());
    }
    let open = state.objections.iter().filter(|objection| objection.is_open()).count();
    if open >= OBJECTIONS_MAX || of_one >= OBJECTIONS_OF_ONE_MAX {
        return Err(Code::C1208.into());
    }
    state.objections.push(Objection { at: act.at.micros(), proof, outcome: None, mark, by, against });
    Ok(())
}

/// Tells one person's objection from another's of the same proof, and names nobody.
fn mark(by: &Actor, proof: &str) -> String {
    let mut context = Context::new(&SHA256);
    for part in [by.organisation.as_str(), by.account.as_str(), proof] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    shuzha_core::hex::encode(context.finish().as_ref())
}

/// Gansu-R 32, 33. In publicity, revoking means that it is not registered; of a change, that it is not changed.
pub(super) fn resolve(
    case: &Registration,
    state: &mut State,
    number: usize,
    outcome: ObjectionOutcome,
    act: &Act<'_>,
) -> Result<(), Refused> {
    let live = state.registered() || state.step() == Some(Step::Publicity);
    let found = number.checked_sub(1).and_then(|at| state.objections.get_mut(at));
    let Some(objection) = found.filter(|objection| live && objection.is_open()) else {
        return Err(Code::C1207.into());
    };
    objection.outcome = Some(outcome);
    let against = objection.against;
    match outcome {
        ObjectionOutcome::Revoke if against == Against::Change => {
            drop_procedure(state, Standing::Rejected, act.at);
        }
        ObjectionOutcome::Revoke if state.registered() => end(state, Standing::Revoked, Some("objection")),
        ObjectionOutcome::Revoke => end(state, Standing::Rejected, Some("disputed")),
        ObjectionOutcome::Undetermined | ObjectionOutcome::Lapsed => {}
        // The publicity period ended while the objection was open.
        ObjectionOutcome::Uphold => {
            if state.step() == Some(Step::Publicity) && !state.objected() && publicised(state, act) {
                complete(case, state, act)?;
            }
        }
    }
    Ok(())
}

/// A change that is not handled any more needs no answer to who objected to it.
pub(super) fn lapse(state: &mut State) {
    let open = |objection: &&mut Objection| objection.is_open() && objection.against == Against::Change;
    for objection in state.objections.iter_mut().filter(open) {
        objection.outcome = Some(ObjectionOutcome::Lapsed);
    }
}

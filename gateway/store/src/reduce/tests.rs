//! The reducer's rules one by one, and its laws against a naive model that keeps no state.

pub(crate) mod laws;

use shuzha_core::{Code, Measure, NanoCharge};
use shuzha_evidence::{Act, Boot, Delivery, Outcome, PurposeClass};

use super::*;

pub(crate) const START: i64 = 1_700_000_000_000_000;

pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(START + micros)
}

pub(crate) fn request(number: u8) -> RequestId {
    RequestId::from_bytes([number; 16])
}

pub(crate) fn terms(unit: &'static str) -> Terms<'static> {
    Terms {
        unit,
        credential: "key-1",
        product: "report",
        version: 1,
        operation: "run",
        scenario: "planning",
        grant: "grant-1",
        agreement: "agreement-1",
        purpose: Some(PurposeClass::Industry),
        price: "price-1",
        data_set: "census",
        snapshot: [1; 8],
    }
}

/// An intent that holds one use of consent `[9; 16]`, 0.1 of the budget and one yuan, under key `[5; 16]`.
pub(crate) fn intent(number: u8) -> Intent<'static> {
    Intent {
        request: request(number),
        received: at(i64::from(number)),
        terms: terms("bank-a"),
        nonce: [number; 8],
        idempotency: Some([5; 16]),
        request_commitment: [6; 16],
        consent: Some([9; 16]),
        charge: NanoCharge::from_nanos(100),
        amount: MicroYuan::YUAN,
        consent_parent: None,
        space: "people",
        measure: Some(Measure::Rho),
        release: Some([4; 16]),
    }
}

/// The record that closes [`intent`].
pub(crate) fn call(number: u8, decision: Decision) -> Call<'static> {
    let held = intent(number);
    let answered = decision == Decision::Answered;
    Call {
        admitted_after: 1,
        sent_after: 2,
        answered_after: 3,
        terms: held.terms,
        nonce: held.nonce,
        idempotency: held.idempotency,
        consent: held.consent,
        charge: held.charge,
        quantity: u32::from(answered),
        amount: if answered { held.amount } else { MicroYuan::ZERO },
        decision,
        code: (decision == Decision::Refused).then_some(Code::C401),
        outcome: if answered { Outcome::Charged } else { Outcome::None },
        request_bytes: 10,
        response_bytes: 20,
        request_commitment: Some(held.request_commitment),
        ..Call::of(held.request, held.received)
    }
}

pub(crate) fn boot() -> Entry<'static> {
    Entry::Boot(Boot { at: at(0), node: "gate-1", version: "0.1.0" })
}

pub(crate) fn closing(number: u8, decision: Decision) -> Entry<'static> {
    Entry::Call(Box::new(call(number, decision)))
}

/// Applies `entries` behind a first boot, each at its position.
pub(crate) fn apply_all(entries: &[Entry<'_>]) -> Result<(State, Changes), StoreError> {
    let (mut state, mut changes) = (State::default(), Changes::default());
    for entry in std::iter::once(&boot()).chain(entries) {
        let position = next(&state, entry);
        state.apply(position, entry, &mut changes)?;
    }
    Ok((state, changes))
}

/// Where `entry` stands behind `state`.
pub(crate) fn next(state: &State, entry: &Entry<'_>) -> Position {
    let boots = u32::from(matches!(entry, Entry::Boot(_)));
    Position { epoch: state.reached.epoch + boots, seq: state.reached.seq + 1 }
}

fn state_after(entries: &[Entry<'_>]) -> State {
    apply_all(entries).expect("consistent").0
}

fn uses(state: &State) -> u32 {
    state.consents.get(&[9; 16]).map_or(0, |consent| consent.uses)
}

fn spent(state: &State) -> u64 {
    state.budgets.of_data_set("census").nanos()
}

#[test]
fn an_intent_takes_and_an_answer_posts() {
    let open = state_after(&[Entry::Intent(intent(1))]);
    assert_eq!((uses(&open), spent(&open), open.open.len()), (1, 100, 1));
    assert_eq!(open.marks[&[5; 16]].status, MarkStatus::Open);
    assert!(open.posted.is_empty() && open.usage.is_empty() && open.settled.is_empty());

    let done = state_after(&[Entry::Intent(intent(1)), closing(1, Decision::Answered)]);
    assert_eq!((uses(&done), spent(&done), done.open.len()), (1, 100, 0));
    let position = Position { epoch: 1, seq: 3 };
    assert_eq!(done.marks[&[5; 16]].status, MarkStatus::Answered { amount: MicroYuan::YUAN, position });
    assert_eq!(done.posted["bank-a"], MicroYuan::YUAN);
    assert_eq!(done.settled[&("grant-1".into(), "report".into())], position);
    let day = local_day(at(1));
    let usage = Usage { calls: 1, quantity: 1, amount: MicroYuan::YUAN };
    assert_eq!(done.usage[&("grant-1".into(), day)], usage);
}

#[test]
fn what_was_never_dispatched_is_given_back_whole() {
    for decision in [Decision::Refused, Decision::Replayed] {
        let state = state_after(&[Entry::Intent(intent(1)), closing(1, decision)]);
        assert_eq!((uses(&state), spent(&state), state.open.len()), (0, 0, 0));
        assert!(state.marks.is_empty() && state.posted.is_empty());
        assert_eq!(state.nonces.len(), 1, "a replay is still known");
    }
}

#[test]
fn a_failure_or_a_restart_keeps_what_was_spent_and_a_retry_does_not_pay_twice() {
    for end in [closing(1, Decision::Failed), boot()] {
        let spent_once = [Entry::Intent(intent(1)), end];
        let state = state_after(&spent_once);
        assert_eq!((uses(&state), spent(&state), state.open.len()), (1, 100, 0));
        assert!(state.posted.is_empty());
        let mark = &state.marks[&[5; 16]];
        assert_eq!(mark.status, MarkStatus::Spent);
        let (request, charge) = (request(1), NanoCharge::from_nanos(100));
        let covered = CoveredCharge { request, release: Some([4; 16]), charge };
        assert_eq!((mark.covered_consent, mark.covered_charge), (Some([9; 16]), Some(covered)));

        // The retry names only what is not covered: nothing.
        let retry = Intent { consent: None, charge: NanoCharge::ZERO, ..intent(2) };
        let [first, second] = spent_once;
        let retried = [first, second, Entry::Intent(retry)];
        let state = state_after(&retried);
        assert_eq!((uses(&state), spent(&state)), (1, 100));
        let [a, b, c] = retried.clone();
        let refused = state_after(&[a, b, c, closing(2, Decision::Refused)]);
        assert_eq!(refused.marks[&[5; 16]].covered_charge, Some(covered), "the first attempt stays spent");
        assert_eq!((uses(&refused), spent(&refused)), (1, 100));
        let [a, b, c] = retried;
        let answered = state_after(&[a, b, c, closing(2, Decision::Answered)]);
        assert_eq!((uses(&answered), spent(&answered)), (1, 100));
        assert_eq!(answered.posted["bank-a"], MicroYuan::YUAN);
        assert!(matches!(answered.marks[&[5; 16]].status, MarkStatus::Answered { .. }));
    }
}

#[test]
fn coverage_belongs_to_one_request_of_one_unit() {
    let first = [Entry::Intent(intent(1)), closing(1, Decision::Failed)];
    let other_body = Intent { request_commitment: [7; 16], ..intent(2) };
    let other_unit = Intent { terms: terms("bank-b"), ..intent(2) };
    for other in [other_body, other_unit] {
        let [a, b] = first.clone();
        let state = state_after(&[a, b, Entry::Intent(other)]);
        assert_eq!(state.marks[&[5; 16]].covered_charge, None);
    }
}

#[test]
fn a_record_without_an_intent_stands_for_itself() {
    let free = |decision| Entry::Call(Box::new(Call { charge: NanoCharge::ZERO, ..call(1, decision) }));
    let state = state_after(&[free(Decision::Answered)]);
    assert_eq!(uses(&state), 1);
    assert_eq!(state.posted["bank-a"], MicroYuan::YUAN);
    let state = state_after(&[free(Decision::Failed)]);
    assert_eq!((uses(&state), state.posted.len()), (1, 0));
    for decision in [Decision::Refused, Decision::Replayed, Decision::Planned] {
        let state = state_after(&[closing(1, decision)]);
        assert_eq!((uses(&state), spent(&state), state.posted.len(), state.marks.len()), (0, 0, 0, 0));
    }
}

#[test]
fn a_withdrawal_stays_and_other_acts_and_deliveries_count_nothing() {
    let act = |kind| {
        Entry::Act(Act {
            at: at(1),
            kind,
            actor: "issuer",
            object: "",
            commitment: Some([9; 16]),
            target: "",
        })
    };
    let state = state_after(&[act(ActKind::ConsentWithdrawn), Entry::Intent(intent(1))]);
    assert_eq!(state.consents[&[9; 16]], Consent { uses: 1, withdrawn: true, used: intent(1).received });
    let delivery = Delivery {
        request: request(1),
        at: at(2),
        grant: "grant-1",
        from: 0,
        bytes: 5,
        complete: true,
        digest: None,
    };
    let state = state_after(&[act(ActKind::Suspended), Entry::Delivery(delivery)]);
    let empty = State { reached: Position { epoch: 1, seq: 3 }, ..State::default() };
    assert_eq!(state, empty);
}

#[test]
fn windows_forget() {
    let much_later = NONCE_WINDOW.as_micros() + 1_000;
    let later = Intent { received: at(i64::try_from(much_later).expect("short")), ..intent(2) };
    let state = state_after(&[
        Entry::Intent(intent(1)),
        closing(1, Decision::Answered),
        Entry::Intent(later.clone()),
    ]);
    assert_eq!(state.nonces.len(), 1);
    let next_day = at(i64::try_from(IDEMPOTENCY_WINDOW.as_micros() + 1_000).expect("short"));
    let other = Intent { received: next_day, idempotency: Some([8; 16]), ..later };
    let state =
        state_after(&[Entry::Intent(intent(1)), closing(1, Decision::Answered), Entry::Intent(other)]);
    assert_eq!(state.marks.keys().collect::<Vec<_>>(), [&[8; 16]]);
    assert_eq!(state.marks_by_time.len(), 1);
}

#[test]
fn days_are_counted_in_shanghai() {
    assert_eq!(local_day(Timestamp::from_seconds(0)), 0);
    assert_eq!(local_day(Timestamp::from_seconds(16 * 3_600 - 1)), 0);
    assert_eq!(local_day(Timestamp::from_seconds(16 * 3_600)), 1);
    assert_eq!(local_day(Timestamp::from_seconds(-8 * 3_600 - 1)), -1);
    assert_eq!(local_midnight(1), Timestamp::from_seconds(16 * 3_600));
}

#[test]
fn contradictions_are_loud() {
    let refused = |entries: &[Entry<'_>]| matches!(apply_all(entries), Err(StoreError::Contradiction { .. }));
    assert!(refused(&[Entry::Intent(intent(1)), Entry::Intent(intent(1))]), "one request, two open intents");
    let negative = Call { amount: MicroYuan::from_micros(-1), ..call(1, Decision::Answered) };
    assert!(refused(&[Entry::Call(Box::new(negative))]), "negative money");
    let nameless = Act {
        at: at(1),
        kind: ActKind::ConsentWithdrawn,
        actor: "issuer",
        object: "",
        commitment: None,
        target: "",
    };
    assert!(refused(&[Entry::Act(nameless)]), "a withdrawal of nothing");

    let (mut state, mut changes) = apply_all(&[]).expect("consistent");
    let reached = state.reached;
    for (epoch, seq) in [(1, 1), (1, 3), (2, 2), (0, 2)] {
        let bad = state.apply(Position { epoch, seq }, &Entry::Intent(intent(1)), &mut changes);
        assert!(matches!(bad, Err(StoreError::Contradiction { .. })), "{epoch}.{seq}");
        assert_eq!(state.reached, reached);
    }
}

/// A state that claims less than the journal's intents took is corrupt, and giving back shows it.
#[test]
fn giving_back_more_than_was_taken_is_corruption() {
    let (mut state, mut changes) = apply_all(&[Entry::Intent(intent(1))]).expect("consistent");
    let mut tampered = state.clone();
    tampered.consents.clear();
    let close = closing(1, Decision::Refused);
    let position = next(&state, &close);
    let bad = tampered.apply(position, &close, &mut changes);
    assert!(matches!(bad, Err(StoreError::Contradiction { .. })));
    state.budgets = Ledger::default();
    let bad = state.apply(position, &close, &mut changes);
    assert!(matches!(bad, Err(StoreError::Budget { fault: LedgerFault::NotTaken, .. })));
}

/// The order of the day: what was charged in which person-space is what the journal says, and nothing else fits.
#[test]
fn e6_the_journal_cannot_contradict_the_ledger() {
    let fault = |entries: &[Entry<'_>]| match apply_all(entries) {
        Err(StoreError::Budget { fault, .. }) => Some(fault),
        Err(StoreError::Contradiction { .. }) => None,
        other => panic!("{other:?}"),
    };
    let huge = Intent { charge: NanoCharge::from_nanos(u64::MAX), ..intent(2) };
    let eps = Intent { measure: Some(Measure::PureEps), ..intent(2) };
    let nobody = Intent { space: "", ..intent(2) };
    for (second, expected) in
        [(huge, LedgerFault::Range), (eps, LedgerFault::Measure), (nobody, LedgerFault::Nothing)]
    {
        assert_eq!(fault(&[Entry::Intent(intent(1)), Entry::Intent(second)]), Some(expected));
    }
    let unmeasured = Intent { measure: None, ..intent(2) };
    assert_eq!(fault(&[Entry::Intent(unmeasured)]), None);
    assert_eq!(fault(&[closing(1, Decision::Answered)]), None, "a charge that no intent debited");
    assert_eq!(fault(&[closing(1, Decision::Failed)]), None, "a charge that no intent debited");
}

fn refund(number: u8, charge: u64) -> Entry<'static> {
    Entry::Refund(Refund {
        request: request(number),
        at: at(9),
        unit: "bank-a",
        scenario: "planning",
        data_set: "census",
        charge: NanoCharge::from_nanos(charge),
        object: "refund-1",
        space: "people",
        measure: Measure::Rho,
    })
}

#[test]
fn e6_a_refund_is_a_row_of_its_own_and_counts_once() {
    let spent_by = [Entry::Intent(intent(1)), closing(1, Decision::Failed)];
    let (mut state, mut changes) = apply_all(&spent_by).expect("consistent");
    let first = refund(1, 100);
    state.apply(next(&state, &first), &first, &mut changes).expect("given back");
    assert_eq!((spent(&state), state.budgets.of_space("people").nanos()), (0, 0));
    for again in [refund(1, 100), refund(2, 100)] {
        let bad = state.apply(next(&state, &again), &again, &mut changes);
        assert!(matches!(bad, Err(StoreError::Budget { .. })));
    }
}

#[test]
fn k1_a_trial_that_held_something_is_a_contradiction() {
    let mut trial = call(1, Decision::Answered);
    trial.sandbox = true;
    let entries = [Entry::Intent(intent(1)), Entry::Call(Box::new(trial))];
    assert!(matches!(apply_all(&entries), Err(StoreError::Contradiction { seq: 3, .. })));
}

#[test]
fn k1_the_nonce_of_a_trial_is_remembered() {
    let mut trial = call(7, Decision::Answered);
    trial.sandbox = true;
    let state = state_after(&[Entry::Call(Box::new(trial))]);
    assert!(state.nonces.contains(&(at(7), [7; 8])));
    assert!(
        state.marks.is_empty()
            && state.usage.is_empty()
            && state.posted.is_empty()
            && state.settled.is_empty()
    );
}

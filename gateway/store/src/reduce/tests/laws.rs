//! The laws, on arbitrary histories.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// One step of a history. Requests are numbered as their intents appear.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    Intend { unit: usize, data_set: usize, consent: Option<u8>, charge: u64, mark: Option<u8> },
    Close { which: prop::sample::Index, decision: Decision, amount: i64, quantity: u32 },
    Alone { unit: usize, decision: Decision, consent: Option<u8>, charge: u64, amount: i64 },
    Boot,
    Withdraw { consent: u8 },
}

const UNITS: [&str; 2] = ["bank-a", "bank-b"];
const DATA_SETS: [&str; 2] = ["census", "credit"];

fn decision() -> impl Strategy<Value = Decision> {
    prop::sample::select(vec![
        Decision::Answered,
        Decision::Refused,
        Decision::Failed,
        Decision::Replayed,
        Decision::Planned,
    ])
}

fn step() -> impl Strategy<Value = Move> {
    let consent = || prop::option::of(0_u8..3);
    prop_oneof![
        5 => (0..2_usize, 0..2_usize, consent(), 0_u64..50, prop::option::of(0_u8..3)).prop_map(
            |(unit, data_set, consent, charge, mark)| Move::Intend { unit, data_set, consent, charge, mark }
        ),
        5 => (any::<prop::sample::Index>(), decision(), 0_i64..9, 0_u32..4).prop_map(
            |(which, decision, amount, quantity)| Move::Close { which, decision, amount, quantity }
        ),
        2 => (0..2_usize, decision(), consent(), 0_u64..50, 0_i64..9).prop_map(
            |(unit, decision, consent, charge, amount)| Move::Alone { unit, decision, consent, charge, amount }
        ),
        1 => Just(Move::Boot),
        1 => (0_u8..3).prop_map(|consent| Move::Withdraw { consent }),
    ]
}

pub(crate) fn history() -> impl Strategy<Value = Vec<Entry<'static>>> {
    prop::collection::vec(step(), 0..60).prop_map(|moves| entries(&moves))
}

/// Odd consents narrow one of two others.
fn parent(consent: u8) -> Option<Commitment> {
    (consent % 2 == 1).then_some([200 + consent / 2 % 2; 16])
}

/// Turns moves into entries that a sound journal could hold.
fn entries(moves: &[Move]) -> Vec<Entry<'static>> {
    let mut out = Vec::new();
    let mut open: Vec<Intent<'static>> = Vec::new();
    let mut requests = 0_u8;
    for step in moves {
        requests += 1;
        match step {
            Move::Intend { unit, data_set, consent, charge, mark } => {
                let mut intent = intent(requests);
                intent.terms.unit = UNITS[*unit];
                intent.terms.data_set = DATA_SETS[*data_set];
                intent.consent = consent.map(|consent| [consent; 16]);
                intent.consent_parent = consent.and_then(parent);
                intent.charge = NanoCharge::from_nanos(*charge);
                intent.idempotency = mark.map(|mark| [100 + mark; 16]);
                open.push(intent.clone());
                out.push(Entry::Intent(intent));
            }
            Move::Close { which, decision, amount, quantity } if !open.is_empty() => {
                let intent = open.remove(which.index(open.len()));
                let amount =
                    MicroYuan::from_micros(if *decision == Decision::Answered { *amount } else { 0 });
                let Intent {
                    request,
                    received,
                    terms,
                    nonce,
                    idempotency,
                    consent,
                    charge,
                    consent_parent,
                    ..
                } = intent;
                let quantity = *quantity;
                let call = call(requests, *decision);
                out.push(Entry::Call(Box::new(Call {
                    request,
                    received,
                    terms,
                    nonce,
                    idempotency,
                    consent,
                    consent_parent,
                    charge,
                    amount,
                    quantity,
                    ..call
                })));
            }
            Move::Close { .. } => {}
            Move::Alone { unit, decision, consent, charge, amount } => {
                let mut call = call(requests, *decision);
                call.terms.unit = UNITS[*unit];
                call.consent = consent.map(|consent| [consent; 16]);
                call.consent_parent = consent.and_then(parent);
                // A charge is always debited by an intent; a refused call may say what it would have been.
                let counts = matches!(decision, Decision::Answered | Decision::Failed);
                call.charge = NanoCharge::from_nanos(if counts { 0 } else { *charge });
                call.amount =
                    MicroYuan::from_micros(if *decision == Decision::Answered { *amount } else { 0 });
                out.push(Entry::Call(Box::new(call)));
            }
            Move::Boot => {
                open.clear();
                out.push(boot());
            }
            Move::Withdraw { consent } => out.push(Entry::Act(Act {
                at: at(0),
                kind: ActKind::ConsentWithdrawn,
                actor: "issuer",
                object: "",
                commitment: Some([*consent; 16]),
                target: "",
            })),
        }
    }
    out
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    uses: BTreeMap<Commitment, u32>,
    spend: BTreeMap<(String, String), u64>,
    posted: BTreeMap<String, i64>,
    calls: u64,
    quantity: u64,
}

/// The totals by looking at the whole history for each entry, without any running state.
fn naive(history: &[Entry<'_>]) -> Totals {
    let mut totals = Totals::default();
    let mut take = |consents: [Option<Commitment>; 2], charge: NanoCharge, terms: &Terms<'_>| {
        for consent in consents.into_iter().flatten() {
            *totals.uses.entry(consent).or_default() += 1;
        }
        if !charge.is_zero() {
            let key = (terms.unit.to_owned(), terms.data_set.to_owned());
            *totals.spend.entry(key).or_default() += charge.nanos();
        }
    };
    for (index, entry) in history.iter().enumerate() {
        match entry {
            Entry::Intent(intent) => {
                let close = history[index..].iter().find_map(|later| match later {
                    Entry::Call(call) if call.request == intent.request => Some(call.decision),
                    _ => None,
                });
                if !matches!(close, Some(Decision::Refused | Decision::Replayed | Decision::Planned)) {
                    take([intent.consent, intent.consent_parent], intent.charge, &intent.terms);
                }
            }
            Entry::Call(call) => {
                let opened = history[..index].iter().any(
                    |earlier| matches!(earlier, Entry::Intent(intent) if intent.request == call.request),
                );
                if !opened && matches!(call.decision, Decision::Answered | Decision::Failed) {
                    take([call.consent, call.consent_parent], call.charge, &call.terms);
                }
            }
            _ => {}
        }
    }
    for entry in history {
        let Entry::Call(call) = entry else { continue };
        if call.decision == Decision::Answered {
            *totals.posted.entry(call.terms.unit.to_owned()).or_default() += call.amount.micros();
            totals.calls += 1;
            totals.quantity += u64::from(call.quantity);
        }
    }
    totals
}

fn totals(state: &State) -> Totals {
    let uses = state.consents.iter().filter(|(_, consent)| consent.uses > 0);
    let spend = state.budgets.accounts().iter().filter(|(_, spending)| !spending.spent.is_zero());
    Totals {
        uses: uses.map(|(key, consent)| (*key, consent.uses)).collect(),
        spend: spend
            .map(|(key, spending)| ((key.unit.to_string(), key.data_set.to_string()), spending.spent.nanos()))
            .collect(),
        posted: state.posted.iter().map(|(unit, sum)| (unit.to_string(), sum.micros())).collect(),
        calls: state.usage.values().map(|usage| usage.calls).sum(),
        quantity: state.usage.values().map(|usage| usage.quantity).sum(),
    }
}

proptest! {
    #[test]
    fn the_state_is_what_the_naive_model_says(history in history()) {
        let (state, _) = apply_all(&history).expect("the history is sound");
        prop_assert_eq!(totals(&state), naive(&history));
    }

    #[test]
    fn spend_falls_only_by_the_void_of_an_open_intent(history in history()) {
        let (mut state, mut changes) = apply_all(&[]).expect("sound");
        for entry in &history {
            let before = state.clone();
            let position = next(&state, entry);
            state.apply(position, entry, &mut changes).expect("sound");
            let voided = match entry {
                Entry::Call(call) if matches!(call.decision, Decision::Refused | Decision::Replayed | Decision::Planned) => {
                    before.open.get(&call.request)
                }
                _ => None,
            };
            for (key, spending) in before.budgets.accounts() {
                let debit = voided.and_then(|intent| intent.debit.as_ref()).filter(|debit| debit.account == *key);
                let back = debit.map_or(0, |debit| debit.charge.nanos());
                prop_assert!(state.budgets.of_account(key).nanos() >= spending.spent.nanos() - back);
            }
            for (key, consent) in &before.consents {
                let held = voided.map_or([None; 2], |intent| [intent.consent, intent.consent_parent]);
                let back = u32::from(held.contains(&Some(*key)));
                prop_assert!(state.consents[key].uses >= consent.uses - back);
                prop_assert!(state.consents[key].withdrawn >= consent.withdrawn);
            }
        }
    }

    /// Trials anywhere in a history add up to no more than as many acts that the reducer passes over, whatever the
    /// records say.
    #[test]
    fn k1_trials_add_up_to_nothing(
        history in history(),
        trials in prop::collection::vec((any::<prop::sample::Index>(), decision()), 1..8),
    ) {
        let (mut passed_over, mut tried) = (history.clone(), history);
        for ((place, decision), number) in trials.into_iter().zip(200_u8..) {
            let place = place.index(tried.len() + 1);
            let trial = Call { sandbox: true, received: at(0), ..call(number, decision) };
            tried.insert(place, Entry::Call(Box::new(trial)));
            let kind = ActKind::Resumed;
            let act = Act { at: at(0), kind, actor: "test", object: "", commitment: None, target: "" };
            passed_over.insert(place, Entry::Act(act));
        }
        let (mut tried, _) = apply_all(&tried).expect("sound");
        let (plain, _) = apply_all(&passed_over).expect("sound");
        prop_assert!(tried.nonces.is_superset(&plain.nonces));
        tried.nonces.clone_from(&plain.nonces);
        tried.latest = plain.latest;
        prop_assert_eq!(tried, plain);
    }

    #[test]
    fn applying_is_deterministic_and_marks_are_indexed(history in history()) {
        let (one, changes) = apply_all(&history).expect("sound");
        let (two, same) = apply_all(&history).expect("sound");
        prop_assert_eq!(&one, &two);
        prop_assert_eq!(changes, same);
        let indexed: Vec<_> = one.marks_by_time.iter().map(|(at, key)| (*key, *at)).collect();
        let mut marks: Vec<_> = one.marks.iter().map(|(key, mark)| (*key, mark.at)).collect();
        marks.sort_by_key(|(key, at)| (*at, *key));
        prop_assert_eq!(indexed, marks);
        prop_assert!(one.open.len() <= history.len());
    }
}

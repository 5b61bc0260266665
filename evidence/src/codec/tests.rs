//! The codec's promises: golden bytes, worst case, round trip, strictness, and the field table's truth.

use proptest::prelude::*;
use proptest::sample::select;
use shuzha_core::ids::ID_BYTES_MAX;
use shuzha_core::{Code, MicroYuan, NanoCharge};

use super::*;
use crate::record::{Call, ENTRY_BYTES_MAX, Intent, Projected, RefusalCount, Terms};

fn encode(entry: &Entry<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    entry.encode_into(&mut out).expect("names are short");
    out
}

/// What was read, written again.
fn again(entry: &Entry<'_>, salt: Option<Salt>) -> Vec<u8> {
    let mut out = Vec::new();
    entry.write(salt.as_ref(), &mut out).expect("names are short");
    out
}

fn name() -> impl Strategy<Value = &'static str> {
    select(vec![
        "",
        "a",
        "bank-a",
        "credit-score.v1",
        "aaaaaaaaaaaaaaaaaaaaaaa",
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    ])
}

fn commitment() -> impl Strategy<Value = Option<[u8; 16]>> {
    proptest::option::of(any::<[u8; 16]>())
}

prop_compose! {
    fn terms()(
        names in proptest::array::uniform9(name()),
        version in any::<u32>(),
        purpose in proptest::option::of(select(PurposeClass::TABLE)),
        snapshot in any::<[u8; 8]>(),
    ) -> Terms<'static> {
        let [unit, credential, product, operation, scenario, grant, agreement, price, data_set] = names;
        let purpose = purpose.map(|(purpose, _)| purpose);
        Terms { unit, credential, product, version, operation, scenario, grant, agreement, purpose, price, data_set, snapshot }
    }
}

prop_compose! {
    fn intent()(
        request in any::<[u8; 16]>(), received in any::<i64>(), terms in terms(), nonce in any::<[u8; 8]>(),
        idempotency in commitment(), request_commitment in any::<[u8; 16]>(), consent in commitment(),
        charge in any::<u64>(), amount in any::<i64>(), consent_parent in commitment(), space in name(),
        measure in proptest::option::of(select(Measure::TABLE)), release in commitment(),
    ) -> Entry<'static> {
        Entry::Intent(Intent {
            request: RequestId::from_bytes(request), received: Timestamp::from_micros(received), terms, nonce, idempotency,
            request_commitment, consent, charge: NanoCharge::from_nanos(charge), amount: MicroYuan::from_micros(amount),
            consent_parent, space, measure: measure.map(|(measure, _)| measure), release,
        })
    }
}

prop_compose! {
    fn call()(
        request in any::<[u8; 16]>(), received in any::<i64>(), terms in terms(), nonce in any::<[u8; 8]>(),
        commitments in proptest::array::uniform6(commitment()), charge in any::<u64>(), amount in any::<i64>(),
        numbers in any::<[u32; 6]>(), decision in select(Decision::TABLE), outcome in select(Outcome::TABLE),
        code in proptest::option::of(select(Code::ALL)), (sandbox, basis) in any::<(bool, u8)>(),
        consent_parent in proptest::option::of(any::<[u8; 16]>()),
    ) -> Entry<'static> {
        let [admitted_after, sent_after, answered_after, quantity, request_bytes, response_bytes] = numbers;
        let [idempotency, consent, subject, request_commitment, response_commitment, openings] = commitments;
        Entry::Call(Box::new(Call {
            request: RequestId::from_bytes(request), received: Timestamp::from_micros(received),
            admitted_after, sent_after, answered_after, terms, nonce, idempotency, consent, subject,
            charge: NanoCharge::from_nanos(charge), quantity, amount: MicroYuan::from_micros(amount),
            decision: decision.0, code, outcome: outcome.0, request_bytes, response_bytes,
            request_commitment, response_commitment, sandbox, consent_parent, basis, openings,
        }))
    }
}

fn entry() -> impl Strategy<Value = Entry<'static>> {
    let at = || any::<i64>().prop_map(Timestamp::from_micros);
    prop_oneof![
        (at(), name(), name()).prop_map(|(at, node, version)| Entry::Boot(Boot { at, node, version })),
        intent(),
        call(),
        (at(), select(ActKind::TABLE), proptest::array::uniform3(name()), commitment()).prop_map(
            |(at, (kind, _), [actor, object, target], commitment)| Entry::Act(Act {
                at,
                kind,
                actor,
                object,
                commitment,
                target
            })
        ),
        (any::<[u8; 16]>(), at(), proptest::array::uniform7(name()), any::<[u8; 32]>(), any::<u64>())
            .prop_map(
                |(id, at, [actor, object, verb, kind, organisation, role, state], digest, revision)| {
                    let id = RequestId::from_bytes(id);
                    Entry::Registered(Registered {
                        id,
                        at,
                        actor,
                        object,
                        verb,
                        kind,
                        organisation,
                        role,
                        digest,
                        state,
                        revision,
                    })
                }
            ),
        (any::<[u8; 16]>(), at(), proptest::array::uniform5(name()), any::<u64>(), select(Measure::TABLE))
            .prop_map(|(request, at, [unit, scenario, data_set, object, space], charge, (measure, _))| {
                let request = RequestId::from_bytes(request);
                let (charge, measure) = (NanoCharge::from_nanos(charge), measure);
                Entry::Refund(Refund {
                    request,
                    at,
                    unit,
                    scenario,
                    data_set,
                    charge,
                    object,
                    space,
                    measure,
                })
            }),
        (at(), name(), name(), any::<u64>(), any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(
            |(at, anchor, log, size, checkpoint, token)| {
                Entry::Anchored(Anchored { at, anchor, log, size, checkpoint, token })
            }
        ),
        (at(), name(), any::<u64>(), any::<[u8; 32]>())
            .prop_map(|(at, log, size, digest)| Entry::KeysRotated(KeysRotated { at, log, size, digest })),
        (
            at(),
            select(RetentionAct::TABLE),
            proptest::array::uniform3(name()),
            any::<u64>(),
            any::<[[u8; 32]; 2]>()
        )
            .prop_map(|(at, (act, _), [actor, object, confirmed_by], last_seq, [root, document])| {
                Entry::Retention(Retention { at, actor, object, act, last_seq, root, document, confirmed_by })
            }),
        (at(), any::<u64>(), any::<[u8; 32]>())
            .prop_map(|(at, last_seq, digest)| Entry::Projected(Projected { at, last_seq, digest })),
        (at(), select(Code::ALL), 1..=u64::MAX)
            .prop_map(|(at, code, count)| Entry::RefusalCount(RefusalCount { at, code, count })),
        (any::<[u8; 16]>(), at(), name(), any::<[u64; 2]>(), any::<bool>(), any::<Option<[u8; 16]>>())
            .prop_map(|(request, at, grant, [from, bytes], complete, digest)| {
                let request = RequestId::from_bytes(request);
                Entry::Delivery(Delivery { request, at, grant, from, bytes, complete, digest })
            }),
    ]
}

/// A call with every field at its longest.
fn largest<'a>(name: &'a str) -> Call<'a> {
    Call {
        request: RequestId::from_bytes([0xff; 16]),
        received: Timestamp::from_micros(i64::MIN),
        admitted_after: u32::MAX,
        sent_after: u32::MAX,
        answered_after: u32::MAX,
        terms: Terms {
            unit: name,
            credential: name,
            product: name,
            version: u32::MAX,
            operation: name,
            scenario: name,
            grant: name,
            agreement: name,
            purpose: Some(PurposeClass::Sector),
            price: name,
            data_set: name,
            snapshot: [0xff; 8],
        },
        nonce: [0xff; 8],
        idempotency: Some([0xff; 16]),
        consent: Some([0xff; 16]),
        subject: Some([0xff; 16]),
        charge: NanoCharge::from_nanos(u64::MAX),
        quantity: u32::MAX,
        amount: MicroYuan::from_micros(i64::MIN),
        decision: Decision::Replayed,
        code: Code::ALL.last().copied(),
        outcome: Outcome::Uncharged,
        request_bytes: u32::MAX,
        response_bytes: u32::MAX,
        request_commitment: Some([0xff; 16]),
        response_commitment: Some([0xff; 16]),
        sandbox: true,
        consent_parent: Some([0xff; 16]),
        basis: u8::MAX,
        openings: Some([0xff; 16]),
    }
}

#[test]
fn the_largest_entry_fits() {
    let name = "n".repeat(ID_BYTES_MAX);
    let call = Entry::Call(Box::new(largest(&name)));
    let bytes = again(&call, Some([0xff; 16]));
    assert!(bytes.len() <= ENTRY_BYTES_MAX, "{} bytes", bytes.len());
    assert_eq!(Entry::decode(&bytes), Ok(call));
}

#[test]
fn encoding_into_a_roomy_buffer_does_not_move_it() {
    let name = "n".repeat(ID_BYTES_MAX);
    let mut out = Vec::with_capacity(ENTRY_BYTES_MAX);
    let before = out.as_ptr();
    Entry::Call(Box::new(largest(&name))).salted_into(&[0xff; 16], &mut out).expect("names are short");
    assert_eq!((out.as_ptr(), out.capacity()), (before, ENTRY_BYTES_MAX));
}

/// Bytes written out by hand from RFC 8949 and the field table, so that a change of either is noticed.
#[test]
fn golden_bytes() {
    let at = Timestamp::from_micros(1_700_000_000_123_456);
    let boot = Entry::Boot(Boot { at, node: "gate-1", version: "0.1.0" });
    let mut expected = vec![0xa5, 0x00, 0x01, 0x01, 0x01, 0x03, 0x1b];
    expected.extend_from_slice(&1_700_000_000_123_456_u64.to_be_bytes());
    expected.extend_from_slice(b"\x18\x21\x66gate-1\x18\x22\x650.1.0");
    assert_eq!(encode(&boot), expected);

    let withdrawn = Entry::Act(Act {
        at: Timestamp::from_micros(-1),
        kind: ActKind::ConsentWithdrawn,
        actor: "issuer",
        object: "",
        commitment: Some([7; 16]),
        target: "",
    });
    let mut expected = b"\xa6\x00\x01\x01\x04\x03\x20\x18\x23\x01\x18\x24\x66issuer\x18\x26\x50".to_vec();
    expected.extend_from_slice(&[7; 16]);
    assert_eq!(encode(&withdrawn), expected);
    expected[0] = 0xa7;
    expected.extend_from_slice(b"\x18\x62\x50");
    expected.extend_from_slice(&[9; 16]);
    assert_eq!(again(&withdrawn, Some([9; 16])), expected);
}

#[test]
fn what_is_not_canonical_is_refused() {
    let good = b"\xa4\x00\x01\x01\x01\x03\x05\x18\x21\x61n";
    assert!(Entry::decode(good).is_ok());
    let cases: [(&[u8], DecodeError); 14] = [
        (b"", DecodeError::Truncated),
        (b"\xa4\x00\x01\x01\x01\x03\x05\x18\x21\x61", DecodeError::Truncated),
        (b"\xa4\x00\x01\x01\x01\x03\x05\x18\x21\x61n\x00", DecodeError::TrailingBytes),
        (b"\xb8\x04\x00\x01\x01\x01\x03\x05\x18\x21\x61n", DecodeError::NotCanonical),
        (b"\xbf\x00\x01\x01\x01\x03\x05\x18\x21\x61n\xff", DecodeError::NotCanonical),
        (b"\xa4\x00\x01\x01\x01\x03\x18\x05\x18\x21\x61n", DecodeError::NotCanonical),
        (b"\xa4\x00\x01\x01\x01\x03\x05\x18\x21\x60", DecodeError::NotCanonical),
        (b"\xa4\x00\x01\x01\x01\x18\x21\x61n\x03\x05", DecodeError::Missing("at")),
        (b"\xa5\x00\x01\x01\x01\x03\x05\x03\x05\x18\x21\x61n", DecodeError::UnexpectedKey(3)),
        (b"\xa5\x00\x01\x01\x01\x03\x05\x04\x61u\x18\x21\x61n", DecodeError::UnexpectedKey(4)),
        (b"\xa4\x00\x01\x01\x01\x03\x41\x05\x18\x21\x61n", DecodeError::WrongType),
        (b"\xa4\x00\x01\x01\x01\x03\x05\x18\x21\x61\xff", DecodeError::NotUtf8("node")),
        (b"\xa4\x00\x02\x01\x01\x03\x05\x18\x21\x61n", DecodeError::UnknownVersion(2)),
        (b"\xa4\x00\x01\x01\x09\x03\x05\x18\x21\x61n", DecodeError::OutOfRange("kind")),
    ];
    for (bytes, error) in cases {
        assert_eq!(Entry::decode(bytes), Err(error), "{bytes:02x?}");
    }
}

#[test]
fn long_names_are_refused_both_ways() {
    let name = "n".repeat(ID_BYTES_MAX + 1);
    let mut out = vec![9];
    let boot = Entry::Boot(Boot { at: Timestamp::from_micros(5), node: &name, version: "" });
    assert_eq!(boot.encode_into(&mut out), Err(EncodeError::NameTooLong("node")));
    assert_eq!(out, [9], "nothing is left behind");
    let mut bytes = b"\xa4\x00\x01\x01\x01\x03\x05\x18\x21\x78\x1d".to_vec();
    bytes.extend_from_slice(name.as_bytes());
    assert_eq!(Entry::decode(&bytes), Err(DecodeError::OutOfRange("node")));
}

/// Every row of the table in `docs/journal.md` is a field of the code, in order, and none is missing.
#[test]
fn the_documented_table_is_the_code() {
    let document = include_str!("../../../docs/journal.md");
    let documented: Vec<(String, String, String)> = document
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit())
        .map(|line| {
            let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).skip(1);
            let mut cell = || cells.next().unwrap_or_default();
            (cell(), cell(), cell())
        })
        .collect();
    let coded: Vec<(String, String, String)> =
        field::ALL.iter().map(|f| (f.key.to_string(), f.name.to_owned(), f.shape.to_string())).collect();
    assert_eq!(documented, coded);
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_itself(entry in entry(), salt in any::<Option<[u8; 16]>>()) {
        let bytes = again(&entry, salt);
        prop_assert!(bytes.len() <= ENTRY_BYTES_MAX);
        prop_assert_eq!(Entry::decode_salted(&bytes), Ok((entry, salt)));
    }

    /// Whatever is known of an entry, its hash tells nothing: two salts give two encodings of the same entry, of every kind there
    /// is, each with the 128 bits that nobody knows.
    #[test]
    fn no_kind_of_entry_is_without_its_salt(entry in entry(), one in any::<[u8; 16]>(), other in any::<[u8; 16]>()) {
        prop_assume!(one != other);
        let (first, second) = (again(&entry, Some(one)), again(&entry, Some(other)));
        // Its key, its head and itself; one byte more where the map outgrows its short head.
        prop_assert!((19..=20).contains(&(first.len() - encode(&entry).len())));
        prop_assert_eq!(&first[first.len() - 16..], &one[..]);
        prop_assert_eq!(&first[..first.len() - 16], &second[..second.len() - 16]);
        prop_assert_eq!(Entry::decode(&first), Entry::decode(&second));
    }

    #[test]
    fn random_bytes_do_not_panic_and_decode_only_canonically(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok((entry, salt)) = Entry::decode_salted(&bytes) {
            prop_assert_eq!(again(&entry, salt), bytes);
        }
    }

    #[test]
    fn a_changed_byte_is_refused_or_means_something_else(
        entry in entry(), at in any::<proptest::sample::Index>(), flip in 1_u8..,
    ) {
        let mut bytes = encode(&entry);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok((other, salt)) = Entry::decode_salted(&bytes) {
            prop_assert!(other != entry || salt.is_some());
            prop_assert_eq!(again(&other, salt), bytes);
        }
    }

    #[test]
    fn every_prefix_is_refused(entry in entry(), at in any::<proptest::sample::Index>()) {
        let bytes = encode(&entry);
        prop_assert!(Entry::decode(&bytes[..at.index(bytes.len())]).is_err());
    }
}

/// The mark of a trial stands in its record, and a record without it has the bytes it always had.
#[test]
fn k1_a_trial_is_marked_and_other_calls_are_as_before() {
    let call = |sandbox| {
        Entry::Call(Box::new(Call {
            sandbox,
            consent_parent: None,
            basis: 0,
            openings: None,
            ..largest("n")
        }))
    };
    let (real, trial) = (encode(&call(false)), encode(&call(true)));
    assert_eq!(trial.len(), real.len() + 3);
    assert_eq!(trial[real.len()..], [0x18, 48, 0xf5]);
    let mut written = trial;
    *written.last_mut().expect("bytes") = 0xf4;
    assert_eq!(Entry::decode(&written), Err(DecodeError::NotCanonical));
}

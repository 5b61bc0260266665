//! A record about a person holds nothing of what was answered.

use shuzha_core::{RequestId, Timestamp};
use shuzha_evidence::{Call, Entry};

use crate::cast::{Ask, PERSON};
use crate::house::{House, outcome};
use crate::upstream::{Fake, Say};

/// The record of one answered check of a person, without what is drawn at random, timed, or committed to under a key.
async fn recorded(verdict: &'static str) -> String {
    let house = House::new();
    let consent = house.consent(PERSON.0, "probe", 1);
    let ask = Ask::new("probe-1", "person-check", "verify", "probe-kyc").with("x-consent", &consent.token);
    assert_eq!(outcome(&house.call(&ask, &Fake::new([Say::Json(200, verdict)])).await), "answered");
    let records = house.records().await;
    let call = records.iter().find_map(|record| match record.entry() {
        Ok(Entry::Call(call)) => Some(format!("{:?}", alike(&call))),
        _ => None,
    });
    call.expect("a record of the call")
}

fn alike<'c>(call: &Call<'c>) -> Call<'c> {
    Call {
        request: RequestId::from_bytes([0; 16]),
        received: Timestamp::from_seconds(0),
        admitted_after: 0,
        sent_after: 0,
        answered_after: 0,
        nonce: [0; 8],
        consent: None,
        request_commitment: None,
        response_commitment: None,
        openings: None,
        ..call.clone()
    }
}

/// Issue 14, section 3: 查无 was amount 0, outcome 2, basis 3 beside the tag of the person.
#[tokio::test]
async fn e4_the_records_of_three_verdicts_about_a_person_are_one() {
    let [consistent, inconsistent, none] = [
        recorded(r#"{"code":"00"}"#).await,
        recorded(r#"{"code":"01"}"#).await,
        recorded(r#"{"code":"02"}"#).await,
    ];
    assert_eq!(consistent, inconsistent);
    assert_eq!(consistent, none);
}

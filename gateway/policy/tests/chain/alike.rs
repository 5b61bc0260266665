//! A record about a person holds nothing of what was answered.

use shuzha_core::{RequestId, Timestamp};
use shuzha_evidence::{Call, Entry};

use crate::calls::{Ask, PERSON};
use crate::gateway::{TestGateway, outcome};
use crate::upstream::{Fake, Say};
use crate::world;

/// The record of one answered check of a person, without what is drawn at random, timed, or committed to under a key.
async fn recorded(verdict: &'static str) -> String {
    let house = TestGateway::new();
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

/// A small generator, so that a failure is found again.
struct Draws(u64);

impl Draws {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn text(&mut self, most: u64) -> String {
        const LETTERS: [char; 8] = ['a', 'Z', '0', '王', '\u{20bb7}', '"', '\\', ' '];
        (0..self.below(most + 1)).map(|_| LETTERS[usize::try_from(self.below(8)).expect("few")]).collect()
    }
}

/// A product about persons, and answers of each of its classes: several where a class has several.
struct Made {
    product: String,
    answers: Vec<(u16, String)>,
}

/// The leaf that consents of these tests cover, of a random form, and two answers of it.
fn leaf(draws: &mut Draws) -> (String, [String; 2]) {
    let whole = |value: &serde_json::Value| serde_json::json!({"result": value, "internal": 7}).to_string();
    let length = 1 + draws.below(80);
    let (rule, values) = match draws.below(4) {
        0 => {
            let rule = format!("{{type: string, max_length: {length}}}");
            (rule, [draws.text(length).into(), draws.text(length).into()])
        }
        1 => ("{type: boolean, nullable: true}".to_owned(), [true.into(), serde_json::Value::Null]),
        2 => {
            let rule = format!("{{type: string, max_length: {length}, mask: name}}");
            (rule, [draws.text(length).into(), draws.text(length).into()])
        }
        _ => {
            let rule = "{type: integer, minimum: -1000000, maximum: 1000000, step: 5}";
            (rule.to_owned(), [draws.below(10).into(), (-1_000_000_i64).into()])
        }
    };
    (rule, values.map(|value| whole(&value)))
}

fn made(draws: &mut Draws) -> Made {
    let price = ["0.00", "0.07", "0.50"][usize::try_from(draws.below(3)).expect("few")];
    let (rule, [one, other]) = leaf(draws);
    let (kind, fields, charged, answers) = match draws.below(3) {
        0 => {
            let padded = if draws.below(2) == 0 { ", equalAnswerBytes: 64B" } else { "" };
            let codes = r#"{"x1": consistent, "x2": inconsistent, "x3": no_record, "x4": no_record}"#;
            let fields = format!("verdicts: {{pointer: /code, codes: {codes}}}{padded}");
            let answers =
                (1..=4).map(|at| (200, format!(r#"{{"code":"x{at}","name":"{}"}}"#, "某".repeat(at))));
            ("verification", fields, "[consistent, inconsistent, no_record]", answers.collect())
        }
        1 => {
            let status = if draws.below(2) == 0 { 200 } else { 404 };
            let none = format!(r#"noRecord: {{status: "{status}", pointer: /code, values: ["02"]}}"#);
            let answers = vec![(200, one), (200, other), (status, r#"{"code":"02"}"#.to_owned())];
            ("interface", format!("output: {{/result: {rule}}}, {none}"), "[answer, no_record]", answers)
        }
        _ => {
            let rule = "{type: integer, minimum: 0, maximum: 1000, step: 10}";
            let answers = vec![(200, r#"{"result":0}"#.to_owned()), (200, r#"{"result":1000}"#.to_owned())];
            ("model", format!("queriesPerQuarter: 9, output: {{/result: {rule}}}"), "[answer]", answers)
        }
    };
    let fields_granted = if kind == "verification" { "" } else { "  fields: [/result]\n" };
    let product = format!(
        "---\napiVersion: shuzha/v1\nkind: Product\nmetadata: {{name: person-made}}\nspec:\n  kind: {kind}\n  title: 生成的产品\n  \
         operator: yunze-data\n  dataSets: [population]\n  upstream: register\n  version: 1\n  operations:\n    - {{name: verify, \
         method: POST, path: /v1/made, personal: true, subject: {{kind: person, pointer: /id_number}}, input: {{type: object, \
         additionalProperties: false, required: [id_number], properties: {{id_number: {{type: string, minLength: 18, \
         maxLength: 18}}}}}}, {fields}}}\n\
         ---\napiVersion: shuzha/v1\nkind: Certificate\nmetadata: {{name: person-made}}\nspec: {{product: person-made, code: \
         YZ-2025-000098, window: {{from: 2025-01-01, until: 2028-01-01}}}}\n\
         ---\napiVersion: shuzha/v1\nkind: Ceiling\nmetadata: {{name: person-made}}\nspec: {{act: ceilings-2025, product: \
         person-made, perCallMax: \"0.50\", window: {{from: 2025-01-01, until: 2031-01-01}}}}\n\
         ---\napiVersion: shuzha/v1\nkind: Price\nmetadata: {{name: person-made}}\nspec: {{act: operator-2025, product: \
         person-made, perCall: \"{price}\", charged: {charged}, window: {{from: 2025-01-01, until: 2031-01-01}}}}\n\
         ---\napiVersion: shuzha/v1\nkind: Grant\nmetadata: {{name: probe-made}}\nspec:\n  unit: probe\n  scenario: probe-kyc\n  \
         agreement: probe-2025\n  product: person-made\n  operations: [verify]\n{fields_granted}  window: {{from: 2025-01-01, until: \
         2030-01-01}}\n  rate: {{calls: 1000, perSeconds: 1, burst: 1000}}\n"
    );
    Made { product, answers }
}

/// Issue 14, section 3: for personal operations no field of a record depends on the class of the answer, nor on the answer. Over
/// products of every kind that answers about persons one by one, with random contracts, verdicts and prices.
#[tokio::test]
async fn e4_no_record_of_a_random_product_about_persons_tells_its_answer() {
    let mut draws = Draws(0x0a1_1ce);
    for round in 0..30 {
        let Made { product, answers } = made(&mut draws);
        let snapshot = world::snapshot(&product);
        let house = TestGateway::new();
        house.gate.install(snapshot);
        let body = format!(r#"{{"id_number":"{}"}}"#, PERSON.0);
        for (status, answer) in &answers {
            let consent = house.consent(PERSON.0, "probe", 1);
            let ask = Ask::new("probe-1", "person-made", "verify", "probe-kyc").body(&body);
            let ask = ask.with("x-consent", &consent.token);
            let says = Fake::new([Say::Json(*status, answer.clone().leak())]);
            assert_eq!(outcome(&house.call(&ask, &says).await), "answered", "{round}: {answer}\n{product}");
        }
        let records = house.records().await;
        let calls = records.iter().filter_map(|record| match record.entry() {
            Ok(Entry::Call(call)) => Some(format!("{:?}", alike(&call))),
            _ => None,
        });
        let calls: Vec<String> = calls.collect();
        assert_eq!(calls.len(), answers.len());
        assert!(calls.iter().all(|call| *call == calls[0]), "{round}: {calls:#?}\n{answers:?}\n{product}");
    }
}

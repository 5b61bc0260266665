//! Blinded verification over real sockets, with the other side written from RFC 9497's library alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use rand_core::OsRng;
use serde_json::{Value, json};
use shuzha_upstreams::blind::{Blind, ELEMENTS_MAX, List};
use shuzha_upstreams::register::{enterprise, person};
use voprf::{EvaluationElement, Group as _, Proof, Ristretto255, VoprfClient};

use crate::harness::{Running, start};

const SEED: [u8; 32] = [7; 32];
const EPOCH: &str = "2026q4";

fn blind() -> Blind {
    Blind::new(&SEED, EPOCH).unwrap()
}

/// An entry as `docs/guide-blind.md` says.
fn entry(parts: &[&str]) -> Vec<u8> {
    let mut input = b"shuzha blind entry 1".to_vec();
    for part in parts {
        input.extend_from_slice(&(part.len() as u64).to_be_bytes());
        input.extend_from_slice(part.as_bytes());
    }
    input
}

fn decoded(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
}

/// Has `entries` evaluated as one batch, checks the proof against the published key, and gives their tags.
async fn tags(service: &Running, list: List, entries: &[Vec<u8>]) -> Vec<[u8; 16]> {
    let blinded: Vec<_> =
        entries.iter().map(|entry| VoprfClient::<Ristretto255>::blind(entry, &mut OsRng).unwrap()).collect();
    let elements: Vec<String> =
        blinded.iter().map(|one| URL_SAFE_NO_PAD.encode(one.message.serialize())).collect();
    let body = json!({"epoch": EPOCH, "elements": elements}).to_string();
    let got = service.post(&format!("/v1/blind/{}:evaluate", list.name()), &body).await;
    assert_eq!(got.status, StatusCode::OK);
    let answer = got.json();
    let messages: Vec<EvaluationElement<Ristretto255>> = answer["evaluated"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| EvaluationElement::deserialize(&decoded(one)).unwrap())
        .collect();
    let proof = Proof::<Ristretto255>::deserialize(&decoded(&answer["proof"])).unwrap();
    let lists = blind();
    let (_, key) = lists.public_keys().find(|(name, _)| *name == list.name()).unwrap();
    let key = Ristretto255::deserialize_elem(&URL_SAFE_NO_PAD.decode(key).unwrap()).unwrap();
    let clients: Vec<_> = blinded.into_iter().map(|one| one.state).collect();
    let inputs = entries.to_vec();
    let outputs = VoprfClient::batch_finalize(&inputs, &clients, &messages, &proof, key).unwrap();
    outputs.map(|output| output.unwrap()[..16].try_into().unwrap()).collect()
}

/// The published tags of a list, checked to be in order and of the published key.
async fn published(service: &Running, list: List) -> Vec<[u8; 16]> {
    let got = service.get(&Method::GET, &format!("/v1/blind/{}.tags", list.name()), &[]).await;
    assert_eq!(got.status, StatusCode::OK);
    let rest = got.body.strip_prefix(b"shuzha tags 1\n\n\n").unwrap();
    let (key, rest) = rest.split_at(32);
    let lists = blind();
    assert!(lists.public_keys().any(|(name, own)| name == list.name() && own == URL_SAFE_NO_PAD.encode(key)));
    let rest = rest.strip_prefix(&[6]).unwrap().strip_prefix(EPOCH.as_bytes()).unwrap();
    let (count, rest) = rest.split_at(8);
    let (tags, odd) = rest.as_chunks::<16>();
    assert!(odd.is_empty() && tags.len() as u64 == u64::from_be_bytes(count.try_into().unwrap()));
    assert!(tags.is_sorted());
    tags.to_vec()
}

#[tokio::test]
async fn e8_exactly_the_listed_entries_have_published_tags() {
    let service = start(blind()).await;
    let listed = published(&service, List::Cardholders).await;
    assert_eq!(listed.len(), 3_907);
    // One person in 256 has a card, the first one among them; a name of somebody else is another entry.
    let (holder, other) = (person(0), person(1));
    let entries = [
        entry(&[&holder.id_number, &holder.name]),
        entry(&[&other.id_number, &other.name]),
        entry(&[&holder.id_number, &other.name]),
        entry(&[&person(256).id_number, &person(256).name]),
    ];
    let found = tags(&service, List::Cardholders, &entries).await;
    let on_list: Vec<bool> = found.iter().map(|tag| listed.binary_search(tag).is_ok()).collect();
    assert_eq!(on_list, [true, false, false, true]);
    // Another list has another key: what was learned of one says nothing of the other.
    let elsewhere = tags(&service, List::EnterprisesAtRisk, &entries).await;
    assert!(found.iter().zip(&elsewhere).all(|(here, there)| here != there));
}

#[tokio::test]
async fn e8_the_watched_enterprises_are_listed() {
    let service = start(blind()).await;
    let listed = published(&service, List::EnterprisesAtRisk).await;
    let firms: Vec<_> = (0..40).map(enterprise).collect();
    let entries: Vec<_> = firms.iter().map(|firm| entry(&[&firm.uscc])).collect();
    let found = tags(&service, List::EnterprisesAtRisk, &entries).await;
    for (firm, tag) in firms.iter().zip(found) {
        assert_eq!(listed.binary_search(&tag).is_ok(), firm.at_risk, "{}", firm.uscc);
    }
}

/// A new epoch has new keys and new tags, and nothing of the old one is answered.
#[tokio::test]
async fn e5_an_epoch_ends_with_its_keys() {
    let next = Blind::new(&SEED, "2027q1").unwrap();
    let (old, new): (Vec<_>, Vec<_>) = (blind().public_keys().collect(), next.public_keys().collect());
    assert!(old.iter().zip(&new).all(|(old, new)| old.0 == new.0 && old.1 != new.1));
    assert_ne!(old[0].1, old[1].1);
    assert_eq!(old, blind().public_keys().collect::<Vec<_>>(), "the same seed gives the same keys");
    let service = start(next).await;
    let got = service.post("/v1/blind/cardholders:evaluate", r#"{"epoch":"2026q4","elements":["x"]}"#).await;
    assert_eq!((got.status, got.code().as_str()), (StatusCode::CONFLICT, "epoch"));
    for epoch in ["", "a b", "2026/q4", &"x".repeat(33)] {
        assert!(Blind::new(&SEED, epoch).is_err(), "{epoch}");
    }
}

#[tokio::test]
async fn e5_what_is_no_element_is_refused_whole() {
    let service = start(blind()).await;
    let good = VoprfClient::<Ristretto255>::blind(&entry(&["x"]), &mut OsRng).unwrap();
    let good = URL_SAFE_NO_PAD.encode(good.message.serialize());
    let identity = URL_SAFE_NO_PAD.encode([0; 32]);
    let many = vec![good.clone(); ELEMENTS_MAX + 1];
    for elements in
        [vec![], vec![identity], vec![good.clone(), "x".to_owned()], vec![format!("{good}=")], many]
    {
        let body = json!({"epoch": EPOCH, "elements": elements}).to_string();
        let got = service.post("/v1/blind/cardholders:evaluate", &body).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", elements.len());
    }
    for (path, status) in [
        ("/v1/blind/nobody:evaluate", StatusCode::NOT_FOUND),
        ("/v1/blind/cardholders", StatusCode::NOT_FOUND),
        ("/v1/blind/cardholders.tags", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        assert_eq!(service.post(path, "{}").await.status, status, "{path}");
    }
}

//! The scoring model: the same numbers as the trainer measured, on rows it never saw.

use std::io::Read as _;

use flate2::read::GzDecoder;
use http::StatusCode;
use serde_json::json;
use shuzha_upstreams::model::features::{BOUNDS, COUNT, Features};
use shuzha_upstreams::model::{MODEL, Model, score};

use crate::harness::start;

const DATA: &[u8] = include_bytes!("../../data/credit-default.csv.gz");
const METRICS: &str = include_str!("../../model/metrics.json");
const PARITY: &str = include_str!("../../testdata/credit-parity.csv");

/// All rows of the table: features, and whether the client defaulted.
fn table() -> Vec<(Features, bool)> {
    let mut text = String::new();
    GzDecoder::new(DATA).read_to_string(&mut text).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(header[..COUNT], BOUNDS.map(|(name, _)| name), "the struct has the table's order");
    lines
        .map(|line| {
            let numbers: Vec<i64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
            (Features::from_values(numbers[..COUNT].try_into().unwrap()), numbers[COUNT] == 1)
        })
        .collect()
}

/// The rule of `model/train.py`, on row numbers from 1.
fn held_out(row: usize) -> bool {
    let digest = ring::digest::digest(&ring::digest::SHA256, format!("{MODEL}:{row}").as_bytes());
    digest.as_ref()[0] < 51
}

/// Area under the ROC curve: the share of pairs (defaulted, paid) that are ranked rightly, ties counting
/// half.
fn auc(scored: &mut [(f32, bool)]) -> f64 {
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rightly, mut paid) = (0.0, 0.0);
    for ties in scored.chunk_by(|a, b| a.0 == b.0) {
        let defaulted_here = ties.iter().filter(|(_, defaulted)| *defaulted).count() as f64;
        let paid_here = ties.len() as f64 - defaulted_here;
        rightly += defaulted_here * (paid + paid_here / 2.0);
        paid += paid_here;
    }
    rightly / (paid * (scored.len() as f64 - paid))
}

#[test]
fn auc_on_held_out_rows_is_what_the_trainer_measured() {
    let model = Model::credit_default().unwrap();
    let rows = table();
    let mut scored: Vec<(f32, bool)> = rows
        .iter()
        .enumerate()
        .filter(|(at, _)| held_out(at + 1))
        .map(|(_, (features, defaulted))| (model.probability(features).unwrap(), *defaulted))
        .collect();
    let metrics: serde_json::Value = serde_json::from_str(METRICS).unwrap();
    assert_eq!(rows.len() as u64, 30_000);
    assert_eq!(scored.len() as u64, metrics["test"]["rows"].as_u64().unwrap());
    let measured = auc(&mut scored);
    let stated = metrics["test"]["auc"].as_f64().unwrap();
    assert!((measured - stated).abs() < 1e-3, "{measured} against {stated}");
    assert!(measured >= 0.76, "{measured}");
}

#[test]
fn the_metrics_speak_of_this_table_and_model() {
    let metrics: serde_json::Value = serde_json::from_str(METRICS).unwrap();
    let mut raw = Vec::new();
    GzDecoder::new(DATA).read_to_end(&mut raw).unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, &raw);
    let hex: String = shuzha_core::hex::encode(digest.as_ref());
    assert_eq!(metrics["data"]["csv_sha256"], json!(hex));
    assert_eq!(metrics["model"], json!(MODEL));
    assert_eq!(table().iter().filter(|(_, defaulted)| *defaulted).count(), 6_636);
}

#[test]
fn probabilities_are_the_trainers() {
    let model = Model::credit_default().unwrap();
    let rows = table();
    let fixture: Vec<(usize, f32)> = PARITY
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(row, probability)| (row.parse().unwrap(), probability.parse().unwrap()))
        .collect();
    assert_eq!(fixture.len(), 256);
    for (row, expected) in fixture {
        assert!(held_out(row));
        let found = model.probability(&rows[row - 1].0).unwrap();
        assert!((found - expected).abs() < 1e-5, "row {row}: {found} against {expected}");
    }
}

#[test]
fn every_row_of_the_table_is_a_valid_question() {
    for (features, _) in table() {
        assert_eq!(features.check(), Ok(()));
    }
}

#[test]
fn sex_and_marriage_do_not_matter() {
    let model = Model::credit_default().unwrap();
    for (features, _) in table().into_iter().take(50) {
        let other = Features { sex: 3 - features.sex, marriage: (features.marriage + 1) % 4, ..features };
        assert_eq!(model.probability(&features).unwrap(), model.probability(&other).unwrap());
    }
}

#[test]
fn scores_run_against_probabilities() {
    for (probability, expected) in [
        (0.0, 1000),
        (1.0, 0),
        (0.5, 500),
        (0.1234, 877),
        (0.000_4, 1000),
        (0.000_6, 999),
        (-1.0, 1000),
        (2.0, 0),
    ] {
        assert_eq!(score(probability), expected, "{probability}");
    }
}

fn question(features: &Features) -> serde_json::Value {
    BOUNDS
        .iter()
        .zip(features.values())
        .map(|((name, _), value)| ((*name).to_owned(), json!(value)))
        .collect()
}

#[tokio::test]
async fn a_client_is_scored() {
    let service = start(Model::credit_default().unwrap()).await;
    let (features, _) = table()[0];
    let got = service.post("/v1/score", &question(&features).to_string()).await;
    assert_eq!(got.status, StatusCode::OK);
    let probability = Model::credit_default().unwrap().probability(&features).unwrap();
    let answer = got.json();
    assert!((answer["probability"].as_f64().unwrap() - f64::from(probability)).abs() <= 0.5e-4 + 1e-9);
    assert_eq!(answer["score"], json!(score(probability)));
    assert_eq!(answer["model"], json!("credit-default-1"));
    assert_eq!(answer.as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn the_ends_of_the_bounds_are_scored_and_one_further_is_refused() {
    let service = start(Model::credit_default().unwrap()).await;
    let (valid, _) = table()[0];
    for (at, (name, (low, high))) in BOUNDS.into_iter().enumerate() {
        for (value, status) in
            [(low, 200), (high, 200), (low - 1, 422), (high + 1, 422), (i64::MAX, 422), (i64::MIN, 422)]
        {
            let mut values = valid.values();
            values[at] = value;
            let got = service.post("/v1/score", &question(&Features::from_values(values)).to_string()).await;
            assert_eq!(got.status.as_u16(), status, "{name} {value}");
            if status == 422 {
                assert_eq!(got.json()["detail"], json!(format!("outside the bounds: {name}")));
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_client_is_refused() {
    let service = start(Model::credit_default().unwrap()).await;
    let good = question(&table()[0].0);
    let with = |name: &str, value: serde_json::Value| {
        let mut changed = good.clone();
        changed[name] = value;
        changed.to_string()
    };
    let mut missing = good.clone();
    missing.as_object_mut().unwrap().remove("pay_6");
    for body in [
        with("age", json!(24.5)),
        with("age", json!("24")),
        with("age", json!(null)),
        with("age", json!(1e300)),
        with("extra", json!(1)),
        missing.to_string(),
        good.to_string().replacen("\"age\":24", "\"age\":NaN", 1),
        good.to_string().replacen("\"age\":24", "\"age\":24,\"age\":24", 1),
        "[1,2,3]".to_owned(),
    ] {
        assert_ne!(body, good.to_string(), "the change must have happened");
        let got = service.post("/v1/score", &body).await;
        assert_eq!(
            (got.status, got.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            "{body}"
        );
    }
    assert_eq!(service.post("/v1/scores", &good.to_string()).await.status, StatusCode::NOT_FOUND);
}

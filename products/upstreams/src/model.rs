//! The scoring model (数据模型): probability that a credit-card client defaults next month.
//!
//! The graph in `model/credit-default.onnx` is trained by `model/train.py` on the UCI table (Taiwan 2005,
//! credits in `data/README.md`) and holds everything from the raw columns to the probability. Its quality is
//! in `model/metrics.json`, measured on rows it was not trained on, and measured again by this crate's tests.
//!
//! `POST /v1/score` takes an object with the 23 [`features`] as whole numbers and answers `{"probability",
//! "score", "model"}`: the probability to four decimals, the score from 0 (sure to default) to 1000 (sure to
//! pay). Coarser steps are for the gateway to make, by the contract of the product.

pub mod features;

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use tract_onnx::prelude::*;

use crate::Error;
use crate::service::{Answer, Call, Product};
use features::{COUNT, Features};

/// The name of the model, as answers state it.
pub const MODEL: &str = "credit-default-1";
/// The best score.
pub const SCORE_MAX: u16 = 1000;

const GRAPH: &[u8] = include_bytes!("../model/credit-default.onnx");

/// The scoring model as a service.
#[derive(Clone, Debug)]
pub struct Model {
    plan: Arc<TypedRunnableModel>,
}

/// An answer on the wire.
#[derive(Clone, Debug, Serialize)]
pub struct Scored {
    probability: f64,
    score: u16,
    model: &'static str,
}

impl Model {
    /// Prepares the built-in graph for one row at a time.
    ///
    /// # Errors
    /// [`Error::Model`] when the graph cannot be read or needs an operator that is not there.
    pub fn credit_default() -> Result<Self, Error> {
        let plan = tract_onnx::onnx()
            .model_for_read(&mut std::io::Cursor::new(GRAPH))
            .and_then(|graph| graph.with_input_fact(0, f32::fact([1, COUNT]).into()))
            .and_then(InferenceModelExt::into_optimized)
            .and_then(IntoRunnable::into_runnable)
            .map_err(|error| Error::Model(format!("{error:#}")))?;
        Ok(Self { plan })
    }

    /// The probability of default, from 0 to 1.
    ///
    /// # Errors
    /// [`Error::Model`] when the graph cannot be run or gives something else than one probability.
    pub fn probability(&self, features: &Features) -> Result<f32, Error> {
        let failed = |error: TractError| Error::Model(format!("{error:#}"));
        let row = Tensor::from_shape(&[1, COUNT], &features.row()).map_err(failed)?;
        let outputs = self.plan.run(tvec!(row.into())).map_err(failed)?;
        let view = outputs[0].to_plain_array_view::<f32>().map_err(failed)?;
        match view.iter().collect::<Vec<_>>()[..] {
            [&probability] if (0.0..=1.0).contains(&probability) => Ok(probability),
            _ => Err(Error::Model("the graph did not give one probability".to_owned())),
        }
    }

    /// The answer about one client.
    ///
    /// # Errors
    /// As [`Model::probability`].
    pub fn scored(&self, features: &Features) -> Result<Scored, Error> {
        let probability = self.probability(features)?;
        let rounded = (f64::from(probability) * 1e4).round() / 1e4;
        Ok(Scored { probability: rounded, score: score(probability), model: MODEL })
    }
}

/// The score of a probability of default: 1000 × (1 − probability), to the nearest whole number.
#[must_use]
pub fn score(probability: f32) -> u16 {
    let safe = 1.0 - probability.clamp(0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000 after the clamp")]
    let score = (safe * f32::from(SCORE_MAX)).round() as u16;
    score
}

impl Product for Model {
    fn name(&self) -> &'static str {
        "model"
    }

    fn contract(&self) -> &'static str {
        "POST /v1/score 1\n"
    }

    fn answer(&self, call: &Call<'_>) -> Answer {
        if call.path != "/v1/score" {
            return Answer::not_found();
        }
        call.post(|features: &Features| {
            if let Err(fault) = features.check() {
                return Answer::invalid(&fault);
            }
            match self.scored(features) {
                Ok(scored) => Answer::json(StatusCode::OK, &scored),
                Err(error) => {
                    tracing::error!(%error, "the model could not be run");
                    Answer::refused(StatusCode::INTERNAL_SERVER_ERROR, "model_failed")
                }
            }
        })
    }
}

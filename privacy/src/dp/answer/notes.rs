//! What an answer, or a plan, says about its noise.

use serde::Serialize;
use serde_json::{Value, json};

use crate::dp::Domain;
use crate::dp::noise::{Scale, Scales};
use crate::dp::query::{Aggregate, QUANTILE_UNIT, Query};
use crate::dp::threshold::{delta_nano_nanos, threshold_up};

/// The noise of one sort of number.
#[derive(Serialize)]
pub(super) struct NoiseNote {
    of: &'static str,
    mechanism: &'static str,
    scale: f64,
    /// Each value, before post-processing, is this near to the exact one with probability 95 % at least.
    accuracy_95: u128,
}

impl NoiseNote {
    fn of((of, scale): (&'static str, Option<Scale>)) -> Option<Self> {
        let scale = scale?;
        let accuracy_95 = scale.accuracy_95_up();
        Some(Self { of, mechanism: scale.mechanism(), scale: scale.as_double(), accuracy_95 })
    }
}

/// What the answer costs whom.
#[derive(Serialize)]
pub(super) struct PrivacyNote<'a> {
    unit: &'static str,
    max_rows_per_person: u32,
    measure: &'a str,
    charge: String,
    /// The probability that a group by non-public keys shows one that only a single person has.
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<f64>,
}

/// Everything that is said beside the cells.
#[derive(Serialize)]
pub(super) struct Notes<'a> {
    noise: Vec<NoiseNote>,
    /// The quantile's rank among the counted rows is this near to the one asked for, with probability 95 % at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank_accuracy_95: Option<u128>,
    /// Keys with fewer rows than about this many are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<u128>,
    /// What was done to the noised numbers, at no cost in privacy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    post_processing: Vec<&'static str>,
    privacy: PrivacyNote<'a>,
}

impl Query {
    pub(super) fn notes<'a>(&self, scales: Scales, domain: &'a Domain) -> Notes<'a> {
        let open = self.open_column(domain).is_some();
        let noise = [("count", scales.count), ("sum", scales.sum)];
        #[expect(clippy::cast_precision_loss, reason = "for display; the exact one is the charge")]
        let delta = open.then(|| delta_nano_nanos(self.charge()) as f64 * 1e-18);
        let done = [("nonnegative", self.nonnegative), ("consistent_totals", self.consistent)];
        Notes {
            noise: noise.into_iter().filter_map(NoiseNote::of).collect(),
            rank_accuracy_95: scales.count.and_then(|scale| self.rank_accuracy_95_up(scale, domain)),
            threshold: scales.count.filter(|_| open).map(|scale| threshold_up(scale, self.charge(), domain)),
            post_processing: done.into_iter().filter(|(_, done)| *done).map(|(what, _)| what).collect(),
            privacy: PrivacyNote {
                unit: "person",
                max_rows_per_person: domain.rows_per_person_max(),
                measure: domain.measure().as_str(),
                charge: self.charge().to_string(),
                delta,
            },
        }
    }

    /// How far a released quantile's rank may be off: all partial sums are within a of theirs at once, so the rank where they
    /// pass q of the total is within a + q·a of where the exact ones do.
    fn rank_accuracy_95_up(&self, scale: Scale, domain: &Domain) -> Option<u128> {
        let quantile = u128::from(self.quantile?);
        let sums = scale.accuracy_of_sums_95_up(self.values(domain));
        Some(sums + (sums * quantile).div_ceil(u128::from(QUANTILE_UNIT)))
    }

    /// What the answer will be like, before anything is asked: cells, noise, accuracy, charge. Public metadata only, so it
    /// costs nothing.
    ///
    /// # Panics
    /// When the query was parsed against another domain.
    #[must_use]
    pub fn plan(&self, domain: &Domain) -> Value {
        let scales = self.scales(domain).expect("a parsed query has scales under its domain");
        let notes = serde_json::to_value(self.notes(scales, domain)).expect("names and numbers are JSON");
        let cells = match self.aggregate {
            Aggregate::Quantile => self.cells(domain) / self.values(domain).max(1),
            Aggregate::Count | Aggregate::Sum | Aggregate::Mean => self.cells(domain),
        };
        let mut plan =
            json!({"data_version": domain.data_version(), "measure": self.aggregate, "cells": cells});
        if let (Some(plan), Value::Object(notes)) = (plan.as_object_mut(), notes) {
            plan.extend(notes);
        }
        plan
    }
}

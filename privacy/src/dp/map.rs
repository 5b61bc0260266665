//! OpenDP's word on what a draw costs: its measurement for our scale and sensitivity, and that measurement's privacy
//! map (OpenDP 0.16; the proofs stand beside its code).

use opendp::domains::{AtomDomain, MapDomain, VectorDomain};
use opendp::measurements::{make_gaussian, make_gaussian_threshold, make_laplace, make_laplace_threshold};
use opendp::measures::{Approximate, MaxDivergence, ZeroConcentratedDivergence};
use opendp::metrics::{AbsoluteDistance, L0PInfDistance, L1Distance, L2Distance};
use shuzha_core::NanoCharge;

use super::Measure;
use super::noise::Scale;

/// Why nothing was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapFault {
    /// The query has no scale under this domain: it was parsed against another.
    #[error("the query has no noise scale under this domain")]
    Scale,
    /// OpenDP builds no measurement of this scale or has no map for this sensitivity.
    #[error("no measurement can be built for this scale")]
    Measurement,
    /// The map is above the charge.
    #[error("the privacy map is above the charge")]
    AboveCharge,
}

/// Confirms that the parts of a query together cost at most `charge` (basic composition of the parts).
pub(super) fn check_map(parts: &[(Option<Scale>, u64)], charge: NanoCharge) -> Result<(), MapFault> {
    let mut total: u64 = 0;
    for &(scale, sensitivity) in parts {
        if let Some(scale) = scale {
            let loss = map_up(scale, sensitivity).ok_or(MapFault::Measurement)?;
            total = total.checked_add(loss.nanos()).ok_or(MapFault::AboveCharge)?;
        }
    }
    if total <= charge.nanos() { Ok(()) } else { Err(MapFault::AboveCharge) }
}

/// Confirms by OpenDP's measurement with a threshold that groups by keys that are not public cost at most `charge`, and show
/// a key of one person's with at most `delta_nano_nanos` of probability, when a person has at most `rows` rows.
pub(super) fn check_threshold_map(
    scale: Scale,
    threshold: u128,
    rows: u32,
    charge: NanoCharge,
    delta_nano_nanos: u64,
) -> Result<(), MapFault> {
    let threshold = i64::try_from(threshold).map_err(|_| MapFault::Measurement)?;
    let values = MapDomain::new(AtomDomain::<String>::default(), AtomDomain::<i64>::default());
    let distance = (rows, i64::from(rows), i64::from(rows));
    let loss = match scale.measure {
        Measure::PureEps => make_laplace_threshold::<_, _, Approximate<MaxDivergence>>(
            values,
            L0PInfDistance::<1, _>(AbsoluteDistance::<i64>::default()),
            scale.as_double(),
            threshold,
            None,
        )
        .and_then(|measurement| measurement.map(&distance)),
        Measure::Rho => make_gaussian_threshold::<_, _, Approximate<ZeroConcentratedDivergence>>(
            values,
            L0PInfDistance::<2, _>(AbsoluteDistance::<i64>::default()),
            scale.as_double(),
            threshold,
            None,
        )
        .and_then(|measurement| measurement.map(&distance)),
    };
    let (loss, delta) = loss.map_err(|_| MapFault::Measurement)?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a comparison whose sides differ by more than a double's last bit"
    )]
    let within = loss * 1e9 <= charge.nanos() as f64 && delta * 1e18 <= delta_nano_nanos as f64;
    if within { Ok(()) } else { Err(MapFault::AboveCharge) }
}

/// What OpenDP says a vector of noised integers costs that one person moves by at most `sensitivity`, in nano-units
/// rounded up; `None` where it says nothing.
pub(super) fn map_up(scale: Scale, sensitivity: u64) -> Option<NanoCharge> {
    let sensitivity = i64::try_from(sensitivity).ok()?;
    let values = VectorDomain::new(AtomDomain::<i64>::default());
    // The scale is exact as a double (see `Scale::as_double`), so this is the measurement we draw from.
    let loss = match scale.measure {
        Measure::PureEps => {
            make_laplace::<_, _, MaxDivergence>(values, L1Distance::<i64>::default(), scale.as_double(), None)
                .and_then(|measurement| measurement.map(&sensitivity))
        }
        Measure::Rho => make_gaussian::<_, _, ZeroConcentratedDivergence>(
            values,
            L2Distance::<i64>::default(),
            scale.as_double(),
            None,
        )
        .and_then(|measurement| measurement.map(&sensitivity)),
    };
    let nanos = (loss.ok()? * 1e9).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be within 0 and 2^53"
    )]
    (0.0..9e15).contains(&nanos).then(|| NanoCharge::from_nanos(nanos as u64))
}

//! Times, as people read them.

use jiff::tz::Offset;
use shuzha_core::{Timestamp, calendar};

/// A time for people, in Shanghai's.
pub(crate) fn instant(at: Timestamp) -> String {
    let shown = jiff::Timestamp::from_microsecond(at.micros());
    let zone = Offset::constant(calendar::OFFSET_HOURS).to_time_zone();
    shown.map_or_else(
        |_| at.micros().to_string(),
        |at| at.to_zoned(zone).strftime("%F %T%.6f %:z").to_string(),
    )
}

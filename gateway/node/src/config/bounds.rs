//! Least and most value of every key that holds a number, a size or a duration.
//!
//! A value outside would pass here and fail later: a listener that serves nobody, a body that no machine can hold, a
//! segment that the journal refuses. `config/default.toml` shows both ends beside each key; a test compares. How long
//! records are kept has a floor of the rule pack instead (`retention.rs`).

use toml::Value;

use super::reader::FromConfig;

/// Section, key, least and most value, both still permitted.
pub(crate) const BOUNDS: &[(&str, &str, &str, &str)] = &[
    ("control", "emergency_confirmation_hours", "1", "168"),
    ("control", "objects_max", "1", "100_000_000"),
    ("finance", "grace", "1s", "744h"),
    ("data_plane", "signature_window", "1s", "1h"),
    ("data_plane", "nonces_max", "1_000", "64_000_000"),
    ("data_plane", "threads", "0", "1_024"),
    ("limits", "body_bytes_max", "1KiB", "64MiB"),
    ("limits", "head_timeout", "100ms", "5m"),
    ("limits", "body_timeout", "100ms", "1h"),
    ("limits", "idle_timeout", "1s", "1h"),
    ("limits", "requests_per_connection_max", "1", "1_000_000_000"),
    ("limits", "streams_per_connection_max", "1", "1_000"),
    ("limits", "connections_max", "1", "1_000_000"),
    ("limits", "connections_per_address_max", "1", "1_000_000"),
    ("limits", "handshakes_per_address_max", "1", "1_000_000"),
    ("limits", "unfinished_per_address_max", "1", "1_000_000"),
    ("limits", "body_bytes_total_max", "1MiB", "1024GiB"),
    ("limits", "body_bytes_per_address_max", "64KiB", "1024GiB"),
    ("limits", "body_bytes_per_connection_max", "64KiB", "1024GiB"),
    ("limits", "unidentified_requests_per_second", "1", "1_000_000"),
    ("limits", "unidentified_body_bytes_max", "1KiB", "64MiB"),
    ("limits", "empty_frames_per_second_max", "10", "1_000_000"),
    ("limits", "signed_requests_per_second_max", "1", "1_000_000"),
    ("limits", "nonces_per_unit_max", "1_000", "64_000_000"),
    ("limits", "idempotency_keys_per_unit_max", "1", "100_000_000"),
    ("limits", "idempotency_keys_max", "1", "1_000_000_000"),
    ("limits", "stored_response_bytes_per_unit_max", "1KiB", "64GiB"),
    ("limits", "stored_response_bytes_max", "1KiB", "64GiB"),
    ("limits", "drain_timeout", "100ms", "1h"),
    ("journal", "segment_bytes", "64KiB", "1GiB"),
    ("journal", "queue_records_max", "16", "4_000_000"),
    ("journal", "free_bytes_min", "1MiB", "1024GiB"),
    ("evidence", "anchor_interval", "1s", "744h"),
    ("evidence", "anchor_fail_closed_after", "2s", "8784h"),
];

/// The value of a bound, as the configuration writes it.
fn value<T: FromConfig>(text: &str) -> T {
    let number = text.replace('_', "").parse::<i64>();
    let value = number.map_or_else(|_| Value::String(text.to_owned()), Value::Integer);
    T::from_config(&value).expect("bounds are written as their keys are: a test reads all")
}

/// Whether `read` is within the bounds of its key.
///
/// # Errors
/// Both ends, for people.
pub(crate) fn judge<T: FromConfig>(section: &str, key: &str, read: &T) -> Result<(), String> {
    let Some(size) = read.size() else { return Ok(()) };
    let Some((_, _, least, most)) = BOUNDS.iter().find(|(of, name, ..)| (*of, *name) == (section, key))
    else {
        return Ok(());
    };
    let [low, high] = [least, most].map(|text| value::<T>(text).size());
    let within = low.is_none_or(|low| low <= size) && high.is_none_or(|high| size <= high);
    if within { Ok(()) } else { Err(format!("expected {least} to {most}")) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use toml::Table;

    use super::super::reader::{Bytes, merge};
    use super::super::{DEFAULT, read};
    use super::*;
    use shuzha_core::Fault;

    fn defaults() -> Table {
        DEFAULT.parse().expect("TOML")
    }

    /// Keys that hold a number, a size or a duration.
    fn sized() -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for (section, keys) in defaults() {
            for (key, value) in keys.as_table().expect("a section") {
                let sized = usize::from_config(value).is_ok()
                    || Bytes::from_config(value).is_ok()
                    || Duration::from_config(value).is_ok()
                    || value.as_str() == Some("never");
                if sized && key != "call_log_months" {
                    found.insert((section.clone(), key.clone()));
                }
            }
        }
        found
    }

    fn with(section: &str, key: &str, value: &str) -> Result<(), Vec<Fault>> {
        let number = value.replace('_', "").parse::<i64>();
        let value = number.map_or_else(|_| Value::String(value.to_owned()), Value::Integer);
        let mut table = defaults();
        let one = Table::from_iter([(key.to_owned(), value)]);
        merge(&mut table, Table::from_iter([(section.to_owned(), Value::Table(one))]));
        // Where this key only makes sense beside others.
        if key == "anchor_fail_closed_after" {
            let more = "[evidence]\nanchors = ['box file /tmp']\nanchor_interval = '1s'\n";
            merge(&mut table, more.parse().expect("TOML"));
        }
        read(table, None).map(drop)
    }

    #[test]
    fn every_key_with_a_size_has_bounds_and_shows_them() {
        let bounded: BTreeSet<(String, String)> =
            BOUNDS.iter().map(|(section, key, ..)| ((*section).to_owned(), (*key).to_owned())).collect();
        assert_eq!(bounded, sized());
        for (section, key, least, most) in BOUNDS {
            let start = DEFAULT.find(&format!("\n[{section}]")).expect("a section");
            let line = DEFAULT[start..].lines().find(|line| line.starts_with(&format!("{key} = ")));
            let shown = format!("# {least} – {most}");
            assert!(line.is_some_and(|line| line.ends_with(&shown)), "{section}.{key}: {shown} in {line:?}");
        }
    }

    #[test]
    fn both_ends_are_taken_and_what_is_beyond_is_refused_by_name() {
        for (section, key, least, most) in BOUNDS {
            for end in [least, most] {
                assert_eq!(with(section, key, end), Ok(()), "{section}.{key} = {end}");
            }
            let beyond = match most.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_') {
                "" => vec![format!("{most}0"), "-1".to_owned()],
                "h" | "m" => vec!["9000h".to_owned(), "1ns".to_owned()],
                _ => vec![format!("1{most}"), "1B".to_owned()],
            };
            for value in beyond {
                let faults = with(section, key, &value).expect_err(&value);
                let path = format!("{section}.{key}");
                assert!(faults.iter().all(|fault| fault.path == path), "{path} = {value}: {faults:?}");
            }
        }
    }
}

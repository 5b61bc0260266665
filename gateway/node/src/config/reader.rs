//! Reads typed values out of merged TOML and gathers every fault instead of stopping at the first.

use std::time::Duration;

use shuzha_core::Fault;
use shuzha_core::fault::Faults;
use toml::{Table, Value};

use super::bounds;

/// A value that a key may hold.
pub(crate) trait FromConfig: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// The reason, for people; it may show the value unless the key holds a secret, and none does.
    fn from_config(value: &Value) -> Result<Self, String>;

    /// How large it is, in whatever unit the type counts: for comparing it with its bounds. None where it has no size.
    fn size(&self) -> Option<u128> {
        None
    }
}

/// The merged configuration, and the faults found so far.
pub(crate) struct Reader {
    table: Table,
    pub(crate) faults: Faults,
}

impl Reader {
    pub(crate) fn new(table: Table) -> Self {
        Self { table, faults: Faults::default() }
    }

    pub(crate) fn fault(&mut self, path: &str, reason: impl Into<String>) {
        self.faults.push(Fault::new(path, reason));
    }

    /// Takes `section.key`, or notes why not.
    pub(crate) fn take<T: FromConfig>(&mut self, section: &str, key: &str) -> Option<T> {
        let value = self.table.get_mut(section).and_then(Value::as_table_mut).and_then(|t| t.remove(key));
        let path = format!("{section}.{key}");
        let judged = |value: &Value| {
            let value = T::from_config(value)?;
            bounds::judge(section, key, &value).map(|()| value)
        };
        match value.as_ref().map(judged) {
            Some(Ok(value)) => Some(value),
            Some(Err(reason)) => {
                self.fault(&path, reason);
                None
            }
            None => {
                self.fault(&path, "missing");
                None
            }
        }
    }

    /// Notes every key nobody took.
    pub(crate) fn finish(mut self) -> Vec<Fault> {
        for (section, rest) in std::mem::take(&mut self.table) {
            match rest {
                Value::Table(keys) => {
                    for key in keys.keys() {
                        self.fault(&format!("{section}.{key}"), "unknown key");
                    }
                }
                _ => self.fault(&section, "a section [name] with keys is expected"),
            }
        }
        self.faults.into_list()
    }
}

/// Lays `over` over `under`, key by key. What stands where a section should is kept, so that it is told and not lost under a
/// key of that section.
pub(crate) fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (Some(_), Value::Table(_)) => {}
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

impl FromConfig for String {
    fn from_config(value: &Value) -> Result<Self, String> {
        value.as_str().map(str::to_owned).ok_or_else(|| "a text is expected".into())
    }
}

impl FromConfig for bool {
    fn from_config(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| "expected true or false".to_owned())
    }
}

impl FromConfig for usize {
    fn from_config(value: &Value) -> Result<Self, String> {
        let number = value.as_integer().and_then(|number| Self::try_from(number).ok());
        number.ok_or_else(|| "a whole number, zero or more, is expected".into())
    }

    fn size(&self) -> Option<u128> {
        u128::try_from(*self).ok()
    }
}

impl FromConfig for Vec<String> {
    fn from_config(value: &Value) -> Result<Self, String> {
        let items = value.as_array().ok_or("a list of texts is expected")?;
        items.iter().map(String::from_config).collect()
    }
}

impl FromConfig for Vec<std::net::SocketAddr> {
    fn from_config(value: &Value) -> Result<Self, String> {
        let items = value.as_array().ok_or("a list of addresses is expected")?;
        if items.is_empty() {
            return Err("at least one address is expected".into());
        }
        items.iter().map(std::net::SocketAddr::from_config).collect()
    }
}

impl FromConfig for std::net::SocketAddr {
    fn from_config(value: &Value) -> Result<Self, String> {
        let text = String::from_config(value)?;
        text.parse().map_err(|_| format!("\"{text}\" is not an address and port such as 127.0.0.1:8080"))
    }
}

impl FromConfig for Duration {
    fn from_config(value: &Value) -> Result<Self, String> {
        let text = String::from_config(value)?;
        let read = text.parse::<jiff::SignedDuration>().ok().and_then(|span| Self::try_from(span).ok());
        match read {
            Some(span) if !span.is_zero() => Ok(span),
            _ => Err(format!("\"{text}\" is not a duration such as 250ms, 60s or 1m30s")),
        }
    }

    fn size(&self) -> Option<u128> {
        Some(self.as_nanos())
    }
}

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

impl FromConfig for Bytes {
    fn from_config(value: &Value) -> Result<Self, String> {
        let text = String::from_config(value)?;
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let factor = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1_u64 << 30,
            _ => 0,
        };
        let size = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
        match size {
            Some(size) if size > 0 => Ok(Self(size)),
            _ => Err(format!("\"{text}\" is not a size such as 16KiB, 1MiB or 2GiB")),
        }
    }

    fn size(&self) -> Option<u128> {
        Some(self.0.into())
    }
}

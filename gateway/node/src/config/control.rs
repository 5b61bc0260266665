//! The section `[control]`: where the control API listens, and by which rules cases are decided.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};
use shuzha_control::Rules;
use shuzha_products::instant_text;
use shuzha_products::jurisdiction::{self, Level, PACKS};
use shuzha_store::{Register, StoreError};

use super::access::{self, AccessConfig};
use super::reader::Reader;
use shuzha_client::WebAddress;

/// Hours within which an emergency stop may have to be confirmed: a week at most.
const EMERGENCY_HOURS: std::ops::RangeInclusive<u16> = 1..=168;

/// How the control plane runs.
#[derive(Clone, Debug)]
pub struct ControlConfig {
    /// Address of the control API.
    pub listen: SocketAddr,
    /// A front with TLS stands before it.
    pub https: bool,
    /// By which rules cases are decided.
    pub rules: Rules,
    /// The same rules as an object of the world in force; none where no pack is named.
    pub pack: Option<(&'static str, Value)>,
    /// Who else vouches for persons.
    pub(crate) provider: Option<Provider>,
    /// How persons come to it.
    pub access: AccessConfig,
}

impl ControlConfig {
    /// The rules as they bind what is in `register`: operation that began before operating agreements were demanded has a time
    /// of transition.
    ///
    /// # Errors
    /// Of the register.
    pub(crate) fn rules_of(&self, register: &Register) -> Result<Rules, StoreError> {
        let mut rules = self.rules.clone();
        rules.jurisdiction.operating.binds_from = register.operating_binds_from()?;
        Ok(rules)
    }

    /// The same as an object of the world in force, with its name; none where no pack is named.
    ///
    /// # Errors
    /// Of the register.
    pub(crate) fn pack_of(&self, register: &Register) -> Result<Option<(&'static str, Value)>, StoreError> {
        let Some((name, mut spec)) = self.pack.clone() else { return Ok(None) };
        if let Some(binds) = register.operating_binds_from()? {
            spec["operatingFrom"] = instant_text(binds).into();
        }
        Ok(Some((name, spec)))
    }
}

/// An OpenID Connect provider.
#[derive(Clone)]
#[cfg_attr(not(feature = "oidc"), expect(dead_code, reason = "a binary without the feature refuses it"))]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<String>,
    pub(crate) redirect: String,
    pub(crate) return_to: String,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Reads the section; paths are relative to `relative_to`.
pub(crate) fn read(r: &mut Reader, relative_to: &Path) -> Option<ControlConfig> {
    let listen = r.take("control", "listen");
    let https = r.take::<bool>("control", "https");
    let pack = r.take::<String>("control", "rules").and_then(|name| read_pack(r, &name));
    let level = r.take::<String>("control", "level").and_then(|level| read_level(r, &level));
    let provider = read_provider(r, relative_to);
    let emergency_hours = r.take::<usize>("control", "emergency_confirmation_hours");
    let emergency_hours = emergency_hours.and_then(|hours| {
        let found = u16::try_from(hours).ok().filter(|hours| EMERGENCY_HOURS.contains(hours));
        if found.is_none() {
            let (least, most) = (EMERGENCY_HOURS.start(), EMERGENCY_HOURS.end());
            r.fault("control.emergency_confirmation_hours", format!("expected {least} to {most}"));
        }
        found
    });
    let access = access::read(r);
    let files = r.take::<Vec<String>>("control", "calendar_files");
    let mut calendar = jurisdiction::calendar().clone();
    for file in files.iter().flatten() {
        let path = relative_to.join(file);
        let year = std::fs::read_to_string(&path).map_err(|error| error.to_string());
        match year.and_then(|text| {
            jurisdiction::with_year(calendar.clone(), &text).map_err(|error| error.to_string())
        }) {
            Ok(longer) => calendar = longer,
            Err(error) => r.fault("control.calendar_files", format!("{file}: {error}")),
        }
    }
    files?;
    let (pack, (word, level)) = (pack?, level?);
    let mut rules = pack.and_then(jurisdiction::pack).unwrap_or_default();
    rules.level = level;
    rules.emergency_hours = emergency_hours?;
    Some(ControlConfig {
        listen: listen?,
        https: https?,
        rules: Rules { jurisdiction: rules, calendar },
        pack: pack.map(|name| (name, json!({"rules": name, "level": word}))),
        provider: provider?,
        access: access?,
    })
}

fn read_provider(r: &mut Reader, relative_to: &Path) -> Option<Option<Provider>> {
    let [issuer, client_id, secret_file, redirect, return_to] =
        ["oidc_issuer", "oidc_client_id", "oidc_client_secret_file", "oidc_redirect", "oidc_return_to"]
            .map(|key| r.take::<String>("control", key));
    let (issuer, client_id, redirect, return_to) = (issuer?, client_id?, redirect?, return_to?);
    if issuer.is_empty() {
        return Some(None);
    }
    if !cfg!(feature = "oidc") {
        r.fault("control.oidc_issuer", "this binary was built without the feature `oidc`");
    }
    let addressed =
        |text: &str| WebAddress::read(text).is_ok_and(|address| address.secure || address.is_loopback());
    if !addressed(&issuer) {
        r.fault("control.oidc_issuer", "expected an https address");
    }
    if !addressed(&redirect) || !redirect.ends_with("/api/v1/sign-on/oidc/callback") {
        let reason = "expected the public https address of /api/v1/sign-on/oidc/callback";
        r.fault("control.oidc_redirect", reason);
    }
    if client_id.is_empty() {
        r.fault("control.oidc_client_id", "is needed with oidc_issuer");
    }
    if !return_to.starts_with('/') || return_to.starts_with("//") {
        r.fault("control.oidc_return_to", "expected a path on this origin, such as /");
    }
    let client_secret = match secret_file?.as_str() {
        "" => None,
        file => match std::fs::read_to_string(relative_to.join(file)) {
            Ok(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Ok(_) => {
                r.fault("control.oidc_client_secret_file", "is empty");
                None
            }
            Err(error) => {
                r.fault("control.oidc_client_secret_file", error.to_string());
                None
            }
        },
    };
    Some(Some(Provider { issuer, client_id, client_secret, redirect, return_to }))
}

fn read_pack(r: &mut Reader, name: &str) -> Option<Option<&'static str>> {
    if name.is_empty() {
        return Some(None);
    }
    let found = PACKS.iter().map(|(known, _)| *known).find(|known| *known == name);
    if found.is_none() {
        let known: Vec<_> = PACKS.iter().map(|(known, _)| *known).collect();
        r.fault("control.rules", format!("no rule pack `{name}`; there are {}", known.join(", ")));
    }
    found.map(Some)
}

fn read_level(r: &mut Reader, word: &str) -> Option<(&'static str, Level)> {
    match word {
        "province" => Some(("province", Level::Province)),
        "local" => Some(("local", Level::Local)),
        _ => {
            r.fault("control.level", "expected province or local");
            None
        }
    }
}

//! The section `[control]`: where the control API listens, and by which rules cases are decided.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};
use shuzha_control::Rules;
use shuzha_products::jurisdiction::{self, Level, PACKS};

use super::reader::Reader;

/// How the control plane runs.
#[derive(Clone, Debug)]
pub(crate) struct ControlConfig {
    pub(crate) listen: SocketAddr,
    pub(crate) https: bool,
    pub(crate) rules: Rules,
    /// The same rules as an object of the world in force; none where no pack is named.
    pub(crate) pack: Option<(&'static str, Value)>,
}

/// Reads the section; paths are relative to `relative_to`.
pub(super) fn read(r: &mut Reader, relative_to: &Path) -> Option<ControlConfig> {
    let listen = r.take("control", "listen");
    let https = r.take::<bool>("control", "https");
    let pack = r.take::<String>("control", "rules").and_then(|name| read_pack(r, &name));
    let level = r.take::<String>("control", "level").and_then(|level| read_level(r, &level));
    let files = r.take::<Vec<String>>("control", "calendar_files");
    let mut calendar = jurisdiction::calendar().clone();
    for file in files? {
        let path = relative_to.join(&file);
        let year = std::fs::read_to_string(&path).map_err(|error| error.to_string());
        match year.and_then(|text| {
            jurisdiction::with_year(calendar.clone(), &text).map_err(|error| error.to_string())
        }) {
            Ok(longer) => calendar = longer,
            Err(error) => r.fault("control.calendar_files", format!("{file}: {error}")),
        }
    }
    let (pack, (word, level)) = (pack?, level?);
    let mut rules = pack.and_then(jurisdiction::pack).unwrap_or_default();
    rules.level = level;
    Some(ControlConfig {
        listen: listen?,
        https: https?,
        rules: Rules { jurisdiction: rules, calendar },
        pack: pack.map(|name| (name, json!({"rules": name, "level": word}))),
    })
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

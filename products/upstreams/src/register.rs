//! The register (登记库): 1,000,000 persons and 50,000 enterprises, all of them made up, none of them stored.
//!
//! Every entry is computed from its index: a keyed permutation gives the identity number, a keyed stream of
//! draws the rest. A number is looked up by inverting the permutation, so the register starts at once, needs
//! no memory, and is the same on every machine.
//!
//! **Nobody real can be hit.** Identity numbers of persons begin with the area code of the registering county
//! (GB 11643-1999 §4.2, codes of GB/T 2260). Its first two digits name the province: 11–15, 21–23, 31–37,
//! 41–46, 50–54, 61–65, 71, 81–83, and 9x for foreigners. All areas here lie in `69`, which was never
//! assigned: the code of no county begins with it. Organisations carry the same areas in positions 3–8 of
//! their code (GB 32100-2015).
//!
//! | operation | body | answer |
//! |---|---|---|
//! | `POST /v1/persons:verify` | `{"id_number","name"}` | `{"code"}`: `00` 一致, `01` 不一致, `02` 查无 |
//! | `POST /v1/enterprises:verify` | `{"uscc","name"}` | the same |
//! | `POST /v1/enterprises:lookup` | `{"uscc"}` | the enterprise, or 404 `{"code":"02"}` |
//! | `POST /v1/tables/enterprises` | `{}` | `{"reference_date", "rows"}`: exact counts by area and status, small ones among them: hiding those is the gateway's |

mod area;
mod date;
mod enterprise;
mod person;
mod words;

use std::sync::OnceLock;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shuzha_core::identity;

use crate::service::{Answer, Call, Product};

pub use area::{AREAS, Area};
pub use date::Date;
pub use enterprise::{ENTERPRISES, Enterprise, Status, enterprise, enterprise_index};
pub use person::{PERSONS, Person, person, person_index};

/// The register as a service.
#[derive(Clone, Copy, Debug, Default)]
pub struct Register;

impl Product for Register {
    fn name(&self) -> &'static str {
        "register"
    }

    fn contract(&self) -> &'static str {
        "POST /v1/persons:verify 1\nPOST /v1/enterprises:verify 1\nPOST /v1/enterprises:lookup 1\nPOST /v1/tables/enterprises 2\n"
    }

    fn answer(&self, call: &Call<'_>) -> Answer {
        match call.path {
            "/v1/persons:verify" => call.post(verify_person),
            "/v1/enterprises:verify" => call.post(verify_enterprise),
            "/v1/enterprises:lookup" => call.post(look_up_enterprise),
            "/v1/tables/enterprises" => call.post(|Nothing {}| Answer::json(StatusCode::OK, table())),
            _ => Answer::not_found(),
        }
    }
}

/// Name and number agree (一致).
const CONSISTENT: &str = "00";
/// The number exists under another name (不一致).
const INCONSISTENT: &str = "01";
/// The number does not exist (查无).
const NO_RECORD: &str = "02";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonClaim {
    id_number: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnterpriseClaim {
    uscc: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnterpriseKey {
    uscc: String,
}

/// The groups of a table are fixed: there is nothing to ask for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The date that the table is of: the register does not change.
const REFERENCE_DATE: &str = "2026-01-01";

#[derive(Serialize)]
struct Counts {
    reference_date: &'static str,
    rows: Vec<Count>,
}

#[derive(Serialize)]
struct Count {
    key: [&'static str; 2],
    count: u32,
}

/// How many enterprises there are by area and status. Counted when first asked for.
fn table() -> &'static Counts {
    static TABLE: OnceLock<Counts> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut counts = [[0; Status::ALL.len()]; AREAS.len()];
        for firm in (0..ENTERPRISES).map(enterprise) {
            let area = area::position(firm.area.code).expect("an enterprise is in an area");
            let status = Status::ALL.iter().position(|known| *known == firm.status).expect("all are listed");
            counts[area][status] += 1;
        }
        let row = |(area, counts): (&Area, [u32; Status::ALL.len()])| {
            let code = area.code;
            Status::ALL
                .iter()
                .zip(counts)
                .map(move |(status, count)| Count { key: [code, status.text()], count })
        };
        Counts { reference_date: REFERENCE_DATE, rows: AREAS.iter().zip(counts).flat_map(row).collect() }
    })
}

#[derive(Serialize)]
struct Verdict {
    code: &'static str,
}

/// `internal_risk_flag` is no part of the product. Real registers leak such fields; this one does so on
/// purpose, and the gateway's output contract has to drop it.
#[derive(Serialize)]
struct Profile {
    uscc: String,
    name: String,
    status: &'static str,
    established: String,
    area: &'static str,
    legal_person: String,
    phone: String,
    registered_capital_yuan: u64,
    internal_risk_flag: &'static str,
}

fn verdict(registered: Option<&str>, claimed: &str) -> Answer {
    let code = match registered {
        Some(name) if name == claimed => CONSISTENT,
        Some(_) => INCONSISTENT,
        None => NO_RECORD,
    };
    Answer::json(StatusCode::OK, &Verdict { code })
}

fn verify_person(claim: &PersonClaim) -> Answer {
    if let Err(fault) = identity::check_person(&claim.id_number) {
        return Answer::invalid(&format!("id_number: {fault}"));
    }
    let registered = person_index(&claim.id_number).map(|index| person(index).name);
    verdict(registered.as_deref(), &claim.name)
}

fn verify_enterprise(claim: &EnterpriseClaim) -> Answer {
    if let Err(fault) = identity::check_organisation(&claim.uscc) {
        return Answer::invalid(&format!("uscc: {fault}"));
    }
    let registered = enterprise_index(&claim.uscc).map(|index| enterprise(index).name);
    verdict(registered.as_deref(), &claim.name)
}

fn look_up_enterprise(key: &EnterpriseKey) -> Answer {
    if let Err(fault) = identity::check_organisation(&key.uscc) {
        return Answer::invalid(&format!("uscc: {fault}"));
    }
    let Some(index) = enterprise_index(&key.uscc) else {
        return Answer::json(StatusCode::NOT_FOUND, &Verdict { code: NO_RECORD });
    };
    let found = enterprise(index);
    let profile = Profile {
        uscc: found.uscc,
        name: found.name,
        status: found.status.text(),
        established: found.established.to_string(),
        area: found.area.code,
        legal_person: found.legal_person,
        phone: found.phone,
        registered_capital_yuan: found.registered_capital_yuan,
        internal_risk_flag: if found.at_risk { "watch" } else { "none" },
    };
    Answer::json(StatusCode::OK, &profile)
}

#[cfg(test)]
mod tests;

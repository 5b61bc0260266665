//! The world that the gateway is measured with, written as its operator would declare it.
//!
//! One unit calls one product for one scenario with consent and at a price. Worlds of many grants add products, units
//! and scenarios of the same shape.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};

/// The unit that calls.
pub(super) const UNIT: &str = "unit-0";
/// Its credential.
pub(super) const CREDENTIAL: &str = "unit-0-1";
/// The scenario it calls for.
pub(super) const SCENARIO: &str = "unit-0-s0";
/// The grant it calls under.
#[cfg(test)]
pub(super) const GRANT: &str = "unit-0-s0-p0";
/// The scenario's class of purpose.
pub(super) const PURPOSE: &str = "industry";
/// The product it calls.
pub(super) const PRODUCT: &str = "product-0";
/// Who issues consents.
pub(super) const ISSUER: &str = "consent-service";
/// The id of the issuer's key.
pub(super) const ISSUER_KEY: &str = "consent-service-1";
/// Bytes of a consent token as issued here; systems that only pass it on get as many.
pub(super) const TOKEN_BYTES_USUAL: usize = 938;

/// In worlds of many grants, each unit has this many scenarios, and each scenario a grant for this many products.
const SCENARIOS_PER_UNIT: u32 = 10;
const PRODUCTS: u32 = 100;

/// Writes the world to `path`.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(path: &Path, upstream: SocketAddr, issuer_public_key: &str, grants: u32) -> Result<()> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    let mut world = Yaml { out: BufWriter::new(file) };
    parties(&mut world, upstream, issuer_public_key)?;
    for product in 0..PRODUCTS.min(grants) {
        declare_product(&mut world, product)?;
    }
    let mut left = grants;
    let mut unit = 0;
    while left > 0 {
        left -= declare_unit(&mut world, unit, left)?;
        unit += 1;
    }
    world.out.flush().context("writing the world")
}

struct Yaml<W: Write> {
    out: W,
}

impl<W: Write> Yaml<W> {
    fn object(&mut self, kind: &str, name: impl fmt::Display, spec: impl fmt::Display) -> Result<()> {
        write!(
            self.out,
            "---\napiVersion: shuzha/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"
        )?;
        Ok(())
    }
}

const FROM: &str = "window: {from: 2025-01-01, until: 2031-01-01}";

fn parties<W: Write>(world: &mut Yaml<W>, upstream: SocketAddr, issuer_public_key: &str) -> Result<()> {
    // Codes with the province 69, which was never assigned.
    for (name, kind, code) in [
        ("authority", "authority", "11690000MA0001077G"),
        ("provider", "provider", "11690000MA00011499"),
        ("operator", "operator", "91690000MA0001296J"),
        ("caller", "unit", "91690000MA0001333Q"),
    ] {
        world.object("Organisation", name, format_args!("{{kind: {kind}, uscc: {code}, name: {name}}}"))?;
    }
    world.object("DataSet", "population", "{provider: provider, sensitivity: sensitive}")?;
    let spec = format!("{{endpoints: [\"{upstream}\"], timeout: 2s, healthPath: /healthz}}");
    world.object("Upstream", "service", spec)?;
    let spec = format!("{{kid: {ISSUER_KEY}, algorithm: EdDSA, publicKey: \"{issuer_public_key}\"}}");
    world.object("ConsentIssuer", ISSUER, spec)?;
    let act = |issuer: &str, number: &str| format!("{{number: {number}, issuer: {issuer}, {FROM}}}");
    world.object("PriceAct", "ceilings", act("authority", "〔2025〕1"))?;
    world.object("PriceAct", "prices", act("operator", "〔2025〕2"))
}

fn declare_product<W: Write>(world: &mut Yaml<W>, at: u32) -> Result<()> {
    let name = format!("product-{at}");
    world.object(
        "Product",
        &name,
        "
  kind: verification
  title: 核验
  operator: operator
  dataSets: [population]
  upstream: service
  version: 1
  operations:
    - name: verify
      method: POST
      path: /v1/persons:verify
      personal: true
      input:
        type: object
        additionalProperties: false
        required: [id_number, name]
        properties:
          id_number: {type: string, minLength: 18, maxLength: 18}
          name: {type: string, minLength: 1, maxLength: 50}
          note: {type: string, maxLength: 500}
      subject: {kind: person, pointer: /id_number}
      verdicts: {pointer: /code, codes: {\"00\": consistent, \"01\": inconsistent, \"02\": no_record}}",
    )?;
    for (from, until) in [(2025, 2028), (2028, 2031)] {
        let window = format!("window: {{from: {from}-01-01, until: {until}-01-01}}");
        let spec = format!("{{product: {name}, code: YZ-{from}-{at:06}, {window}}}");
        world.object("Certificate", format_args!("{name}-{from}"), spec)?;
    }
    let spec = format!("{{act: ceilings, product: {name}, perCallMax: \"0.02\", {FROM}}}");
    world.object("Ceiling", &name, spec)?;
    let charged = "charged: [consistent, inconsistent, no_record]";
    let spec = format!("{{act: prices, product: {name}, perCall: \"0.01\", {charged}, {FROM}}}");
    world.object("Price", &name, spec)
}

/// Declares a unit with at most `most` grants, and says how many it has.
fn declare_unit<W: Write>(world: &mut Yaml<W>, at: u32, most: u32) -> Result<u32> {
    let unit = format!("unit-{at}");
    let spec = "{organisation: caller, securityOfficer: 林望舒, creditLimit: \"100000000.00\"}";
    world.object("ApplicationUnit", &unit, spec)?;
    let spec = format!("{{unit: {unit}, algorithm: hmac-sha256, {FROM}}}");
    world.object("Credential", format_args!("{unit}-1"), spec)?;
    let window = "window: {from: 2025-01-01, until: 2030-01-01}";
    world.object("Agreement", &unit, format_args!("{{unit: {unit}, {window}, signed: true}}"))?;
    let mut made = 0;
    for scenario in 0..SCENARIOS_PER_UNIT {
        let scenario = format!("{unit}-s{scenario}");
        let spec = format!(
            "{{unit: {unit}, purpose: {PURPOSE}, title: 核验, {FROM}, volume: {{callsPerDay: 1000000000, subjectsPerDay: 1000000000}}, approved: true}}"
        );
        world.object("Scenario", &scenario, spec)?;
        for product in 0..PRODUCTS {
            let who = format!("unit: {unit}, scenario: {scenario}, agreement: {unit}");
            let what = format!("product: product-{product}, operations: [verify]");
            let limits = "rate: {calls: 1000000, perSeconds: 1, burst: 1000000}, concurrency: 1000";
            let spec = format!("{{{who}, {what}, {window}, {limits}}}");
            world.object("Grant", format_args!("{scenario}-p{product}"), spec)?;
            made += 1;
            if made == most {
                return Ok(made);
            }
        }
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gateway reads these worlds without a fault and finds in them what was asked for.
    #[test]
    fn worlds_of_one_and_of_many_grants_are_sound() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("world.yaml");
        let address = "127.0.0.1:9".parse().expect("an address");
        let key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        for (grants, units, products) in [(1, 1, 1), (150, 1, 100), (2_500, 3, 100)] {
            write(&path, address, key, grants).expect("written");
            let text = std::fs::read_to_string(&path).expect("readable");
            let world = shuzha_products::World::parse(&[("world.yaml", text)]).expect("no fault");
            let found = (world.grants.len(), world.units.len(), world.products.len());
            assert_eq!(found, (grants as usize, units, products));
            let called = &world.grants[GRANT];
            let names = [&called.unit, &called.scenario, &called.product].map(|id| id.as_str());
            assert_eq!(names, [UNIT, SCENARIO, PRODUCT]);
        }
    }
}

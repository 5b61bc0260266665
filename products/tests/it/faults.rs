//! Bad files: every fault of every object at once, each with its line, and never a panic.

use proptest::prelude::*;
use shuzha_products::World;

use crate::{demo_files, demo_with};

#[test]
fn five_faults_are_all_shown() {
    let text = include_str!("testdata/five-faults.yaml");
    let faults = World::parse(&[("five-faults.yaml", text)]).expect_err("five faults");
    let shown: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
    assert_eq!(shown, include_str!("testdata/five-faults.txt"));
}

/// One change to the demo world, and the one fault it must cause.
#[test]
fn each_sort_of_fault_is_found_alone() {
    let mut wrong = Vec::new();
    for (file, from, to, expected) in [
        (
            "upstreams.yaml",
            "healthPath: /healthz",
            "keyFile: keys/../../gateway.key",
            "expected a file in the data folder, such as keys/gateway.key",
        ),
        (
            "units.yaml",
            "organisation: yunze-bank",
            "organisation: yunze-data",
            "an operator may not be an application unit",
        ),
        (
            "units.yaml",
            "kind: ApplicationUnit",
            "kind: Applicant",
            "must be one of: Jurisdiction, Organisation",
        ),
        ("units.yaml", "apiVersion: shuzha/v1", "apiVersion: shuzha/v2", "must be one of: shuzha/v1"),
        ("units.yaml", "name: bank-2}", "name: bank-1}", "is declared twice, first at units.yaml:"),
        ("units.yaml", "name: bank-2}", "name: Bank 2}", "a name holds only a-z"),
        ("units.yaml", "\"10000.00\"", "10000.00", "expected text (put it in quotes), found a number"),
        ("units.yaml", "\"10000.00\"", "\"-1\"", "must not be negative"),
        ("units.yaml", "127.0.0.0/8", "127.0.0.1/8", "bits are set to the right of the prefix"),
        (
            "units.yaml",
            "algorithm: hmac-sm3",
            "algorithm: hmac-md5",
            "must be one of: hmac-sha256, hmac-sm3, ed25519",
        ),
        (
            "units.yaml",
            "publicKeyFile: keys/bank-ed25519.pub",
            "publicKey: AAAA",
            "expected base64 of 32 bytes",
        ),
        (
            "units.yaml",
            "  algorithm: hmac-sm3",
            "  publicKey: AAAA\n  algorithm: hmac-sm3",
            "HMAC secrets are never in a file",
        ),
        (
            "organisations.yaml",
            "11690000MA0001077G",
            "11690000MA00010343",
            "is the same as that of `data-bureau`",
        ),
        ("organisations.yaml", "name: police}", "name: police}\nmetadata: {name: police}", "duplicate"),
        (
            "data-sets.yaml",
            "provider: police",
            "provider: yunze-bank",
            "must be an organisation of kind provider",
        ),
        ("data-sets.yaml", "centre, sensitivity: sensitive", "centre, sensitivity: core", "core data"),
        ("data-sets.yaml", "cap: \"5.0\"", "cap: \"7.0\"", "must not exceed the person-space's cap"),
        ("data-sets.yaml", "dataVersion: adult-1", "dataVersion: adult-2", "data_version differ"),
        ("data-sets.yaml", "max: \"0.3\"", "max: \"0.30000000001\"", "more than 9 decimals"),
        ("upstreams.yaml", "127.0.0.1:7101", "127.0.0.1", "expected host:port"),
        (
            "upstreams.yaml",
            "timeout: 2s",
            "timeout: 2",
            "expected text (put it in quotes), found a whole number",
        ),
        ("upstreams.yaml", "timeout: 2s", "timeout: 1h", "must be more than 0 and at most 300s"),
        ("products-verification.yaml", "method: POST", "method: GET", "must be POST"),
        (
            "products-verification.yaml",
            "path: /v1/persons:verify",
            "path: /v1/../persons",
            "expected an absolute path",
        ),
        (
            "products-verification.yaml",
            "pointer: /id_number",
            "pointer: /passport",
            "must point to text that the input contract requires",
        ),
        (
            "products-verification.yaml",
            "kind: person,",
            "kind: organisation,",
            "needs a `subject` of kind person",
        ),
        ("products-verification.yaml", "\"01\": inconsistent", "\"01\": yes", "must be one of: consistent"),
        (
            "products-verification.yaml",
            "additionalProperties: false",
            "additionalProperties: true",
            "`additionalProperties: false`",
        ),
        (
            "products-verification.yaml",
            "      verdicts:",
            "      output: {}\n      verdicts:",
            "unknown field; permitted: name, method",
        ),
        (
            "products-verification.yaml",
            "      subject: {kind: organisation, pointer: /uscc}\n",
            "",
            "a verification must name its `subject`",
        ),
        (
            "data-sets.yaml",
            "age: {type: integer, minimum: 17",
            "age: {type: integer, minimum: 91",
            "minimum is above maximum",
        ),
        ("data-sets.yaml", "type: categorical", "type: category", "domain: unknown variant"),
        (
            "data-sets.yaml",
            "default: \"2.0\"",
            "default: \"2.0\"\n      reserved: true",
            "reserved quotas must add up to no more than the cap, and their default must be 0",
        ),
        (
            "data-sets.yaml",
            "default: \"2.0\"",
            "default: \"2.0\"\n      pace: {max: \"0.5\", days: 32}",
            "must be 1 to 31",
        ),
        (
            "data-sets.yaml",
            "metadata: {name: card-defaults}\nspec: {provider: credit-centre, sensitivity: sensitive}",
            "metadata: {name: card-defaults}\nspec:\n  provider: credit-centre\n  sensitivity: sensitive\n  privacy:\n    \
             personSpace: census-sample\n    cap: \"2.0\"\n    dataVersion: v1\n    perQueryMax: \"1.0\"\n    \
             quotas: {default: \"0\", reserved: true}\n    domain: {data_version: v1, max_rows_per_person: 1, \
             columns: {age: {type: integer, minimum: 0, maximum: 9}}}",
            "the caps of the data sets over these people add up to more than the person-space's",
        ),
        ("products-data.yaml", "values: [\"02\"]", "values: [2]", "expected text (put it in quotes)"),
        ("products-data.yaml", "version: 1", "version: 0", "must be 1 to 4294967295"),
        ("products-data.yaml", "mask: name", "mask: nom", "/legal_person"),
        (
            "products-data.yaml",
            ", mask: band(500)}",
            "}",
            "/score: a model's number needs minimum, maximum and step",
        ),
        (
            "products-data.yaml",
            "dataSets: [census]",
            "dataSets: [enterprises]",
            "a report needs exactly one data set",
        ),
        (
            "products-data.yaml",
            "operator: yunze-data",
            "operator: police",
            "must be an organisation of kind operator",
        ),
        ("products-data.yaml", "kind: report", "kind: dashboard", "must be one of: verification, interface"),
        ("registration.yaml", "code: YZ-2025-000002", "code: YZ-2025-000001", "is the same as that of"),
        ("prices.yaml", "perCall: \"0.50\"", "perCall: \"0.90\"", "above the ceiling person-check-2025"),
        ("prices.yaml", "until: 2025-04-01", "until: 2032-04-01", "reaches outside the window of the act"),
        ("prices.yaml", "charged: [answer]", "charged: [answer, answer]", "is named twice"),
        (
            "grants.yaml",
            "operations: [verify]",
            "operations: [verify, guess]",
            "the product has no operation `guess`",
        ),
        (
            "grants.yaml",
            "[/uscc,",
            "[/internal_risk_flag,",
            "is no leaf of the granted operations' output contracts",
        ),
        ("grants.yaml", "unit: bank", "unit: bunk", "there is no ApplicationUnit named `bunk`"),
        ("grants.yaml", "scenario: bank-onboarding", "scenario: charity-aid", "belongs to unit `charity`"),
        ("grants.yaml", "  fields: [/score]\n", "", "is missing `fields`"),
        ("grants.yaml", "scenario: bank-marketing", "scenario: bank-onboarding", "overlaps that of"),
        ("grants.yaml", "per: month", "per: week", "must be one of: day, month, term"),
        (
            "suspensions.yaml",
            "name: lender}",
            "name: lenders}",
            "there is no ApplicationUnit named `lenders`",
        ),
        (
            "suspensions.yaml",
            "kind: ApplicationUnit",
            "kind: Grant",
            "must be one of: Product, ApplicationUnit",
        ),
        (
            "jurisdiction.yaml",
            "certificateRequired: true",
            "certificateRequired: yes",
            "expected true or false",
        ),
        (
            "jurisdiction.yaml",
            "kind: Jurisdiction",
            "extra: 1\nkind: Jurisdiction",
            "unknown field; permitted: apiVersion, kind, metadata, spec",
        ),
    ] {
        let faults = demo_with(file, from, to);
        if faults.len() != 1 || !faults[0].contains(expected) {
            wrong.push(format!("{file}: {from} → {to}: expected {expected}, found {faults:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a kind forbids, it forbids however the rest is declared.
#[test]
fn kinds_refuse_what_does_not_fit_them() {
    for (path, expected) in [
        ("path: /v1/packages/enterprises.csv", "a package may not touch personal information"),
        ("path: /v1/aggregate", "a report may not ask for personal consent"),
    ] {
        let subject = "\n      subject: {kind: person, pointer: /id}";
        let (from, to) =
            (format!("{path}\n      personal: false"), format!("{path}\n      personal: true{subject}"));
        let faults = demo_with("products-data.yaml", &from, &to);
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{faults:#?}");
        assert!(faults.iter().any(|fault| fault.contains("is not about one subject")), "{faults:#?}");
        assert_eq!(faults.len(), 2, "{faults:#?}");
    }
}

/// Gansu-O 31, Heilongjiang 20(一): whoever operates does not use what it delivers.
#[test]
fn c9_an_operator_is_no_application_unit() {
    let faults = demo_with("units.yaml", "organisation: yunze-bank", "organisation: yunze-data");
    assert!(
        faults.iter().any(|fault| fault.contains("an operator may not be an application unit")),
        "{faults:#?}"
    );
}

/// Heilongjiang 24: what counts is the number that an exchange gave, and it gives each once.
#[test]
fn g6_a_listing_is_an_exchanges_and_its_number_is_given_once() {
    const LISTED: &str = "
---
apiVersion: shuzha/v1
kind: Organisation
metadata: {name: exchange}
spec: {kind: exchange, uscc: 91690100MA000EXC3Q, name: 云泽数据交易中心}
---
apiVersion: shuzha/v1
kind: Listing
metadata: {name: first}
spec: {product: person-check, exchange: exchange, number: YZ-1, window: {from: 2026-01-01, until: 2028-01-01}}
---
apiVersion: shuzha/v1
kind: Listing
metadata: {name: second}
spec: {product: company-check, exchange: exchange, number: YZ-2, window: {from: 2026-01-01, until: 2028-01-01}}
";
    for (from, to, expected) in [
        ("", "", None),
        ("number: YZ-2", "number: YZ-1", Some("is the same as that of `first`")),
        ("exchange: exchange, number: YZ-2", "exchange: police, number: YZ-2", Some("of kind exchange")),
        ("number: YZ-2", "number: \" YZ-2\"", Some("no space around it")),
        ("product: company-check", "product: no-such", Some("there is no Product named `no-such`")),
    ] {
        let mut files = demo_files();
        files.push(("listings.yaml".to_owned(), LISTED.replacen(from, to, 1)));
        let faults = World::parse(&files).err().unwrap_or_default();
        let reasons: Vec<_> = faults.iter().map(|fault| fault.fault.reason.as_str()).collect();
        match expected {
            None => assert!(reasons.is_empty(), "{reasons:?}"),
            Some(expected) => assert!(reasons.len() == 1 && reasons[0].contains(expected), "{reasons:?}"),
        }
    }
}

/// Directly or indirectly (直接或间接), and whatever the party is else.
#[test]
fn c9_nobody_whom_an_operator_controls_is_an_application_unit() {
    let controlled = |more: &str, kind: &str, controller: &str| {
        let mut files = demo_files();
        let (_, text) =
            files.iter_mut().find(|(name, _)| name == "organisations.yaml").expect("organisations");
        let bank = "spec: {kind: unit, uscc: 91690000MA0001333Q,";
        assert!(text.contains(bank));
        *text = text.replace(
            bank,
            &format!("spec: {{kind: {kind}, controller: {controller}, uscc: 91690000MA0001333Q,"),
        );
        files.push(("more.yaml".to_owned(), more.to_owned()));
        let faults = World::parse(&files).err().unwrap_or_default();
        faults.iter().map(|fault| format!("{} {}", fault.object, fault.fault.reason)).collect::<Vec<_>>()
    };
    let holding = "apiVersion: shuzha/v1\nkind: Organisation\nmetadata: {name: holding}\n\
        spec: {kind: exchange, uscc: 91690100MA000EXC3Q, name: 控股, controller: yunze-data}\n";
    for kind in ["unit", "provider", "exchange", "authority"] {
        let direct = controlled("", kind, "yunze-data");
        assert_eq!(direct, ["ApplicationUnit/bank is controlled by the operator `yunze-data`"], "{kind}");
        let indirect = controlled(holding, kind, "holding");
        assert_eq!(indirect, ["ApplicationUnit/bank is controlled by the operator `yunze-data`"], "{kind}");
        assert!(controlled("", kind, "police").is_empty(), "{kind}");
    }
    assert_eq!(
        controlled("", "unit", "yunze-bank"),
        ["ApplicationUnit/bank is controlled over more than 8 steps, or by itself"]
    );
    assert_eq!(
        controlled("", "unit", "nobody"),
        ["ApplicationUnit/bank there is no Organisation named `nobody`"]
    );
}

#[test]
fn a_broken_document_hides_no_other_fault() {
    let faults =
        demo_with("organisations.yaml", "spec: {kind: provider, uscc: 11690000MA00011499", "spec: {kind: [");
    assert!(faults.len() == 1 && faults[0].contains("organisations.yaml:"), "{faults:#?}");
    let text = "kind: Grant\n  x: [\n---\nkind: Nothing\n---\napiVersion: shuzha/v1\nkind: Scenario\nmetadata: {name: a}\nspec: {unit: b}\n";
    let faults = World::parse(&[("f", text)]).expect_err("faults");
    let lines: Vec<_> = faults.iter().map(|fault| fault.fault.line.unwrap_or_default()).collect();
    assert!(lines.starts_with(&[2, 4]) && lines.len() > 3, "{faults:#?}");
}

#[test]
fn faults_are_bounded() {
    let text: String = (0..2_000).map(|at| format!("---\nkind: Thing{at}\n")).collect();
    let faults = World::parse(&[("f", text)]).expect_err("faults");
    assert_eq!(faults.len(), 1_001);
    assert_eq!(faults[1_000].fault.reason, "1000 more faults are not shown");
}

#[test]
fn nothing_declared_is_an_empty_world_under_the_strictest_rules() {
    let world = World::parse::<&str, &str>(&[]).expect("nothing is wrong with nothing");
    assert!(world.products.is_empty() && world.jurisdiction().certificate_required);
}

/// A piece of YAML, or of something like it.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("---\n".to_owned()),
        Just("apiVersion: shuzha/v1\n".to_owned()),
        prop::sample::select(vec!["Product", "Grant", "DataSet", "Price", "Credential", "Upstream", "X"])
            .prop_map(|kind| format!("kind: {kind}\n")),
        "[a-z-]{1,6}".prop_map(|name| format!("metadata: {{name: {name}}}\n")),
        "[ ]{0,6}[a-zA-Z]{1,12}: [0-9a-z\\[\\]{}&*!|>'\",:#. -]{0,12}\n",
        Just("spec:\n".to_owned()),
        Just("  operations:\n    - name: a\n      input: {type: object}\n".to_owned()),
        "\\PC{0,20}\n",
    ]
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(pieces in prop::collection::vec(piece(), 0..24)) {
        let text = pieces.concat();
        if let Err(faults) = World::parse(&[("f", &text)]) {
            prop_assert!(!faults.is_empty());
        }
    }

    /// Any line of the demo world may be lost, doubled or cut without a panic.
    #[test]
    fn a_damaged_demo_never_panics(file in 0_usize..12, at in 0.0..1.0_f64, how in 0..3) {
        let mut files = demo_files();
        let (_, text) = &mut files[file];
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index")]
        let line = (at * lines.len() as f64) as usize;
        let damaged = lines[line];
        match how {
            0 => drop(lines.remove(line)),
            1 => lines.insert(line, damaged),
            _ => lines[line] = damaged.char_indices().nth(damaged.chars().count() / 2).map_or("", |(cut, _)| &damaged[..cut]),
        }
        *text = lines.concat();
        let _ = World::parse(&files);
    }
}

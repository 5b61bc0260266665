//! What is disclosed to anyone, as JSON and as a spreadsheet.

use serde_json::{Value, json};
use shuzha_control::Request;
use shuzha_control::public::DISCLOSURES;

use crate::plane::Plane;
use crate::public::{furnished, operator};

fn list(plane: &Plane, path: &str) -> Value {
    let answer = plane.ask("GET", &format!("/api/v1/public/{path}")).send().expect(200);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
    answer.json()
}

fn sheet(plane: &Plane, path: &str) -> (String, Option<String>) {
    let ask = plane.ask("GET", &format!("/api/v1/public/{path}")).header("accept", "text/csv");
    let answer = ask.send().expect(200);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let next = answer.header("link").map(str::to_owned);
    (String::from_utf8(answer.body).unwrap(), next)
}

#[test]
fn j1_anyone_reads_products_with_their_operator_and_certificate() {
    let plane = furnished();
    let find = || -> Option<Value> {
        let products = list(&plane, "products");
        products["items"].as_array().unwrap().iter().find(|item| item["name"] == "company-check").cloned()
    };
    assert_eq!(find(), None, "what was never registered is a draft where products are registered");
    plane.draft("company-check-1", "company-check");
    plane.certify("company-check-1");
    let found = find().expect("registered");
    assert_eq!(
        (&found["title"], &found["kind"], &found["personal"], &found["operator"], &found["state"]),
        (
            &json!("企业身份核验"),
            &json!("verification"),
            &json!(false),
            &json!("yunze-data"),
            &json!("in-service")
        )
    );
    let code = found["certificate"].as_str().expect("a code");
    assert_eq!(list(&plane, &format!("certificates/{code}"))["valid"], true);
    let said = list(&plane, "announcements");
    let items = said["items"].as_array().unwrap().iter();
    let states: Vec<&Value> =
        items.filter(|item| item["kind"] == "Registration").map(|item| &item["state"]).collect();
    assert_eq!(states, [&json!("certified"), &json!("publicity")], "the latest first, each once");
}

#[test]
fn j1_a_page_begins_where_the_one_before_ended_and_a_sheet_holds_the_same() {
    let plane = furnished();
    for product in ["company-check", "person-check", "licence-check", "seal-check", "address-check"] {
        plane.draft(&format!("{product}-1"), product);
        plane.certify(&format!("{product}-1"));
    }
    let all = list(&plane, "products?limit=200");
    let (mut names, mut next) = (Vec::new(), String::new());
    loop {
        let page = list(&plane, &format!("products?limit=2{next}"));
        names.extend(page["items"].as_array().unwrap().iter().map(|item| item["name"].clone()));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    let whole: Vec<Value> =
        all["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect();
    assert_eq!((&names, whole.len()), (&whole, 5));
    let (text, link) = sheet(&plane, "products.csv?lang=en");
    assert_eq!((text.lines().count(), link), (whole.len() + 1, None));
    assert!(text.starts_with("\u{feff}Its name.,What it is called.,"), "{text}");
    let (text, _) = sheet(&plane, "operators.csv");
    assert!(text.contains("运营机构") || text.contains("统一社会信用代码"), "{text}");
}

/// What others wrote is no formula to whoever opens the sheet.
#[test]
fn j1_a_sheet_holds_no_formula() {
    let plane = furnished();
    plane.draft("company-check-1", "company-check");
    plane.certify("company-check-1");
    let object = plane.register.get("Product", "company-check").unwrap().unwrap();
    let mut spec: Value = serde_json::from_str(&object.spec).unwrap();
    spec["title"] = json!("=HYPERLINK(\"http://evil\",\"x\")");
    let request = Request { expected: Some(object.version), ..Request::default() };
    plane.control.put(&operator(), "Product", &object.name, &spec, &request).unwrap();
    let (text, _) = sheet(&plane, "products.csv");
    assert!(text.contains("\"'=HYPERLINK("), "{text}");
}

#[test]
fn j1_what_is_no_subject_is_nowhere_and_what_is_asked_wrongly_is_told() {
    let plane = furnished();
    for path in ["persons", "products.xlsx", "products.csv.csv", ".csv", "Products"] {
        plane.ask("GET", &format!("/api/v1/public/{path}")).send().expect(404).refused("C006");
    }
    let refused = plane.ask("GET", "/api/v1/public/products?limit=201&q=x").send().expect(400);
    assert_eq!(refused.faults(), ["?limit", "?q"]);
    let refused = plane.ask("GET", "/api/v1/public/products.csv?limit=2").send().expect(400);
    assert_eq!(refused.faults(), ["?limit"]);
    plane.ask("POST", "/api/v1/public/products").json(&json!({})).send().expect(405);
    for subject in &DISCLOSURES {
        list(&plane, subject.plural);
        sheet(&plane, &format!("{}.csv", subject.plural));
        // What no page gave is told, and not taken for a beginning: a reader would never come to an end.
        for wrong in ["%E4%B8%AD", "A%20B", "-1", "..%2F..", "9223372036854775808", "18446744073709551615"] {
            let numbers = subject.plural == "announcements";
            if numbers || wrong.parse::<u128>().is_err() {
                for end in ["", ".csv"] {
                    let path = format!("/api/v1/public/{}{end}?cursor={wrong}", subject.plural);
                    let refused = plane.ask("GET", &path).send().expect(400).refused("C1001");
                    assert_eq!(refused.faults(), ["?cursor"], "{path}");
                }
            }
        }
    }
}

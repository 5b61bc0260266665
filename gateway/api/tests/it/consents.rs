//! Consents: a person's own, given, narrowed, listed, taken back; nobody else's.

use serde_json::{Value, json};
use shuzha_core::{Role, Timestamp};
use shuzha_privacy::consent::{self, Issuers};

use crate::client::Answer;
use crate::plane::{NOW, People, Plane};

/// Persons who do not exist (the worked examples of GB 11643).
const ID: &str = "11010519491231002X";
const OTHER_ID: &str = "440524188001010014";

/// A plane with two bound persons, a scenario and a product.
fn plane() -> Plane {
    let plane = Plane::new();
    plane.person("zhang", "people", &[Role::DataSubject]);
    plane.person("chen", "people", &[Role::DataSubject]);
    let organisation = json!({"kind": "unit", "uscc": "91350100M000100Y43", "name": "云泽银行"});
    plane.put("wang", "Organisation", "organisations", "bank", &organisation).send().expect(201);
    let unit = json!({"organisation": "bank", "securityOfficer": "林望舒"});
    plane.put("wang", "ApplicationUnit", "application-units", "bank", &unit).send().expect(201);
    for (account, id) in [("zhang", ID), ("chen", OTHER_ID)] {
        bind(&plane, "root", account, id).expect(204);
    }
    plane
}

fn bind(plane: &Plane, by: &str, account: &str, id: &str) -> Answer {
    let body = json!({"account": account, "idNumber": id});
    plane.by(by, "POST", "/api/v1/consent-holders").json(&body).send()
}

#[test]
fn d3_an_account_is_bound_once_by_another_and_only_to_a_real_number() {
    let plane = plane();
    bind(&plane, "root", "zhang", ID).refused("C1504");
    bind(&plane, "root", "zhang", OTHER_ID).refused("C1504");
    bind(&plane, "root", "root", ID).refused("C1105");
    bind(&plane, "wang", "subject", ID).refused("C1104");
    bind(&plane, "root", "bank", ID).refused("C1002");
    bind(&plane, "root", "nobody", ID).refused("C1002");
    for wrong in
        ["11010519491231002x", "１１０１０５１９４９１２３１００２X", "110105490101002", "110105194912310021"]
    {
        let refused = bind(&plane, "root", "subject", wrong).refused("C1002");
        assert!(!String::from_utf8_lossy(&refused.body).contains(wrong), "the number is shown again");
    }
    plane.by("subject", "GET", "/api/v1/consents").send().refused("C1501");
    plane.by("bank", "GET", "/api/v1/consents").send().refused("C1104");
    plane.ask("GET", "/api/v1/consents").send().refused("C1101");
}

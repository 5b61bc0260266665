//! Roles at a terminal: an operator's own file, a unit's word on its credentials, secrets from one place.

use super::gateway::TestGateway;
use crate::home::{shuzha, text};

const UNIT: &str = "---
apiVersion: shuzha/v1
kind: ApplicationUnit
metadata: {name: bank}
spec: {organisation: yunze-bank, securityOfficer: 林望舒, creditLimit: '100.00'}
";

fn organisations() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples/demo/organisations.yaml");
    std::fs::read_to_string(file).expect("UTF-8")
}

#[test]
fn a4_keys_issue_beside_a_register_refuses_and_names_the_way() {
    let house = TestGateway::start();
    for credential in ["bank-1", "no-such-credential"] {
        let mut keys = shuzha();
        let refused = keys.args(["keys", "issue", credential, "--data-dir"]).arg(house.data()).output();
        let refused = refused.expect("it starts");
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        assert!(refused.stdout.is_empty(), "no secret is shown: {refused:?}");
        let way = format!("shuzha credential issue-secret {credential}");
        assert!(text(&refused.stderr).contains(&way), "{refused:?}");
    }
}

#[test]
fn a1_an_operators_own_file_applies_twice_and_a_unit_confirms_what_it_declares() {
    let house = TestGateway::start();
    let root = house.root();
    let feng = house.member(&root, "feng", "data-bureau", &["authority"]);
    let sun = house.member(&root, "sun", "yunze-data", &["operator"]);
    let wu = house.member(&root, "wu", "yunze-bank", &["application_unit"]);
    assert!(feng.apply(&organisations()).status.success());
    let seed = house.file("bank-9.seed", "");
    std::fs::remove_file(&seed).expect("only its name is wanted");
    let made = shuzha().args(["keys", "pair", &seed]).output().expect("it starts");
    assert!(made.status.success(), "{made:?}");
    let public = std::fs::read_to_string(seed.replace(".seed", ".pub")).expect("the public key");
    let credential = format!(
        "---\napiVersion: shuzha/v1\nkind: Credential\nmetadata: {{name: bank-9}}\nspec:\n  unit: bank\n  algorithm: ed25519\n  \
         publicKey: {}\n  window: {{from: 2025-01-01, until: 2031-01-01}}\n",
        public.trim()
    );
    // Organisations that are as they stand are no fault of the operator's file.
    let file = format!("{}\n{UNIT}{credential}", organisations());
    for round in 0..2 {
        let applied = sun.apply(&file);
        assert!(applied.status.success(), "round {round}: {applied:?}");
    }
    assert_eq!(sun.told(&["diff", "-f", "-"], &file).status.code(), Some(0), "no difference is left");
    assert!(sun.done(&["application-unit", "list"]).contains("bank"));
    let raised = sun.apply(&UNIT.replace("100.00", "200.00"));
    assert!(raised.status.success(), "{raised:?}");
    let renamed = sun.apply(&organisations().replace("云泽商业银行股份有限公司", "另一家银行"));
    assert!(!renamed.status.success() && text(&renamed.stderr).contains("C1104"), "{renamed:?}");
    // It waits for the unit.
    let shown = wu.done(&["credential", "show", "bank-9"]);
    assert!(shown.contains("challenge") && shown.contains("pending"), "{shown}");
    assert!(
        !sun.run(&["credential", "confirm", "bank-9", "--key", &seed]).status.success(),
        "not its own word"
    );
    wu.done(&["credential", "confirm", "bank-9", "--key", &seed]);
    assert!(wu.done(&["credential", "show", "bank-9"]).contains("confirmed"));
    // Revoked by the operator, at once and for good.
    sun.done(&["credential", "revoke", "bank-9", "--reason", "密钥失窃"]);
    let back = wu.apply(&credential);
    assert!(!back.status.success() && text(&back.stderr).contains("C1020"), "{back:?}");
    let again = wu.run(&["credential", "revoke", "bank-9"]);
    assert!(!again.status.success() && text(&again.stderr).contains("C1007"), "{again:?}");
}

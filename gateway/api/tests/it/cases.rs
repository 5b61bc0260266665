//! Cases: through their states by role, and sixteen who decide at once.

use serde_json::{Value, json};
use shuzha_core::Role;

use crate::client::Answer;
use crate::plane::Plane;

fn plan() -> Value {
    json!({
        "unit": "bank", "title": "数据安全应急预案", "officer": "林望舒", "contact": "安全部",
        "events": ["数据泄露"], "steps": ["停止调用", "报告主管部门"],
    })
}

fn act(plane: &Plane, person: &str, path: &str, verb: &str, version: u64, body: &Value) -> Answer {
    plane.by(person, "POST", &format!("{path}:{verb}")).matching(version).json(body).send()
}

#[test]
fn a3_a_case_goes_through_its_states_by_the_acts_of_different_persons() {
    let plane = Plane::furnished();
    let path = "/api/v1/emergency-plans/plan-1";
    let opened = plane.put("bank", "EmergencyPlan", "emergency-plans", "plan-1", &plan()).send().expect(201);
    let status = opened.json()["object"]["status"].clone();
    assert_eq!((&status["state"], &status["verbs"]), (&json!("draft"), &json!(["submit"])));
    let edited =
        plane.put("bank", "EmergencyPlan", "emergency-plans", "plan-1", &plan()).matching(opened.version());
    let edited = edited.send().expect(200);

    act(&plane, "wang", path, "submit", edited.version(), &json!({})).expect(403).refused("C1104");
    act(&plane, "lender", path, "submit", edited.version(), &json!({})).expect(404).refused("C1003");
    act(&plane, "bank", path, "submit", opened.version(), &json!({})).expect(412).refused("C1005");
    let submitted = act(&plane, "bank", path, "submit", edited.version(), &json!({})).expect(200);
    act(&plane, "bank", path, "submit", submitted.version(), &json!({})).expect(409).refused("C1007");
    let late = plane
        .put("bank", "EmergencyPlan", "emergency-plans", "plan-1", &plan())
        .matching(submitted.version());
    late.send().expect(409).refused("C1007");

    let version = submitted.version();
    act(&plane, "wang", path, "return", version, &json!({})).expect(422).refused("C1002");
    let back = json!({"reason": "缺少联系方式"});
    let back = act(&plane, "wang", path, "return", version, &back).expect(200);
    let again = act(&plane, "bank", path, "submit", back.version(), &json!({})).expect(200);
    let attachments = json!([{"name": "批复.pdf", "bytes": 1024, "sha256": "ab".repeat(32)}]);
    let filed = json!({"reason": "材料齐全", "attachments": attachments});
    let filed = act(&plane, "li", path, "file", again.version(), &filed).expect(200).json();
    assert_eq!(filed["object"]["status"]["state"], "filed");
    // What is offered is what this person may do now: who returned it may not undo what they decided, others may.
    let offered =
        |person: &str| plane.by(person, "GET", path).send().expect(200).json()["status"]["verbs"].clone();
    assert_eq!((offered("wang"), offered("bank")), (json!(["drill", "retire"]), json!(["drill"])));
    assert_eq!(offered("auditor"), json!([]));
    plane.by("expert", "GET", path).send().expect(404).refused("C1003");
    assert_eq!(filed["consequences"]["added"], json!([{"kind": "EmergencyPlan", "name": "plan-1"}]));
    assert!(
        plane
            .gate
            .seen
            .lock()
            .unwrap()
            .iter()
            .any(|delta| delta.put.iter().any(|put| put.kind == "EmergencyPlan"))
    );

    let history = plane.by("bank", "GET", &format!("{path}/history?limit=2")).send().expect(200).json();
    assert_eq!(history["items"][0]["verb"], "file");
    assert_eq!(history["items"][0]["attachments"], attachments);
    // Where the newest act stands is written down with the next one.
    assert!(history["items"][1]["journalSequence"].is_u64());
    let next = history["next"].as_str().expect("more than a page");
    let rest = plane.by("bank", "GET", &format!("{path}/history?cursor={next}")).send().json();
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(4));
    let listed = plane.by("wang", "GET", "/api/v1/emergency-plans?state=filed").send().expect(200).json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    plane.by("wang", "GET", "/api/v1/emergency-plans?state=lost").send().expect(400).refused("C1001");
}

/// What applies may not decide, whatever its roles.
#[test]
fn a3_nobody_decides_on_what_they_applied_for() {
    let plane = Plane::furnished();
    plane.person("double", "bank", &[Role::ApplicationUnit, Role::Authority]);
    let opened =
        plane.put("double", "EmergencyPlan", "emergency-plans", "plan-2", &plan()).send().expect(201);
    let path = "/api/v1/emergency-plans/plan-2";
    let submitted = act(&plane, "double", path, "submit", opened.version(), &json!({})).expect(200);
    act(&plane, "double", path, "file", submitted.version(), &json!({})).expect(403).refused("C1105");
    act(&plane, "wang", path, "file", submitted.version(), &json!({})).expect(200);
}

#[test]
fn a3_of_sixteen_reviewers_at_once_one_decides() {
    let plane = Plane::furnished();
    let opened = plane.put("bank", "EmergencyPlan", "emergency-plans", "plan-3", &plan()).send().expect(201);
    let path = "/api/v1/emergency-plans/plan-3";
    let submitted = act(&plane, "bank", path, "submit", opened.version(), &json!({})).expect(200).version();
    for at in 0..16 {
        plane.person(&format!("reviewer-{at}"), "bureau", &[Role::Authority]);
    }
    let before = plane.register.revision().unwrap();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let plane = &plane;
        let decide = |at: usize| {
            let verb = if at.is_multiple_of(2) { "file" } else { "return" };
            scope.spawn(move || {
                let reason = json!({"reason": format!("第 {at} 位审查人的意见")});
                act(plane, &format!("reviewer-{at}"), path, verb, submitted, &reason)
            })
        };
        let threads: Vec<_> = (0..16).map(decide).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let late = answers.iter().filter(|answer| answer.status != 200);
    assert!(late.into_iter().all(|answer| answer.code() == "C1005"));
    assert_eq!(plane.register.revision().unwrap(), before + 1);
}

#[test]
fn a3_a_token_does_no_more_than_its_scope() {
    let plane = Plane::furnished();
    let opened = plane.put("bank", "EmergencyPlan", "emergency-plans", "plan-4", &plan()).send().expect(201);
    let reads = plane.token("bank", "reads", &[Role::ApplicationUnit], true);
    let path = "/api/v1/emergency-plans/plan-4";
    let with =
        |method, path: &str| plane.ask(method, path).header("authorization", &format!("Bearer {reads}"));
    with("GET", path).send().expect(200);
    let submit = with("POST", &format!("{path}:submit")).matching(opened.version()).json(&json!({}));
    submit.send().expect(403).refused("C1106");
    with("POST", "/api/v1/me/tokens")
        .json(&json!({"name": "more", "roles": ["application_unit"], "until": "2026-02-03"}))
        .send()
        .expect(403)
        .refused("C1106");
}

//! Uses of consents: who used them, when they are used up, and what is written about it.

use super::*;

/// D4 and R21: the person sees every use and refused try, of any consent, and nothing of another's.
#[test]
fn d4_a_person_sees_who_used_their_data() {
    let plane = plane();
    let given = given(&plane);
    let jti = text(&given, "id");
    let person = CanonicalId::new(IdKind::Person, ID).unwrap();
    let pseudonym = plane.people.pseudonym(&id("bank"), &id("bank-onboarding"), &person);
    let tag = plane.people.subject_tags(&pseudonym)[0];
    let consent = plane.people.consent_commitment("platform-consent", jti);
    plane.people.used(1, Some(tag), Some(consent), None);
    plane.people.used(2, Some(tag), None, Some(Code::C401));
    plane.people.used(3, Some([9; 16]), Some([9; 16]), None);
    let uses = |person: &str, path: &str| plane.by(person, "GET", path).send().expect(200).json();
    let all = uses("zhang", "/api/v1/data-uses");
    let items = all["items"].as_array().unwrap();
    let brief: Vec<_> = items.iter().map(|one| (&one["decision"], &one["code"])).collect();
    assert_eq!(brief, [(&json!("refused"), &json!("C401")), (&json!("answered"), &json!(null))]);
    let told = [&items[1]["unit"], &items[1]["product"], &items[1]["purpose"]];
    assert_eq!(told, [&json!("bank"), &json!("person-check"), &json!("industry")]);
    let under = uses("zhang", &format!("/api/v1/consents/{jti}/uses"));
    assert_eq!(under["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(uses("chen", "/api/v1/data-uses")["items"], json!([]));
    let page = uses("zhang", "/api/v1/data-uses?limit=1");
    let next = page["next"].as_str().expect("there is more");
    assert_eq!(uses("zhang", &format!("/api/v1/data-uses?limit=1&cursor={next}"))["next"], json!(null));
}

/// Public reports F14: a consent whose uses are gone was shown as live.
#[test]
fn a_consent_that_is_used_up_is_not_live() {
    let plane = plane();
    let given = given(&plane);
    let path = format!("/api/v1/consents/{}", text(&given, "id"));
    let child = plane.by("zhang", "POST", &format!("{path}:narrow")).json(&json!({"usesMax": 2})).send();
    let child = child.expect(201).json();
    let narrower = format!("/api/v1/consents/{}", text(&child, "id"));
    let live = |path: &str| plane.by("zhang", "GET", path).send().expect(200).json()["live"].clone();
    let commitment = |given: &Value| plane.people.consent_commitment("platform-consent", text(given, "id"));
    for seq in 1..=4 {
        plane.people.used(seq, None, Some(commitment(&given)), None);
    }
    assert_eq!((live(&path), live(&narrower)), (json!(true), json!(true)), "one of five is left");
    plane.people.used(5, None, Some(commitment(&given)), None);
    assert_eq!((live(&path), live(&narrower)), (json!(false), json!(false)), "and of the one it narrows");
}

/// H2: nothing that was written names a person: neither the register nor that of consents, in no spelling.
#[test]
fn h2_no_identifier_is_in_any_file() {
    let plane = plane();
    let given = given(&plane);
    let path = format!("/api/v1/consents/{}:withdraw", text(&given, "id"));
    plane.by("zhang", "POST", &path).json(&json!({})).send().expect(200);
    give(&plane, "chen", &wanted()).refused("C1502");
    let hex = |bytes: &[u8]| shuzha_core::hex::encode(bytes);
    let files = plane.files();
    assert!(files.iter().any(|(name, content)| name.contains("consents.db") && content.len() > 4_096));
    for id in [ID, OTHER_ID] {
        let sha256 = ring::digest::digest(&ring::digest::SHA256, id.as_bytes());
        let reversed: String = id.chars().rev().collect();
        let spellings = [
            id.as_bytes().to_vec(),
            reversed.into_bytes(),
            hex(id.as_bytes()).into_bytes(),
            URL_SAFE_NO_PAD.encode(id).into_bytes(),
            sha256.as_ref().to_vec(),
            hex(sha256.as_ref()).into_bytes(),
            URL_SAFE_NO_PAD.encode(sha256).into_bytes(),
        ];
        for (name, content) in &files {
            for spelling in &spellings {
                let found = content.windows(spelling.len()).any(|window| window == spelling);
                assert!(!found, "{name} holds {}", String::from_utf8_lossy(spelling));
            }
        }
    }
}

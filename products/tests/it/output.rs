//! What this part added to products: blinded operations, answers that look alike, canaries.

use shuzha_core::Code;
use shuzha_pricing::Outcome;
use shuzha_privacy::output::FieldSet;
use shuzha_products::World;
use shuzha_products::product::Operation;

use crate::{demo_files, demo_with};

/// A product of the demo's operator with one operation.
fn product(kind: &str, operation: &str) -> String {
    format!(
        "---\napiVersion: shuzha/v1\nkind: Product\nmetadata: {{name: more}}\nspec:\n  kind: {kind}\n  title: 更多\n  \
         operator: yunze-data\n  dataSets: [enterprises]\n  upstream: register\n  version: 1\n  operations:\n    \
         - {{name: ask, method: POST, path: /v1/more, {operation}}}\n"
    )
}

fn with(kind: &str, operation: &str) -> Result<World, Vec<String>> {
    let mut files = demo_files();
    files.push(("more.yaml".to_owned(), product(kind, operation)));
    World::parse(&files).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn operation(world: &World) -> &Operation {
    &world.products["more"].operations[0]
}

/// The public key of RFC 9497 A.1.2.
const KEY: &str = "yAPizGsF_BUGRUm1kgZZykp3ssym8E9rNXAJM1R2rU4";
/// What a list is committed to.
const LIST: &str =
    "list: {entries: 3, tags: \"0000000000000000000000000000000000000000000000000000000000000000\"}";
/// An element and a proof of RFC 9497 A.1.2.1.
const ELEMENT: &str = "qo-gSHZNViOGhnlAL_YQjSUhiE-hOM1_nHZpqaAUJn4";
const PROOF: &str = "3e-TdyaS5TXRpTkD2yQ2dzVcwszXjek75ajP_GmF3QZtQ0YJHRe_URfyoP8PyyrnWfWKU5376FekC85M9J7GAA";

#[test]
fn e5_a_blinded_operation_is_declared_whole() {
    let good = format!(
        "personal: false, epoch: 2026q4, publicKey: {KEY}, elementsMax: 3, elementsPerEpoch: 100, {LIST}"
    );
    let world = with("blind", &good).expect("a blinded product");
    let element = format!("\"{ELEMENT}\"");
    let ask = |elements: &[&str]| format!(r#"{{"epoch":"2026q4","elements":[{}]}}"#, elements.join(","));
    let check = |body: &str| shuzha_products::input::check(operation(&world), body.as_bytes());
    assert_eq!(check(&ask(&[&element, &element])).expect("two elements").parts(), 2);
    for (body, code, at) in [
        (ask(&[]), Code::C302, "/elements"),
        (ask(&[&element, &element, &element, &element]), Code::C302, "/elements"),
        (ask(&["\"690113200205284265\""]), Code::C302, "/elements/0"),
        (ask(&[&element, &format!("\"{}\"", "A".repeat(43))]), Code::C310, "/elements/1"),
        (ask(&[&element]).replace("q4", "q3"), Code::C311, "/epoch"),
    ] {
        let refused = check(&body).expect_err("refused");
        assert_eq!((refused.code, refused.at.as_deref()), (code, Some(at)), "{body}");
    }
    for (operation, why) in [
        (good.replace(", epoch: 2026q4", ""), "epoch"),
        (good.replace(KEY, &"A".repeat(43)), "publicKey"),
        (good.replace("Max: 3", "Max: 513"), "elementsMax"),
        (good.replace(", elementsPerEpoch: 100", ""), "elementsPerEpoch"),
        (good.replace("Epoch: 100", "Epoch: 0"), "elementsPerEpoch"),
        (good.replace(&format!(", {LIST}"), ""), "list"),
        (good.replace("entries: 3", "entries: 0"), "entries"),
        (good.replace("tags: \"0", "tags: \"x"), "tags"),
        (good.replace("personal: false", "personal: true"), "elementsMax"),
        (format!("{good}, subject: {{kind: organisation, pointer: /x}}"), "subject"),
    ] {
        let faults = with("blind", &operation).expect_err(why);
        assert!(faults.iter().any(|fault| fault.contains(why)), "{why}: {faults:?}");
    }
}

#[test]
fn e5_a_blinded_answer_is_written_anew_from_what_was_understood() {
    let declared = format!("personal: false, epoch: e, publicKey: {KEY}, elementsPerEpoch: 100, {LIST}");
    let world = with("blind", &declared).expect("a blinded product");
    let release = |answer: &str| operation(&world).release(FieldSet::default(), answer.as_bytes());
    let good = format!(
        r#"{{"proof":"{PROOF}","evaluated":["{ELEMENT}","{ELEMENT}"],"debug":"690113200205284265"}}"#
    );
    let released = release(&good).expect("released");
    let text = String::from_utf8(released.bytes.clone()).expect("UTF-8");
    assert_eq!(text, format!(r#"{{"evaluated":["{ELEMENT}","{ELEMENT}"],"proof":"{PROOF}"}}"#));
    assert_eq!((released.parts, released.unlisted, released.outcome), (2, 1, Outcome::Answer));
    for lie in [
        good.replace(PROOF, "proof"),
        good.replace(ELEMENT, &"A".repeat(43)),
        good.replace(&format!(r#"["{ELEMENT}","{ELEMENT}"]"#), "[]"),
        good.replace("\"proof\"", "\"evaluated\""),
        good.replace(&format!("\"{ELEMENT}\""), "1"),
        "[]".to_owned(),
        String::new(),
    ] {
        assert_eq!(release(&lie).expect_err("a lie").code, Code::C901, "{lie}");
    }
}

/// Privacy research R19: where classes must not be told apart, they have one length and one price.
#[test]
fn e4_answers_that_look_alike_cost_alike() {
    const FILE: &str = "products-verification.yaml";
    let subject = "subject: {kind: organisation, pointer: /uscc}\n";
    let alike = format!("{subject}      equalAnswerBytes: 64B\n");
    // The demo's price charges 一致 and 不一致, and not 查无.
    let faults = demo_with(FILE, subject, &alike);
    assert!(faults.iter().any(|fault| fault.contains("charged")), "{faults:?}");

    let mut files = demo_files();
    for (name, text) in &mut files {
        if name == FILE {
            *text = text.replacen(subject, &alike, 1);
        } else if name == "prices.yaml" {
            *text = text.replace(
                "charged: [consistent, inconsistent]",
                "charged: [consistent, inconsistent, no_record]",
            );
        }
    }
    let world = World::parse(&files).unwrap_or_else(|faults| panic!("{faults:?}"));
    let operation = &world.products["company-check"].operations[0];
    for code in ["00", "01", "02"] {
        let released = operation.release(FieldSet::default(), format!(r#"{{"code":"{code}"}}"#).as_bytes());
        let released = released.expect("a verdict");
        assert_eq!(released.bytes.len(), 64);
        serde_json::from_slice::<serde_json::Value>(&released.bytes).expect("still JSON");
    }
    let short = demo_with(FILE, subject, &format!("{subject}      equalAnswerBytes: 0B\n"));
    assert!(!short.is_empty(), "no answer fits");
}

/// Issue 14, section 3: amount, outcome and basis in the record of a person told which verdict it was. About a person
/// every class is charged or none; a price that was declared before is read as it was.
#[test]
fn e4_no_price_tells_what_was_answered_about_a_person() {
    const CLASSES: [&str; 3] = ["consistent", "inconsistent", "no_record"];
    for chosen in 1..8_u8 {
        let names = (0..3).filter(|at| chosen >> at & 1 == 1).map(|at| CLASSES[at]);
        let charged = format!("charged: [{}]", names.collect::<Vec<_>>().join(", "));
        let mut files = demo_files();
        let (_, text) = files.iter_mut().find(|(name, _)| name == "prices.yaml").expect("prices");
        let all = "charged: [consistent, inconsistent, no_record]";
        assert_eq!(text.matches(all).count(), 1, "the price of the checks of persons");
        *text = text.replace(all, &charged);
        let faults = World::parse(&files).map(drop).err().unwrap_or_default();
        let told = faults.iter().any(|fault| fault.fault.reason.contains("every class is charged or none"));
        assert_eq!(told, chosen != 7, "{charged}: {faults:?}");
    }
    let charged = |charged: &str| {
        let files = with_charged(charged);
        let kinds: Vec<&'static str> = shuzha_products::world::KINDS.iter().map(|kind| kind.name).collect();
        let documents = shuzha_products::world::documents(&files, &kinds).expect("they have envelopes");
        let specs: Vec<_> = documents.iter().map(|one| (one.kind, &one.name, one.spec.to_string())).collect();
        World::from_specs(specs.iter().map(|(kind, name, spec)| (*kind, *name, &**spec))).expect("it reads")
    };
    let names_it = |world: &World| {
        let price = &world.prices["person-check-2025"];
        world.products["person-check"].tells_apart(price)
    };
    assert!(names_it(&charged("[consistent]")), "and it is named as one to be declared anew");
    assert!(!names_it(&charged("[consistent, inconsistent, no_record]")));
}

/// The demo's files with other classes charged for checks of persons.
fn with_charged(charged: &str) -> Vec<(String, String)> {
    let mut files = demo_files();
    let (_, text) = files.iter_mut().find(|(name, _)| name == "prices.yaml").expect("prices");
    *text = text.replace("charged: [consistent, inconsistent, no_record]", &format!("charged: {charged}"));
    files
}

/// Issue 14, section 4: the bound on guessing was optional, and absent in the demo.
#[test]
fn e8_a_grant_of_a_blinded_list_has_a_quota() {
    const FILE: &str = "products-privacy.yaml";
    let quota = "  quota: {max: 1000, per: month}\n";
    let faults = demo_with(FILE, quota, "");
    assert!(
        faults.iter().any(|fault| fault.contains("bank-blind-match") && fault.contains("quota")),
        "{faults:?}"
    );
    assert!(demo_with(FILE, quota, "  quota: {max: 1, per: term}\n").is_empty());
}

/// REQUIREMENTS E4: a map with its verdicts turned round reads every answer the other way: the table is what decides, and
/// nothing is guessed from the words.
#[test]
fn e4_the_declared_map_decides_and_nothing_else() {
    const FILE: &str = "products-verification.yaml";
    let map = r#""00": consistent, "01": inconsistent"#;
    let mut files = demo_files();
    let (_, text) = files.iter_mut().find(|(name, _)| name == FILE).expect(FILE);
    *text = text.replace(map, r#""00": inconsistent, "01": consistent"#);
    let world = World::parse(&files).unwrap_or_else(|faults| panic!("{faults:?}"));
    let operation = &world.products["person-check"].operations[0];
    let read =
        |answer: &str| operation.release(FieldSet::default(), answer.as_bytes()).map(|one| one.outcome);
    assert_eq!(read(r#"{"code":"00"}"#), Ok(Outcome::Inconsistent));
    assert_eq!(read(r#"{"code":"01"}"#), Ok(Outcome::Consistent));
    for unknown in ["consistent", "一致", "03", "ok", "true"] {
        assert_eq!(read(&format!(r#"{{"code":"{unknown}"}}"#)).expect_err(unknown).code, Code::C902);
    }
}

#[test]
fn e7_canaries_are_tags_of_subjects() {
    const FILE: &str = "products-verification.yaml";
    let subject = "subject: {kind: person, pointer: /id_number}\n";
    let tagged = |tag: &str| demo_with(FILE, subject, &format!("{subject}      canaries: [\"{tag}\"]\n"));
    assert_eq!(tagged(&format!("p1:{}", "A".repeat(43))), Vec::<String>::new());
    for wrong in ["690113200205284265", "p1:short"] {
        assert!(tagged(wrong).iter().any(|fault| fault.contains("canaries")), "{wrong}");
    }
    let without = with(
        "model",
        "personal: false, input: {type: object, additionalProperties: false}, output: {/ok: {type: boolean}}, canaries: [\"p1:x\"]",
    );
    assert!(without.expect_err("no subject").iter().any(|fault| fault.contains("canaries")));
}

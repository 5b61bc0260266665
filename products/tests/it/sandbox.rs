//! What may stand behind a sandbox (REQUIREMENTS K1): made-up answers that keep to the contract, services over
//! synthetic data, and nothing that is real.

use crate::{demo, demo_with};

#[test]
fn k1_the_demo_can_be_tried() {
    let world = demo();
    let example = |product: &str| world.products[product].operations[0].example.as_deref();
    assert_eq!(example("person-check"), Some(&br#"{"code":"00"}"#[..]));
    assert!(example("company-profile").is_some() && example("company-check").is_none());
    assert!(world.credentials["bank-sandbox"].sandbox && !world.credentials["bank-1"].sandbox);
}

/// One change to the demo world, and the one fault it must cause.
#[test]
fn k1_an_example_keeps_to_the_output_contract_and_a_service_is_synthetic() {
    let products = "products-data.yaml";
    let mut wrong = Vec::new();
    for (file, from, to, expected) in [
        (
            "products-verification.yaml",
            "example: {code: \"00\"}",
            "example: {code: \"77\"}",
            "example: does not meet the output contract at `/code`: the result is missing or not mapped",
        ),
        (
            "products-verification.yaml",
            "example: {code: \"00\"}",
            "example: yes",
            "example: does not meet the output contract",
        ),
        (
            products,
            "status: 存续\n",
            "status: 存\n",
            "example: does not meet the output contract at `/status`",
        ),
        (
            products,
            "        name: 云泽市示例科技有限公司\n",
            "",
            "example: does not meet the output contract at `/name`",
        ),
        (
            products,
            "        legal_person: 示例人\n",
            "        legal_person: 示例人\n        email: a@b.c\n",
            "example: has leaves that the output contract does not list",
        ),
        (
            products,
            "path: /v1/packages/enterprises.csv\n",
            "path: /v1/packages/enterprises.csv\n      example: {a: 1}\n",
            "example: a package is streamed",
        ),
        (
            products,
            "upstream: statistics\n",
            "upstream: statistics\n  sandbox: {upstream: statistics}\n",
            "sandbox.upstream: must be a product service with `synthetic: true`",
        ),
        (
            products,
            "upstream: statistics\n",
            "upstream: statistics\n  sandbox: {}\n",
            "sandbox.upstream: is missing",
        ),
        (
            products,
            "upstream: statistics\n",
            "upstream: statistics\n  sandbox: {upstream: toy}\n",
            "there is no Upstream named `toy`",
        ),
        (
            "upstreams.yaml",
            "endpoints: [\"127.0.0.1:7102\"]\n",
            "endpoints: [\"127.0.0.1:7102\"]\n  synthetic: true\n",
            "spec.upstream: answers from synthetic data",
        ),
        (
            "upstreams.yaml",
            "metadata: {name: model}\n",
            "metadata: {name: toy}\nspec: {endpoints: [\"127.0.0.1:7101\"], timeout: 2s, synthetic: true}\n---\napiVersion: shuzha/v1\nkind: Upstream\nmetadata: {name: model}\n",
            "Upstream/toy spec.endpoints: shares an instance with a service that is not synthetic, `register`",
        ),
        ("units.yaml", "sandbox: true", "sandbox: perhaps", "expected true or false"),
    ] {
        let faults = demo_with(file, from, to);
        if !matches!(&faults[..], [only] if only.contains(expected)) {
            wrong.push(format!("{to}\n  {faults:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An example leaves too: it is part of what an exit review looks at.
#[test]
fn e1_another_example_needs_another_review() {
    let digest = |text: &str| {
        let mut files = crate::demo_files();
        let (_, units) = files.iter_mut().find(|(name, _)| name == "products-data.yaml").expect("products");
        *units = units.replace("云泽市示例科技有限公司", text);
        shuzha_products::World::parse(&files).expect("a world").products["company-profile"].reviewable.digest
    };
    assert_ne!(digest("云泽市示例科技有限公司"), digest("另一家"));
    assert_eq!(digest("云泽市示例科技有限公司"), demo().products["company-profile"].reviewable.digest);
}

//! Bills, contributions and logs that are not what was logged: named by what differs.

use super::*;

/// R16: what is changed, left out or added is named.
#[test]
fn g3_a_bill_that_is_not_what_was_logged_is_named() {
    let case = Case::new(300);
    let (statement, bill) = answered(&case.february);
    let said = |name: &str, value: &Value| {
        let file = case.file(name, &value.to_string());
        case.reconcile("2026-02", &[file])
    };
    let number = statement["number"].as_str().expect("a number");
    for (pointer, wrong) in [
        ("/amounts/gross", json!("999999.99")),
        ("/amounts/tax", json!("0.00")),
        ("/calls/root", json!("00".repeat(32))),
        ("/calls/size", json!(1)),
        ("/calls/sequences/0", json!(1)),
        ("/calls/sequences/1", json!(2)),
    ] {
        let mut changed = statement.clone();
        *changed.pointer_mut(pointer).expect("there") = wrong;
        let (code, said) = said("changed.json", &changed);
        assert!(code == Some(1) && said.contains(number) && said.contains("it is"), "{pointer}: {said}");
    }
    let mut changed = statement.clone();
    let exact = statement["lines"][0]["exact"].as_str().expect("an amount");
    changed["lines"][0]["exact"] = json!(format!("1{exact}"));
    let (code, text) = said("exact.json", &changed);
    assert!(code == Some(1) && text.contains("exact: "), "{text}");
    let mut changed = statement.clone();
    let left_out = changed["lines"].as_array_mut().expect("lines").remove(1);
    let (code, text) = said("out.json", &changed);
    let named = format!("bank-scenario/{}", left_out["product"].as_str().expect("a product"));
    assert!(code == Some(1) && text.contains("left out") && text.contains(&named), "{text}");
    let mut changed = statement.clone();
    let mut added = statement["lines"][0].clone();
    added["month"] = json!("2025-12");
    changed["lines"].as_array_mut().expect("lines").push(added);
    let (code, text) = said("added.json", &changed);
    assert!(code == Some(1) && text.contains("it was added") && text.contains("2025-12"), "{text}");
    changed["lines"] = json!([statement["lines"][0], statement["lines"][0]]);
    let (code, text) = said("twice.json", &changed);
    assert!(code == Some(1) && text.contains("there twice"), "{text}");
    let mut changed = bill.clone();
    changed["shares"][0]["amount"] = json!("0.01");
    let (code, text) = said("share.json", &changed);
    assert!(code == Some(1) && text.contains("amount: "), "{text}");
    let mut changed = bill;
    changed["amount"] = json!("0.01");
    assert_eq!(said("bill.json", &changed).0, Some(1));
    // An export that was edited is named by its row; one of another month has nothing in common with this one.
    let files = case.bills(&case.february, Format::JsonLines);
    let good = std::fs::read_to_string(&files[0]).expect("there");
    let edited = case.file("edited.jsonl", &good.replacen("\"calls\":", "\"calls\":1", 1));
    let (code, text) = case.reconcile("2026-02", &[edited]);
    assert!(code == Some(1) && text.contains("row 1"), "{text}");
    // One with a column that is not known here is of another version, and nobody is accused.
    let later = case.file("later.jsonl", &good.replace("\"check\":", "\"each\":\"0.01\",\"check\":"));
    let (code, text) = case.reconcile("2026-02", &[later]);
    assert!(code == Some(2) && text.contains("another version") && !text.contains("changed"), "{text}");
    assert_eq!(case.reconcile("2026-01", &files).0, Some(1));
    // The period says something else than its bills.
    let mut periods = case.periods.clone();
    periods[1]["digest"] = json!("00".repeat(32));
    let other = case.file("other.json", &json!({"items": periods}).to_string());
    let (code, text) = case.with("2026-02", &files, &["--periods", &other.display().to_string()]);
    assert!(code == Some(1) && text.contains("digest"), "{text}");
    // Without contributions nobody can tell: it may be what tickets said of the data.
    let (code, text) = case.with("2026-02", &files[..3], &["--periods", &other.display().to_string()]);
    assert!(code == Some(2) && text.contains("contributions"), "{text}");
}

/// REQUIREMENTS G5: what tickets said of the data is taken as it is stated, and covered by the period's digest.
#[test]
fn g5_contributions_are_compared_and_their_quality_is_what_the_period_was_closed_with() {
    let case = Case::new(300);
    // Lines name the correction that two persons decided, which no call leads to.
    let lines = case.bills(&case.february, Format::JsonLines).remove(0);
    let list = |change: &dyn Fn(&mut Value)| {
        let all = case.february.contributions.iter().map(|one| {
            let assessed = one.assessment.expect("recorded");
            let mut item = json!({"party": one.party.as_str(), "product": one.product.as_str(), "calls": one.calls,
                "charged": one.charged, "records": one.records, "revenue": one.revenue.to_string(),
                "notional": one.notional.to_string(), "share": one.share.to_string(), "units": assessed.units,
                "scenarios": assessed.scenarios, "tickets": assessed.quality.tickets, "faults": assessed.quality.faults});
            change(&mut item);
            item
        });
        let all: Vec<Value> = all.collect();
        let stated = case.file("c.json", &json!({"items": all}).to_string());
        case.reconcile("2026-02", &[lines.clone(), stated])
    };
    assert_eq!(list(&|_| ()).0, Some(0));
    let (code, said) = list(&|item| item["records"] = json!(1));
    assert!(code == Some(1) && said.contains("records: "), "{said}");
    // No call tells of tickets, but the digest does.
    let (code, said) = list(&|item| item["tickets"] = json!(1));
    assert!(code == Some(1) && said.contains("digest"), "{said}");
    // Of a period from before they were recorded nothing is stated.
    assert_eq!(list(&|item| item["tickets"] = Value::Null).0, Some(0));
}

/// R16: an entry that is changed or left out of the log is named by its index, before anything is counted.
#[test]
fn g3_a_log_that_was_changed_is_named_by_entry_and_what_is_missing_by_file() {
    let case = Case::new(300);
    let files = case.bills(&case.january, Format::JsonLines);
    let bundle = case.dir.path().join("evidence/2026h1/tile/entries/000");
    let good = std::fs::read(&bundle).expect("there");
    let first = 2 + usize::from(u16::from_be_bytes([good[0], good[1]]));
    let mut flipped = good.clone();
    flipped[first + 9] ^= 1;
    for (bad, index) in [(flipped, 1), ([&good[..first], &good[first + first..]].concat(), 1)] {
        std::fs::write(&bundle, bad).expect("written");
        let (code, said) = case.reconcile("2026-01", &files);
        assert!(code == Some(1) && said.contains(&format!("first bad entry: {index}")), "{said}");
    }
    std::fs::remove_file(&bundle).expect("there");
    assert_eq!(case.reconcile("2026-01", &files).0, Some(2));
    std::fs::write(&bundle, good).expect("written");
    assert_eq!(case.reconcile("2026-01", &files).0, Some(0));
    // What is needed and not there.
    assert_eq!(case.reconcile("2026-01", &[Path::new("/nowhere").into()]).0, Some(2));
    assert_eq!(case.reconcile("2026-13", &files).0, Some(3));
    case.file("terms.yaml", &terms_file().replace("kind: TaxRate", "kind: Nothing"));
    assert_eq!(case.reconcile("2026-01", &files).0, Some(2));
    case.file("terms.yaml", &WORLD.replace("UPSTREAM", "127.0.0.1:1"));
    let (code, said) = case.reconcile("2026-01", &files);
    assert!(code == Some(2) && said.contains("no tax rate"), "{said}");
    // Terms that are another price are another bill.
    case.file("terms.yaml", &terms_file().replace("perCall: \"0.50\"", "perCall: \"0.51\""));
    assert_eq!(case.reconcile("2026-01", &files).0, Some(1));
    let open = json!({"month": "2026-01", "state": "open", "reached": null, "digest": null});
    let open = case.file("open.json", &open.to_string());
    case.file("terms.yaml", &terms_file());
    let (code, said) = case.with("2026-01", &files, &["--periods", &open.display().to_string()]);
    assert_ne!(code, Some(0), "{said}");
}

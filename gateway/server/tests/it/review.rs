//! `shuzha review`: what a reviewer of a scenario is told about real data, and what of it stands in no line.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::home::{Home, text};

/// A company of a register: everything in it is public.
fn company(row: u32) -> Value {
    json!({
        "uscc": format!("9169010{row:011}"),
        "area": format!("6901{:02}", row % 7),
        "established": format!("{}-0{}-11", 2001 + row % 20, 1 + row % 9),
        "legal_person": format!("{}某某", ["王", "李", "张", "陈"][row as usize % 4]),
        "phone": format!("139{:08}", u64::from(row) * 7_919 % 100_000_000),
        "registered_capital_yuan": 100_000 * (1 + row % 100),
    })
}

fn measured(home: &Home, lines: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples/demo");
    let config = home.file("review.toml", &format!("[world]\nfiles = ['{demo}']\n"));
    let answers = format!("company-sketch.lookup={}", home.file("answers.jsonl", lines).display());
    let mut words = vec!["review", "anonymity", "bank-credit", "--answers", &answers];
    words.extend_from_slice(more);
    words.extend_from_slice(&["--config", config.to_str().expect("UTF-8")]);
    let done = home.run(&words);
    (done.status.code(), text(&done.stdout).to_owned(), text(&done.stderr).to_owned())
}

#[test]
fn e3_masked_is_not_anonymous_and_the_reviewer_is_told_how_far() {
    let home = Home::new();
    let lines = (0..2_000).map(company).enumerate().fold(String::new(), |mut lines, (row, answer)| {
        writeln!(lines, "{}", json!({"subject": row.to_string(), "answer": answer}))
            .expect("a string takes text");
        lines
    });
    let (code, told, _) = measured(&home, &lines, &["--json"]);
    let told: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("one object: {told}"));
    let sketch = &told["products"]["company-sketch.lookup"];
    assert_eq!((code, &told["kMin"]), (Some(1), &json!(5)), "{told}");
    assert_eq!(
        (&sketch["records"], &sketch["k"], &sketch["riskMost"]),
        (&json!(2_000), &json!(1), &json!(1.0))
    );
    assert!(
        sketch["unique"].as_u64().expect("a count") > 1_800,
        "the telephone's last four name nearly all: {told}"
    );
    // What else the scenario may call was not measured, and is named.
    assert!(!told["notMeasured"].as_array().expect("a list").is_empty(), "{told}");

    let (code, shown, said) = measured(&home, &lines, &[]);
    assert_eq!(code, Some(1));
    assert!(shown.contains("不是匿名"), "{shown}{said}");
    let alike = (0..12).fold(String::new(), |mut lines, row| {
        writeln!(lines, "{}", json!({"subject": row.to_string(), "answer": company(1)}))
            .expect("a string takes text");
        lines
    });
    let (code, undecided, _) = measured(&home, &alike, &[]);
    assert!(
        code == Some(1) && undecided.contains("Not decided") && !undecided.contains("In order"),
        "{undecided}"
    );
    let (code, none, told) = measured(&home, &alike, &["--sensitive", "/debt"]);
    assert!(code == Some(1) && none.is_empty() && told.contains("is no leaf"), "{told}");
    for value in ["王某", "139", "6901", "91690"] {
        assert!(!shown.contains(value), "a value of the data is shown: {shown}");
    }
}

#[test]
fn e3_a_file_that_is_none_is_told_by_its_line_and_no_value_of_it() {
    let home = Home::new();
    let twice = format!("{0}\n{0}\n", json!({"subject": "one", "answer": company(1)}));
    for (lines, line) in
        [(twice.as_str(), "line 2"), ("\n{\"subject\": \"罕见姓名\"}\n", "line 2"), ("罕见姓名", "line 1")]
    {
        let (code, shown, said) = measured(&home, lines, &[]);
        assert!(code == Some(1) && said.contains(line), "{said}");
        assert!(!said.contains("罕见姓名") && shown.is_empty(), "{said}");
    }
}

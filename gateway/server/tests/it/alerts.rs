//! The alerting rules that are shipped name metrics and labels that a running gateway has, and pages that are there. A rule on
//! a metric that was renamed would never fire.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::caller::Caller;
use crate::home::Home;
use crate::node::Node;

const RULES: &str = concat!(
    include_str!("../../../../config/alerts/privacy.yaml"),
    include_str!("../../../../config/alerts/control.yaml"),
    include_str!("../../../../config/alerts/bounds.yaml"),
    include_str!("../../../../config/alerts/followers.yaml"),
    include_str!("../../../../config/alerts/stores.yaml")
);
/// Each file of rules that is shipped, with the least number of alerts in it.
const FILES: [(&str, usize); 2] = [(RULES, 8), (include_str!("../../../../config/alerts/tls.yaml"), 2)];

/// What an expression asks for: metrics, and for each label of one the values that it is compared with.
fn wanted(rules: &str) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut found: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    let name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut rest = rules;
    while let Some(at) = rest.find("shuzha_") {
        let text = &rest[at..];
        let end = text.find(|letter| !name(letter)).unwrap_or(text.len());
        let labels = found.entry(text[..end].to_owned()).or_default();
        rest = &text[end..];
        if let Some(inside) = rest.strip_prefix('{') {
            let inside = &inside[..inside.find('}').expect("a closed selector")];
            for one in inside.split(',') {
                let (label, values) = one.split_once('=').expect("label=value");
                let values = values.trim_start_matches('~').trim_matches('"');
                labels.extend(values.split('|').map(|value| (label.trim().to_owned(), value.to_owned())));
            }
        }
    }
    found
}

/// What is wanted and not in the text of `/metrics`.
pub(crate) fn missing(rules: &str, metrics: &str) -> Vec<String> {
    let mut missing = Vec::new();
    for (metric, labels) in wanted(rules) {
        let series: Vec<&str> = metrics
            .lines()
            .filter(|line| line.strip_prefix(&metric).is_some_and(|rest| rest.starts_with(['{', ' '])))
            .collect();
        if series.is_empty() {
            missing.push(metric.clone());
        }
        for (label, value) in labels {
            let selected = format!("{label}=\"{value}\"");
            if !series.iter().any(|line| line.contains(&selected)) {
                missing.push(format!("{metric}{{{selected}}}"));
            }
        }
    }
    missing
}

#[test]
fn i3_the_alerting_rules_watch_what_a_gateway_shows() {
    let home = Home::new();
    let node = Node::start(&home);
    let metrics = Caller::new(node.operations).get("/metrics").body;
    let wanted = wanted(RULES);
    assert!(wanted.len() >= 6 && wanted.values().map(BTreeSet::len).sum::<usize>() >= 11, "{wanted:?}");
    assert_eq!(missing(RULES, &metrics), Vec::<String>::new());
    // The test can fail: for a metric, a label, and a value of one that are not there.
    let wrong = "expr: shuzha_no_such_total > 0\nexpr: shuzha_decisions_total{reason=\"C999\"}";
    assert_eq!(missing(wrong, &metrics).len(), 2);
}

#[test]
fn i3_every_alert_says_what_happened_and_names_its_page() {
    for (rules, least) in FILES {
        each_alert_is_whole(rules, least);
    }
}

fn each_alert_is_whole(rules: &str, least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lines =
        |key: &str| rules.lines().filter_map(move |line| line.trim().strip_prefix(key)).collect::<Vec<_>>();
    let (alerts, summaries, pages) = (lines("- alert: "), lines("summary: "), lines("runbook: "));
    assert!(
        alerts.len() >= least && alerts.iter().collect::<BTreeSet<_>>().len() == alerts.len(),
        "{alerts:?}"
    );
    assert_eq!((summaries.len(), pages.len()), (alerts.len(), alerts.len()));
    assert_eq!(lines("labels: {severity: ").len(), alerts.len());
    for summary in summaries {
        let both = summary.chars().any(|letter| letter.is_ascii_alphabetic()) && !summary.is_ascii();
        assert!(both, "in both languages: {summary}");
    }
    for page in pages {
        assert!(root.join(page).exists(), "{page} is not there");
    }
}

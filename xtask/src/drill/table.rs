//! The drills. A line each; tidy's tests find a test at full size that is missing here, and a line whose test is gone.

/// Tests of one package that are run together at their full size.
#[derive(Debug)]
pub(super) struct Drill {
    /// What it is called on the command line.
    pub(super) name: &'static str,
    /// What is tried.
    pub(super) what: &'static str,
    /// What was promised.
    pub(super) figure: &'static str,
    /// The package that the tests are in.
    pub(super) package: &'static str,
    /// The tests, by name.
    pub(super) tests: &'static [&'static str],
}

const fn drill(
    name: &'static str,
    package: &'static str,
    tests: &'static [&'static str],
    [what, figure]: [&'static str; 2],
) -> Drill {
    Drill { name, what, figure, package, tests }
}

/// Every drill, in the order in which they are run.
pub(super) const DRILLS: &[Drill] = &[
    drill(
        "table-keys",
        "shuzha-products",
        &["e2_no_foreign_byte_leaves_a_table", "e2_no_foreign_byte_leaves_a_noised_table"],
        ["answers with texts that nobody declared", "10⁶ fuzzed answers, 0 foreign bytes"],
    ),
    drill(
        "table-reversal",
        "shuzha-privacy",
        &[
            "e6_no_rule_can_be_run_backwards_over_all_rows",
            "e6_no_rule_can_be_run_backwards_over_all_small_tables",
            "e6_ten_thousand_tables_cannot_be_run_backwards",
        ],
        [
            "the algorithm run over all candidates",
            "all 1 × n, n ≤ 5, counts ≤ 3 × threshold, and 10⁴ random 2 × 3: 0 cells narrowed below the threshold",
        ],
    ),
    drill(
        "noise-audit",
        "shuzha-privacy",
        &["e6_no_mechanism_shows_more_than_it_charged_in_a_million_runs"],
        ["neighbours told apart by noised answers", "10⁶ runs a side: no more than was charged"],
    ),
    drill(
        "noise-law",
        "shuzha-privacy",
        &["a_million_samples_follow_their_law"],
        ["samples against the exact law", "10⁶ samples at eight scales"],
    ),
    drill(
        "grids",
        "shuzha-privacy",
        &["e7_grids_of_any_period_are_noticed", "e7_honest_clients_are_no_grid"],
        [
            "inputs of models along a grid, and honest clients",
            "periods up to 10⁴ and two leaves within 60 calls; at most 2 alarms in 10⁶ honest calls",
        ],
    ),
    drill(
        "extraction",
        "shuzha",
        &["e7_what_a_unit_may_ask_in_a_quarter_copies_no_model"],
        ["the demo's model copied by four designs", "R² < 0.6 with what one unit may ask in a quarter"],
    ),
    drill(
        "watermarks",
        "shuzha-privacy",
        &["e9_forty_of_forty_are_found_and_nobody_else"],
        ["recipients of leaked packages", "40 of 40 found, 0 false, over deletion, collusion and flips"],
    ),
    drill(
        "output",
        "shuzha-privacy",
        &["e2_no_unlisted_byte_leaves_in_a_million_answers", "e2_no_bytes_break_the_readers_in_a_million"],
        ["answers and bytes of hostile product services", "10⁶ of each: nothing unlisted leaves"],
    ),
    drill(
        "consents",
        "shuzha-privacy",
        &[
            "d2_a_million_changed_payloads_are_refused_or_obey_the_rules",
            "d6_a_million_changed_tokens_are_refused",
            "d6_a_million_mismatches_are_refused",
        ],
        ["changed and mismatched consents", "10⁶ of each refused"],
    ),
    drill(
        "budget-race",
        "shuzha-policy",
        &["e6_a_million_racing_debits_win_exactly_what_is_left"],
        ["debits from 64 threads", "10⁶ debits win exactly what is left"],
    ),
    drill(
        "power",
        "shuzha-policy",
        &["e6_power_may_fail_at_every_byte", "e6_the_laws_hold_over_twenty_thousand_kills"],
        ["power cuts and kills", "every byte of a trace, and 20,000 kills: released ≤ debited"],
    ),
    drill(
        "replays",
        "shuzha-policy",
        &["a_million_replays_are_refused"],
        ["signed requests sent again", "10⁶ refused"],
    ),
    drill(
        "evidence",
        "shuzha-evidence",
        &["h1_a_million_changed_bytes_have_no_other_spelling"],
        ["changed bytes of records and notes", "10⁶: no second spelling"],
    ),
    drill(
        "reconcile",
        "shuzha",
        &["g3_r16_a_million_entries_come_to_their_bills"],
        ["entries of a month against its bills", "10⁶ entries to the last micro-yuan"],
    ),
];

impl Drill {
    /// What cargo is called with.
    pub(super) fn arguments(&self, profile: &str) -> Vec<String> {
        let cargo = ["test", "--profile", profile, "-p", self.package, "--lib", "--bins", "--tests", "--"];
        let mut arguments: Vec<String> = cargo.map(str::to_owned).into();
        arguments.extend(self.tests.iter().map(|test| (*test).to_owned()));
        // What was measured is printed by tests that pass.
        arguments.extend(["--include-ignored", "--nocapture", "--test-threads=1"].map(str::to_owned));
        arguments
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tree::{Tree, root};

    /// Reasons of tests that are ignored because another test runs them.
    const CHILDREN: &str = "child";

    /// Names of tests behind a line that says `marker`, and of all tests.
    fn tests_of(tree: &Tree) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut ignored, mut all) = (BTreeSet::new(), BTreeSet::new());
        for (path, text) in tree.ending(".rs") {
            if path.starts_with("xtask/") {
                continue;
            }
            let mut is_ignored = false;
            for line in text.lines().map(str::trim) {
                if line.starts_with("#[ignore") {
                    is_ignored = !line.contains(CHILDREN);
                } else if let Some(rest) = line.strip_prefix("async fn ").or(line.strip_prefix("fn ")) {
                    let name = rest.split(['(', '<']).next().unwrap_or_default().to_owned();
                    if std::mem::take(&mut is_ignored) {
                        ignored.insert(name.clone());
                    }
                    all.insert(name);
                }
            }
        }
        (ignored, all)
    }

    #[test]
    fn every_test_that_is_left_for_a_drill_is_in_one_and_every_drill_has_its_tests() {
        let tree = Tree::read(&root()).expect("the repository");
        let (ignored, all) = tests_of(&tree);
        let drilled: BTreeSet<String> =
            DRILLS.iter().flat_map(|drill| drill.tests).map(|test| (*test).to_owned()).collect();
        assert!(ignored.len() >= 10, "the reader of the tree finds too few: {ignored:?}");
        let missing: Vec<_> = ignored.difference(&drilled).collect();
        assert!(missing.is_empty(), "in no drill: {missing:?}");
        let gone: Vec<_> = drilled.difference(&all).collect();
        assert!(gone.is_empty(), "no such test: {gone:?}");
    }

    #[test]
    fn names_of_drills_are_their_own() {
        let names: BTreeSet<_> = DRILLS.iter().map(|drill| drill.name).collect();
        assert_eq!(names.len(), DRILLS.len());
    }
}

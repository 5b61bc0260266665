//! The gate is the covering relation: what is permitted is what every data set's agreements cover, and nothing else.

use proptest::prelude::*;

use super::*;
use crate::data::Sensitivity;

const PROVIDERS: [&str; 3] = ["p0", "p1", "p2"];
const FIELDS: [Option<&str>; 3] = [None, Some("交通"), Some("医疗")];
const SCENARIOS: [&str; 2] = ["s0", "s1"];
const OPERATORS: [&str; 2] = ["o0", "o1"];

fn id(text: &str) -> Id {
    Id::new(text).expect("a name")
}

fn set(provider: usize, field: usize) -> DataSet {
    DataSet {
        provider: id(PROVIDERS[provider]),
        shared_from: None,
        field: FIELDS[field].map(str::to_owned),
        sensitivity: Sensitivity::General,
        business_secret: false,
        privacy: None,
    }
}

fn window(from: i64, length: i64) -> Window {
    Window::new(Timestamp::from_seconds(from), Timestamp::from_seconds(from + length)).expect("not empty")
}

fn extent() -> impl Strategy<Value = Extent> {
    let names = |of: &'static [&'static str]| prop::sample::subsequence(of, 1..=of.len());
    prop_oneof![
        names(&PROVIDERS).prop_map(|found| Extent::Whole(found.into_iter().map(id).collect())),
        names(&["交通", "医疗"])
            .prop_map(|found| Extent::Field(found.into_iter().map(str::to_owned).collect())),
        (0..2_usize, names(&["d0", "d1", "d2"])).prop_map(|(scenario, found)| Extent::Scenario {
            scenario: id(SCENARIOS[scenario]),
            data_sets: found.into_iter().map(id).collect(),
        }),
    ]
}

fn agreement() -> impl Strategy<Value = OperatingAgreement> {
    (0..2_usize, extent(), 0_i64..6, 1_i64..6, any::<bool>()).prop_map(
        |(operator, extent, from, length, in_force)| OperatingAgreement {
            authoriser: id("authority"),
            operator: id(OPERATORS[operator]),
            extent,
            window: window(from, length),
            in_force,
            amends: None,
        },
    )
}

/// The relation as a text says it, written another way: some agreement in force of the operator, now, has the data set within
/// it and is for this scenario.
fn covered(
    name: &Id,
    set: &DataSet,
    operator: &Id,
    agreements: &[(Id, OperatingAgreement)],
    scenario: Option<&Id>,
    at: Timestamp,
) -> bool {
    agreements.iter().any(|(_, one)| {
        let about = match &one.extent {
            Extent::Whole(providers) => providers.iter().any(|provider| *provider == set.provider),
            Extent::Field(fields) => fields.iter().any(|field| Some(field) == set.field.as_ref()),
            Extent::Scenario { scenario: own, data_sets } => {
                data_sets.iter().any(|held| held == name) && scenario.is_none_or(|asked| asked == own)
            }
        };
        let (from, until) = (one.window.from(), one.window.until());
        about && one.in_force && one.operator == *operator && from <= at && at < until
    })
}

proptest! {
    #[test]
    fn c15_what_is_permitted_is_what_is_covered(
        agreements in prop::collection::vec(agreement(), 0..4),
        sets in prop::collection::vec((0..3_usize, 0..3_usize), 0..3),
        scenario in prop::option::of(0..2_usize),
        at in 0_i64..12,
        binds in prop::option::of(0_i64..12),
    ) {
        let operator = id("o0");
        let sets: Vec<(Id, DataSet)> = (0..).zip(&sets).map(|(at, (provider, field))| (id(&format!("d{at}")), set(*provider, *field))).collect();
        let agreements: Vec<(Id, OperatingAgreement)> =
            (0..).zip(agreements).map(|(at, one): (u32, _)| (id(&format!("a{at}")), one)).collect();
        let (scenario, at) = (scenario.map(|at| id(SCENARIOS[at])), Timestamp::from_seconds(at));
        let authorised = Authorised::of(
            &operator,
            sets.iter().map(|(name, set)| (name, Some(set))),
            agreements.iter().map(|(name, one)| (name, one)),
        );
        let any = |one: &OperatingAgreement| {
            let bound = one.extent.scenario().zip(scenario.as_ref());
            one.in_force && one.operator == operator && one.window.contains(at) && bound.is_none_or(|(one, asked)| one == asked)
        };
        let expected = if sets.is_empty() {
            agreements.iter().any(|(_, one)| any(one))
        } else {
            sets.iter().all(|(name, set)| covered(name, set, &operator, &agreements, scenario.as_ref(), at))
        };
        let demand = |binds_from| Demand { required: true, binds_from };
        prop_assert_eq!(demand(None).permits(&authorised, scenario.as_ref(), at), expected);
        prop_assert!(Demand::default().permits(&authorised, scenario.as_ref(), at), "nothing is demanded");
        // The time of transition is for operators that never had an agreement.
        let binds = binds.map(Timestamp::from_seconds);
        let known = agreements.iter().any(|(_, one)| one.operator == operator);
        let passes = !known && binds.is_some_and(|binds| at < binds);
        prop_assert_eq!(demand(binds).permits(&authorised, scenario.as_ref(), at), expected || passes);
        // Stopping an agreement takes away what only it covers.
        for (name, _) in &agreements {
            let without: Vec<_> = agreements.iter().filter(|(other, _)| other != name).cloned().collect();
            let left = Authorised::of(
                &operator,
                sets.iter().map(|(name, set)| (name, Some(set))),
                without.iter().map(|(name, one)| (name, one)),
            );
            let fails = authorised.fails_without(scenario.as_ref(), at, |one| one == name).is_some();
            if expected {
                prop_assert_eq!(fails, !left.covers(scenario.as_ref(), at));
            }
        }
    }
}

#[test]
fn c14_a_data_set_that_is_gone_is_covered_by_nothing() {
    let (operator, gone) = (id("o0"), id("d0"));
    let whole = OperatingAgreement {
        authoriser: id("authority"),
        operator: operator.clone(),
        extent: Extent::Whole([id("p0")].into()),
        window: window(0, 10),
        in_force: true,
        amends: None,
    };
    let name = id("a");
    let authorised = Authorised::of(&operator, [(&gone, None)].into_iter(), [(&name, &whole)].into_iter());
    assert!(!authorised.covers(None, Timestamp::from_seconds(1)));
    assert!(!Authorised::default().covers(None, Timestamp::from_seconds(1)), "nothing stands behind nothing");
}

#[test]
fn c20_scenarios_are_authorised_one_by_one_and_the_rest_by_operator() {
    let scenario = |name: &str| Extent::Scenario { scenario: id(name), data_sets: [id("d0")].into() };
    let whole = Extent::Whole([id("p0")].into());
    assert!(scenario("s0").renews(&scenario("s0")) && !scenario("s0").renews(&scenario("s1")));
    assert!(whole.renews(&scenario("s0")) && scenario("s0").renews(&whole) && whole.renews(&whole));
}

//! The register against the two standards and against itself.

use std::collections::HashSet;

use proptest::prelude::*;
use shuzha_core::identity::{check_organisation, check_person};

use super::*;

#[test]
fn the_first_entries_stay_what_they_are() {
    // The demo and its documents name these. A change of seed, list or permutation shows here.
    let first = person(0);
    assert_eq!((first.id_number.as_str(), first.name.as_str()), FIRST_PERSON);
    let firm = enterprise(0);
    assert_eq!((firm.uscc.as_str(), firm.name.as_str()), FIRST_ENTERPRISE);
}

const FIRST_PERSON: (&str, &str) = ("690113200205284265", "杜秀红");
const FIRST_ENTERPRISE: (&str, &str) = ("91690114MAC4UCDX1R", "云泽市鹿鸣县启木医药有限公司");

#[test]
fn no_two_persons_share_a_number() {
    let numbers: HashSet<String> = (0..PERSONS).map(|index| person(index).id_number).collect();
    assert_eq!(numbers.len(), PERSONS as usize);
}

#[test]
fn no_two_enterprises_share_a_code() {
    let codes: HashSet<String> = (0..ENTERPRISES).map(|index| enterprise(index).uscc).collect();
    assert_eq!(codes.len(), ENTERPRISES as usize);
}

#[test]
fn all_areas_lie_in_the_unassigned_province() {
    assert!(AREAS.iter().all(|area| area.code.starts_with("69")));
    assert!(AREAS.iter().zip(690_101..).all(|(area, code)| area.code == code.to_string()));
}

#[test]
fn numbers_of_other_areas_and_times_are_nobodys() {
    // Well-formed, but of an assigned area (the example of GB 11643), and of our area before and after the
    // years we use.
    for stem in [
        "11010519491231002",
        "69010119391231001",
        "69010120070101001",
        "69011720000101001",
        "69010120000101000",
    ] {
        let check = identity::person_check(stem.as_bytes()).unwrap();
        let number = format!("{stem}{}", char::from(check));
        assert_eq!(check_person(&number), Ok(()), "{number}");
        assert_eq!(person_index(&number), None, "{number}");
    }
    for text in ["", "6901", "中中中中中中", "69010120000230001X"] {
        assert_eq!(person_index(text), None);
        assert_eq!(enterprise_index(text), None);
    }
}

#[test]
fn a_wrong_inner_check_is_nobodys() {
    let code = enterprise(17).uscc;
    let mut raw = code.into_bytes();
    raw[16] = if raw[16] == b'1' { b'2' } else { b'1' };
    raw[17] = identity::organisation_check(&raw[..17]).unwrap();
    let text = String::from_utf8(raw).unwrap();
    assert!(check_organisation(&text).is_err(), "the code inside is checked beside the outer one");
    assert_eq!(enterprise_index(&text), None);
}

#[test]
fn the_population_is_mixed() {
    let sample: Vec<Person> = (0..10_000).map(person).collect();
    let women = sample.iter().filter(|person| person.female).count();
    assert!((4_700..5_300).contains(&women), "{women}");
    let areas: HashSet<&str> = sample.iter().map(|person| &person.id_number[..6]).collect();
    assert_eq!(areas.len(), AREAS.len());
    let names: HashSet<&str> = sample.iter().map(|person| person.name.as_str()).collect();
    assert!(names.len() > 5_000, "{}", names.len());
    let active = (0..10_000).filter(|&index| enterprise(index).status == Status::Active).count();
    assert!((8_600..9_000).contains(&active), "{active}");
}

/// All sequence numbers of one area on every two hundredth day: what is found must have the number that was
/// asked for, and be found about once in 391 times.
#[test]
fn made_up_numbers_are_rarely_somebodys_and_never_another_persons() {
    let mut found = 0;
    for day in (0..24_472).step_by(200) {
        for sequence in 1..1000 {
            let stem = format!("690105{}{sequence:03}", Date::after(1940, day).digits());
            let number = format!("{stem}{}", char::from(identity::person_check(stem.as_bytes()).unwrap()));
            if let Some(index) = person_index(&number) {
                assert_eq!(person(index).id_number, number);
                found += 1;
            }
        }
    }
    let expected = 123 * 999 / 391;
    assert!((expected - 80..expected + 80).contains(&found), "{found} of about {expected}");
}

proptest! {
    #[test]
    fn a_person_is_found_by_its_number(index in 0..PERSONS) {
        let person = person(index);
        prop_assert_eq!(check_person(&person.id_number), Ok(()));
        prop_assert_eq!(person_index(&person.id_number), Some(index));
        prop_assert!((2..=4).contains(&person.name.chars().count()));
        prop_assert_eq!(person.born.digits(), &person.id_number[6..14]);
    }

    #[test]
    fn an_enterprise_is_found_by_its_code(index in 0..ENTERPRISES) {
        let enterprise = enterprise(index);
        prop_assert_eq!(check_organisation(&enterprise.uscc), Ok(()));
        prop_assert_eq!(enterprise_index(&enterprise.uscc), Some(index));
        prop_assert_eq!(&enterprise.uscc[2..8], enterprise.area.code);
        prop_assert!(enterprise.name.starts_with("云泽市") && enterprise.phone.len() == 11);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,20}|[0-9A-Z]{18}") {
        let found = person_index(&text).is_some() || enterprise_index(&text).is_some();
        prop_assert!(!found || text.contains("69"));
    }
}

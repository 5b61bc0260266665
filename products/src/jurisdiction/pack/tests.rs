//! The packs say what the articles say.

use super::*;
use crate::World;

fn rules(name: &str) -> Jurisdiction {
    pack(name).expect("a built-in pack")
}

#[test]
fn every_pack_reads_and_every_rule_has_its_article() {
    for (name, text) in PACKS {
        let found = parse(name, text).unwrap_or_else(|faults| panic!("{faults:#?}"));
        let tables = text.lines().filter(|line| line.starts_with('[') && *line != "[sources]").count();
        assert_eq!(found.articles.len(), tables, "{name}");
        assert!(found.articles.keys().all(|rule| RULES.contains(rule)));
    }
}

/// The table at the end of the requirements, row by row.
#[test]
fn packs_say_what_the_regulations_say() {
    let names = ["yantai", "gansu", "qingtian", "heilongjiang", "qingdao"];
    let row = |show: &dyn Fn(&Jurisdiction) -> String| names.map(|name| show(&rules(name)));
    let years = |years: Option<u8>| years.map_or("-".to_owned(), |years| years.to_string());
    let days = |days: Option<u16>| days.map_or("-".to_owned(), |days| days.to_string());
    assert_eq!(row(&|one| years(one.agreement_years_max)), ["-", "5", "3", "3", "-"]);
    let principle = ["false", "true", "true", "true", "false"];
    assert_eq!(row(&|one| one.agreement_years_in_principle.to_string()), principle);
    assert_eq!(row(&|one| one.operating.required.to_string()), ["true", "true", "true", "true", "false"]);
    assert_eq!(row(&|one| one.agreement_contents.len().to_string()), ["0", "12", "1", "12", "0"]);
    assert_eq!(row(&|one| years(one.reapplication_months)), ["-", "-", "6", "-", "-"]);
    assert_eq!(row(&|one| one.certificate_required.to_string()), ["false", "true", "false", "true", "false"]);
    assert_eq!(row(&|one| days(one.registration.publicity)), ["-", "10", "-", "-", "-"]);
    assert_eq!(row(&|one| days(one.operator_publicity_working_days)), ["-", "-", "-", "5", "-"]);
    assert_eq!(row(&|one| one.results_published.to_string()), ["false", "false", "true", "false", "false"]);
    assert_eq!(row(&|one| years(one.registration.validity_years)), ["-", "3", "-", "-", "-"]);
    assert_eq!(row(&|one| days(one.network_log_months)), ["-", "-", "6", "24", "-"]);
    assert_eq!(row(&|one| years(one.record_years)), ["-", "20", "-", "-", "-"]);
    let reviewers = [
        "[Authority]",
        "[ImplementingBody]",
        "[Authority]",
        "[Operator, Authority]",
        "[Authority, Provider]",
    ];
    assert_eq!(row(&|one| format!("{:?}", one.exit_review_by)), reviewers);
    let listings = ["NotRequired", "IfTraded", "NotRequired", "Required", "Encouraged"];
    assert_eq!(row(&|one| format!("{:?}", one.exchange_listing)), listings);
    let consents = ["Precise", "NoHarm", "NoBlanket", "NoHarm", "AuthorisedByPerson"];
    assert_eq!(row(&|one| format!("{:?}", one.personal_consent.expect("a rule"))), consents);
    let regimes = ["Conditional", "Guided", "Inclusive", "Rules", "Guided"];
    assert_eq!(row(&|one| format!("{:?}", one.price.as_ref().expect("a rule").regime)), regimes);
    let reports = ["Periodic", "Periodic", "Yearly", "Periodic", "Periodic"];
    assert_eq!(row(&|one| format!("{:?}", one.operation_report.expect("a rule"))), reports);
    assert!(names.iter().all(|name| !rules(name).operator_redevelopment));
    assert_eq!(rules("gansu").article("agreement_term"), Some("Gansu-O 20(二)"));
    assert_eq!(rules("yantai").article("agreement_term"), None);
}

#[test]
fn c1_modes_depend_on_jurisdiction_and_level() {
    let permitted = |one: &Jurisdiction| MODES.iter().filter(|(_, mode)| one.permits_mode(*mode)).count();
    assert_eq!((permitted(&rules("gansu")), permitted(&rules("qingtian"))), (3, 1));
    let local = rules("heilongjiang");
    let province = Jurisdiction { level: Level::Province, ..local.clone() };
    assert_eq!((permitted(&local), permitted(&province)), (3, 1));
    assert!(province.permits_mode(Mode::Whole) && !province.permits_mode(Mode::Scenario));
    assert!(!Jurisdiction::default().permits_mode(Mode::Whole));
}

#[test]
fn all_faults_of_a_pack_are_told_at_once_with_their_lines() {
    let text = "title = \"x\"\nodd = 1\n[sources]\nA = \"a\"\n[agreement_term]\nyears_max = 0\narticle = \"A 1\"\n\
        [records]\nyears_min = 20\n[price]\nregime = \"free\"\nfree = [\"all\"]\nprovider_discount = 1\narticle = \"B 2\"\n\
        [exit_review]\nby = [\"nobody\"]\nyears = 2020-01-01\narticle = \"A 3\"\n";
    let faults = parse("x.toml", text).expect_err("faults");
    let mut found: Vec<_> = faults
        .iter()
        .map(|fault| (fault.fault.line.unwrap_or_default(), fault.fault.path.as_str()))
        .collect();
    found.sort_unstable();
    let expected = [
        (2, "odd"),
        (6, "agreement_term.years_max"),
        (8, "records.article"),
        (11, "price.regime"),
        (12, "price.free[0]"),
        (13, "price.provider_discount"),
        (14, "price.article"),
        (16, "exit_review.by[0]"),
        (17, "exit_review.years"),
    ];
    assert_eq!(found, expected, "{faults:#?}");
    assert_eq!(parse("x.toml", "title = \n").expect_err("no TOML")[0].fault.line, Some(1));
}

#[test]
fn a_world_names_its_pack() {
    let world = |spec: &str| {
        let text = format!(
            "apiVersion: shuzha/v1\nkind: Jurisdiction\nmetadata: {{name: here}}\nspec: {{{spec}}}\n"
        );
        World::parse(&[("here.yaml", text)]).map(|world| world.jurisdiction()).map_err(|faults| faults.len())
    };
    assert_eq!(world("rules: gansu"), Ok(rules("gansu")));
    assert_eq!(world("certificateRequired: true"), Ok(Jurisdiction::default()));
    let province = Jurisdiction { level: Level::Province, ..rules("heilongjiang") };
    let mut bound = rules("gansu");
    bound.operating.binds_from = Some(shuzha_core::Timestamp::from_seconds(1_790_812_800));
    assert_eq!(world("rules: gansu, operatingFrom: 2026-10-01T08:00:00+08:00"), Ok(bound));
    assert_eq!(world("rules: heilongjiang, level: province"), Ok(province));
    for wrong in [
        "rules: peking",
        "rules: gansu, certificateRequired: true",
        "level: province",
        "certificateRequired: true, operatingFrom: 2026-10-01",
        "rules: gansu, level: x",
    ] {
        assert!(world(wrong).is_err(), "{wrong}");
    }
    assert_eq!(world("level: province"), Err(2));
}

/// No regulation states figures for privacy budgets, so every pack says that it takes the default. One that states others is read,
/// with its article.
#[test]
fn e6_ceilings_of_privacy_budgets_are_a_rule_like_any_other() {
    for (name, _) in PACKS {
        assert_eq!(rules(name).privacy, PrivacyRules::default(), "{name}");
        assert_eq!(rules(name).article("privacy_budget"), Some("Default ADR-0033"), "{name}");
    }
    let text = "title = \"此地\"\n[sources]\n\"X\" = \"规定\"\n[privacy_budget]\nper_query = \"0.5\"\n\
                space_year = \"4\"\nraise_working_days = 20\narticle = \"X 7\"\n";
    let read = parse("here", text).expect("a pack");
    assert_eq!(read.privacy.per_query_max.to_string(), "0.5");
    assert_eq!((read.privacy.space_year_max.to_string().as_str(), read.privacy.raise_publicity), ("4.0", 20));
    assert_eq!(read.article("privacy_budget"), Some("X 7"));
    assert!(parse("here", &text.replace("\"4\"", "4.0")).is_err(), "a figure is text, as everywhere");
}

/// Yantai 29: the text ends with 2026. Nothing said so.
#[test]
fn l1_a_pack_says_in_time_that_its_text_ends() {
    let yantai = rules("yantai");
    let day = |text: &str| crate::yaml::parse_instant(text).expect("a date");
    let until = day("2027-01-01");
    for (at, ending) in [
        ("2026-11-01", None),
        ("2026-11-03", Some(until)),
        ("2026-12-31", Some(until)),
        ("2028-01-01", Some(until)),
    ] {
        assert_eq!(yantai.ending(day(at)), ending, "{at}");
    }
    assert_eq!(yantai.article("validity"), Some("Yantai 29"));
    for (name, _) in PACKS.iter().filter(|(name, _)| *name != "yantai") {
        assert_eq!(rules(name).ending(day("2099-01-01")), None, "{name} states no date");
    }
    let pack = "title = \"此地\"\n[sources]\n\"X\" = \"规定\"\n[validity]\nfrom = \"2027-01-01\"\n\
                until = \"2026-01-01\"\narticle = \"X 9\"\n";
    assert!(parse("here", pack).is_err(), "it ends before it begins");
}

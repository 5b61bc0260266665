//! Registration: its clocks, its kinds, and what ends it.

use serde_json::{Value, json};
use shuzha_core::{Code, Id, Timestamp};

use super::command::{Changed, NewContent};
use super::state::{Against, ObjectionOutcome};
use super::*;
use crate::case::{Actor, By};
use crate::jurisdiction::{calendar, pack};

mod content;
mod matrix;
mod objections;

/// First instant of a date in China.
fn day(text: &str) -> Timestamp {
    let at: jiff::Timestamp = format!("{text}T00:00:00+08:00").parse().expect("a date");
    Timestamp::from_micros(at.as_microsecond())
}

fn content(until: &str) -> Content {
    Content {
        product: Some(Id::new("person-check").expect("a name")),
        data_sets: vec!["population".to_owned()],
        form: Some(crate::jurisdiction::ProductForm::Verification),
        delivered: day("2025-09-01"),
        authorised_until: Some(day(until)),
    }
}

fn new_content(until: &str) -> NewContent {
    NewContent { json: json!({"until": until}), content: content(until) }
}

/// One registration and the rules it is under.
struct Desk {
    case: Registration,
    rules: Jurisdiction,
    state: State,
}

impl Desk {
    /// A draft under `rules`, authorised until `until`.
    fn new(rules: &str, until: &str) -> Self {
        let rules = pack(rules).expect("a pack");
        let case = Registration { name: Id::new("person-check-1").expect("a name"), content: content(until) };
        let actor = actor();
        let state = case.open(&act(&rules, &actor, day("2025-09-10"))).expect("opened");
        Self { case, rules, state }
    }

    /// Does `command` on `at`.
    fn run(&mut self, at: &str, command: Command) -> Result<&'static str, Code> {
        self.run_as("li", at, command)
    }

    fn run_as(&mut self, account: &str, at: &str, command: Command) -> Result<&'static str, Code> {
        let actor = Actor { account: Id::new(account).expect("a name"), ..actor() };
        let act = act(&self.rules, &actor, day(at));
        self.state = self.case.decide(&self.state, command, &act).map_err(|refused| refused.code)?;
        Ok(self.state.name())
    }

    fn due(&self, what: &str) -> Option<Timestamp> {
        let list = self.case.deadlines(&self.state, &self.rules, calendar());
        list.iter().find(|deadline| deadline.what == what).map(|deadline| deadline.due.at)
    }

    /// What the clock does at deadline `what`.
    fn passes(&mut self, at: &str, what: &str) -> Option<Result<&'static str, Code>> {
        let command = self.case.passed(&self.state, what)?;
        Some(self.run(at, command))
    }

    /// Submitted, accepted, reviewed and approved on `at`.
    fn approve(&mut self, at: &str) -> Result<&'static str, Code> {
        if self.state.step() == Some(Step::Draft) {
            self.run(at, Command::Submit(None))?;
        }
        self.run(at, Command::Accept)?;
        self.run(at, Command::Review { passed: true })?;
        self.run(at, Command::Approve)
    }

    fn window(&self) -> Option<(String, String)> {
        let name = &self.case.name;
        let declared = Registration::in_force(name, &Value::Null, &self.state).pop()?;
        let text = |key: &str| declared.spec["window"][key].as_str().expect("text").to_owned();
        Some((text("from"), text("until")))
    }
}

fn actor() -> Actor {
    let id = |text| Id::new(text).expect("a name");
    Actor { account: id("li"), organisation: id("registry"), role: Role::Registrar }
}

fn act<'a>(rules: &'a Jurisdiction, actor: &'a Actor, at: Timestamp) -> Act<'a> {
    Act { by: By::Person(actor), at, reason: "按规定", rules, calendar: calendar(), reasons: &() }
}

/// Certified under Gansu's rules on 2025-10-22, authorised until `until`.
fn certified(until: &str) -> Desk {
    let mut desk = Desk::new("gansu", until);
    assert_eq!(desk.approve("2025-09-28"), Ok("publicity"));
    assert_eq!(desk.passes("2025-10-22", "publicity"), Some(Ok("certified")));
    desk
}

#[test]
fn b2_acceptance_takes_three_working_days() {
    let mut desk = Desk::new("gansu", "2030-01-01");
    assert_eq!(desk.run("2025-09-29", Command::Submit(None)), Ok("submitted"));
    // 29 September is a Monday; 1 to 8 October are off: Tuesday 30, Thursday 9, Friday 10.
    assert_eq!(desk.due("acceptance"), Some(day("2025-10-11")));
    assert!(desk.passes("2025-10-20", "acceptance").is_none(), "only overdue");
}

#[test]
fn b2_review_takes_twenty_working_days_and_publicity_ten() {
    let mut desk = Desk::new("gansu", "2030-01-01");
    desk.run("2026-01-30", Command::Submit(None)).expect("submitted");
    desk.run("2026-02-02", Command::Accept).expect("accepted");
    // 春节 15 to 23 February is off, the Saturdays 14 and 28 are worked.
    assert_eq!(desk.due("review"), Some(day("2026-03-07")));
    desk.run("2026-02-05", Command::Review { passed: true }).expect("reviewed");
    assert_eq!(desk.run("2026-02-09", Command::Approve), Ok("publicity"));
    assert_eq!(desk.due("publicity"), Some(day("2026-03-01")));
    assert_eq!(desk.passes("2026-02-28", "publicity"), Some(Err(Code::C1204)));
    assert_eq!(desk.passes("2026-03-01", "publicity"), Some(Ok("certified")));
}

#[test]
fn b2_one_notice_of_missing_papers_restarts_acceptance() {
    let mut desk = Desk::new("gansu", "2030-01-01");
    desk.run("2025-10-13", Command::Submit(None)).expect("submitted");
    let missing = || Command::Return(vec!["授权委托书".to_owned()]);
    assert_eq!(desk.run("2025-10-15", missing()), Ok("returned"));
    assert_eq!(desk.due("acceptance"), None);
    assert!(!Registration::editable(&desk.state));
    assert_eq!(desk.run("2025-10-20", Command::Submit(Some(new_content("2029-01-01")))), Ok("submitted"));
    assert_eq!(desk.due("acceptance"), Some(day("2025-10-24")));
    assert_eq!(desk.run("2025-10-21", missing()), Err(Code::C1201));
    assert_eq!(desk.run("2025-10-21", Command::Refuse), Ok("refused"));
}

#[test]
fn b2_without_publicity_in_the_rules_approval_certifies() {
    let mut desk = Desk::new("heilongjiang", "2027-01-01");
    assert_eq!(desk.approve("2025-10-13"), Ok("certified"));
    assert_eq!(desk.due("review"), None);
    let expected = ("2025-10-12T16:00:00Z".to_owned(), "2026-12-31T16:00:00Z".to_owned());
    assert_eq!(desk.window(), Some(expected));
}

#[test]
fn b2_what_the_review_does_not_support_is_not_approved() {
    let mut desk = Desk::new("gansu", "2030-01-01");
    desk.run("2025-10-13", Command::Submit(None)).expect("submitted");
    desk.run("2025-10-14", Command::Accept).expect("accepted");
    desk.run("2025-10-15", Command::Review { passed: false }).expect("reviewed");
    assert_eq!(desk.run("2025-10-16", Command::Approve), Err(Code::C1206));
    desk.run("2025-10-17", Command::Review { passed: true }).expect("reviewed again");
    assert_eq!(desk.run("2025-10-17", Command::Approve), Ok("publicity"));
}

#[test]
fn b3_filing_after_its_term_is_marked() {
    let late = |state: &State| state.procedure.as_ref().expect("a procedure").late;
    // Delivered on 1 September 2025: twenty working days end with Sunday 28 September, which was worked.
    for (at, expected) in [("2025-09-28", false), ("2025-09-29", true)] {
        let mut desk = Desk::new("gansu", "2030-01-01");
        desk.run(at, Command::Submit(None)).expect("submitted");
        assert_eq!(late(&desk.state), expected, "{at}");
    }
    // Monday 3 November, and 5 or 10 working days.
    for (of, at, expected) in [
        (Changed::Data, "2025-11-10", false),
        (Changed::Data, "2025-11-11", true),
        (Changed::Registrant, "2025-11-17", false),
        (Changed::Registrant, "2025-11-18", true),
        (Changed::Other, "2026-11-18", false),
    ] {
        let mut desk = certified("2030-01-01");
        let change = Command::Change { content: new_content("2030-01-01"), of, since: day("2025-11-03") };
        assert_eq!(desk.run(at, change), Ok("changing"));
        assert_eq!(late(&desk.state), expected, "{of:?} {at}");
    }
}

#[test]
fn b3_a_change_is_publicised_and_what_was_certified_stays_meanwhile() {
    let mut desk = certified("2030-01-01");
    let before = desk.window();
    let change =
        |until| Command::Change { content: new_content(until), of: Changed::Data, since: day("2025-11-03") };
    assert_eq!(desk.run("2025-11-03", change("2027-01-01")), Ok("changing"));
    assert_eq!(desk.approve("2025-11-03"), Ok("changing"));
    assert_eq!((desk.window(), desk.state.content.clone()), (before, None));
    assert_eq!(desk.passes("2025-11-18", "publicity"), Some(Ok("certified")));
    assert_eq!(desk.state.content, Some(json!({"until": "2027-01-01"})));
    // The authorisation became shorter than the certificate.
    assert_eq!(desk.window().expect("in force").1, "2026-12-31T16:00:00Z");
    let mut other = new_content("2030-01-01");
    other.content.product = Some(Id::new("company-check").expect("a name"));
    assert_eq!(desk.run("2026-01-05", Command::Correct(other)), Err(Code::C1002));
    assert_eq!(desk.run("2026-01-05", Command::Correct(new_content("2029-01-01"))), Ok("correcting"));
    assert_eq!(desk.approve("2026-01-05"), Ok("certified"), "a correction is not publicised");
    assert_eq!(desk.state.content, Some(json!({"until": "2029-01-01"})));
}

#[test]
fn b3_a_cancellation_takes_ten_working_days_from_acceptance() {
    let mut desk = certified("2030-01-01");
    assert_eq!(desk.run("2026-09-17", Command::Cancel { ground: "waived" }), Ok("cancelling"));
    desk.run("2026-09-18", Command::Accept).expect("accepted");
    assert_eq!((desk.due("cancellation"), desk.due("review")), (Some(day("2026-10-10")), None));
    assert!(desk.window().is_some());
    desk.run("2026-09-18", Command::Review { passed: true }).expect("reviewed");
    assert_eq!(desk.run("2026-09-18", Command::Approve), Ok("cancelled"));
    assert_eq!((desk.window(), desk.state.ground.as_deref()), (None, Some("waived")));
}

#[test]
fn b4_duplicates_disputes_and_false_statements_are_rejected_with_their_ground() {
    for ground in ["duplicate", "disputed", "false-statement"] {
        let mut desk = Desk::new("gansu", "2030-01-01");
        desk.approve("2025-10-13").expect("publicity");
        assert_eq!(desk.run("2025-10-14", Command::Reject { ground }), Ok("rejected"));
        assert_eq!(desk.state.ground.as_deref(), Some(ground));
        assert_eq!(desk.run("2025-10-15", Command::Submit(None)), Err(Code::C1007));
    }
}

#[test]
fn b5_a_certificate_lasts_three_years_or_the_authorised_term() {
    let window = |until| certified(until).window().expect("in force");
    let from = "2025-10-21T16:00:00Z".to_owned();
    assert_eq!(window("2030-01-01"), (from.clone(), "2028-10-21T16:00:00Z".to_owned()));
    assert_eq!(window("2026-06-01"), (from, "2026-05-31T16:00:00Z".to_owned()));
    let mut desk = Desk::new("gansu", "2025-10-20");
    desk.approve("2025-09-28").expect("publicity");
    assert_eq!(desk.passes("2025-10-22", "publicity"), Some(Err(Code::C1202)));
    let declared = Registration::in_force(&desk.case.name, &Value::Null, &certified("2030-01-01").state);
    assert_eq!(declared[0].kind, "Certificate");
    assert_eq!(declared[0].spec["product"], "person-check");
    let code = declared[0].spec["code"].as_str().expect("a code");
    assert_eq!(registration_of(code), Some(desk.case.name));
}

#[test]
fn b5_renewal_is_asked_in_the_last_sixty_days_and_never_passes_the_authorisation() {
    let mut desk = certified("2030-01-01");
    assert_eq!(desk.due("renewal"), Some(day("2028-08-23")), "a reminder");
    assert!(desk.passes("2028-08-23", "renewal").is_none(), "and nothing more");
    assert_eq!(certified("2028-10-22").due("renewal"), None, "there is nothing to renew to");
    assert_eq!(desk.run("2028-08-22", Command::Renew), Err(Code::C1203));
    assert_eq!(desk.run("2028-10-22", Command::Renew), Err(Code::C1203));
    assert_eq!(desk.run("2028-08-23", Command::Renew), Ok("renewing"));
    assert_eq!(desk.due("renewal"), None, "it was asked for");
    assert_eq!(desk.approve("2028-08-24"), Ok("certified"));
    assert_eq!(desk.window().expect("in force").1, "2029-12-31T16:00:00Z");
    assert_eq!(desk.run("2029-12-01", Command::Renew), Err(Code::C1202));
    let mut desk = certified("2040-01-01");
    desk.run("2028-10-21", Command::Renew).expect("renewing");
    // Asked in time and answered late: the clock does not cancel it, the term follows on the last one.
    assert!(desk.passes("2028-10-22", "expiry").is_none());
    assert_eq!(desk.approve("2028-11-01"), Ok("certified"));
    assert_eq!(desk.window().expect("in force").1, "2031-10-21T16:00:00Z");
    let mut desk = certified("2040-01-01");
    desk.run("2028-10-21", Command::Renew).expect("renewing");
    assert_eq!(desk.run("2028-11-01", Command::Refuse), Ok("cancelled"));
}

#[test]
fn b5_what_is_not_renewed_is_cancelled_and_announced() {
    let mut desk = certified("2030-01-01");
    assert_eq!(desk.due("expiry"), Some(day("2028-10-22")));
    assert_eq!(desk.passes("2028-10-21", "expiry"), Some(Err(Code::C1007)));
    assert_eq!(desk.passes("2028-10-22", "expiry"), Some(Ok("cancelled")));
    assert!(desk.state.announced && desk.window().is_none() && desk.due("expiry").is_none());
    let mut desk = certified("2026-06-01");
    assert_eq!(desk.passes("2026-06-01", "expiry"), Some(Ok("expired")));
    assert!(!desk.state.announced);
}

#[test]
fn b7_fraud_revokes_from_wherever_it_is_registered() {
    let mut desk = certified("2030-01-01");
    assert_eq!(desk.run("2026-01-05", Command::Suspend), Ok("suspended"));
    assert_eq!(desk.window(), None);
    assert_eq!(desk.run("2026-01-05", Command::Suspend), Err(Code::C1007));
    assert_eq!(desk.run("2026-01-06", Command::Resume), Ok("certified"));
    assert!(desk.window().is_some());
    desk.run("2026-01-07", Command::Suspend).expect("suspended");
    assert_eq!(desk.run("2026-01-08", Command::Revoke { ground: "fraud" }), Ok("revoked"));
    assert_eq!(desk.run("2026-01-09", Command::Resume), Err(Code::C1007));
}

#[test]
fn b5_an_end_is_asked_for_at_once_where_the_rules_give_none() {
    let mut case = Registration { name: Id::new("x").expect("a name"), content: content("2030-01-01") };
    case.content.authorised_until = None;
    let actor = actor();
    for (name, expected) in [("gansu", Ok("draft")), ("yantai", Err(Code::C1202))] {
        let rules = pack(name).expect("a pack");
        let opened = case.open(&act(&rules, &actor, day("2026-01-05")));
        assert_eq!(opened.map(|state| state.name()).map_err(|refused| refused.code), expected, "{name}");
    }
}

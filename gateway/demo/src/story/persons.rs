//! Who acts in the story: every one a named person of an organisation, in one role. All are made up.

use anyhow::{Context as _, Result};
use shuzha_core::Role;
use shuzha_core::identity::person_check;

use super::super::cast::PERSON;

/// A person with an account.
pub(super) struct Person {
    pub(super) account: &'static str,
    pub(super) name: &'static str,
    pub(super) organisation: &'static str,
    pub(super) role: Role,
}

/// The first administrator, who makes the accounts and decides on nothing.
pub(super) const ADMINISTRATOR: (&str, &str, &str) = ("admin", "林知微", "yunze-data");

/// Everyone else.
pub(super) const PERSONS: &[Person] = &[
    person("wang", "王砚秋", "data-bureau", Role::Authority),
    person("feng", "冯以宁", "data-bureau", Role::Authority),
    person("zhou", "周怀瑾", "data-bureau", Role::Expert),
    person("li", "李南乔", "registry-centre", Role::Registrar),
    person("chen", "陈望山", "registry-centre", Role::Registrar),
    person("zheng", "郑含章", "ndrc", Role::Pricing),
    person("zhao", "赵清和", "market-regulator", Role::Provider),
    person("jiang", "蒋闻溪", "police", Role::Provider),
    person("shen", "沈墨池", "statistics-bureau", Role::Provider),
    person("han", "韩书白", "credit-centre", Role::Provider),
    person("sun", "孙亦航", "yunze-data", Role::Operator),
    person("qian", "钱若谷", "yunze-data", Role::Operator),
    person("tang", "唐映雪", "yunze-data", Role::Finance),
    person("cheng", "程望舒", "yunze-data", Role::Finance),
    person("wu", "吴行之", "yunze-bank", Role::ApplicationUnit),
    person("xu", "徐听雨", "tinghai-insurance", Role::ApplicationUnit),
    person("he", "何知远", "chengxi-foundation", Role::ApplicationUnit),
    person("lv", "吕清嘉", "civil-affairs", Role::ApplicationUnit),
    person("shi", "施念慈", "xunjie-lending", Role::ApplicationUnit),
    person("kong", "孔思齐", "weilan-startup", Role::ApplicationUnit),
    person("mei", "梅知节", "data-bureau", Role::Auditor),
    person("du", "杜秀红", "civil-affairs", Role::DataSubject),
    person("luo", "罗景行", "yunze-data", Role::Sre),
];

const fn person(account: &'static str, name: &'static str, organisation: &'static str, role: Role) -> Person {
    Person { account, name, organisation, role }
}

/// The data subject's account, and the number in their papers: a person of the synthetic register.
pub(super) const SUBJECT: (&str, &str) = ("du", PERSON.0);

/// The number in the papers of the person at `place`, 0 for the administrator. Its province was never assigned.
pub(super) fn id_number(place: usize) -> String {
    if place.checked_sub(1).and_then(|at| PERSONS.get(at)).is_some_and(|person| person.account == SUBJECT.0) {
        return SUBJECT.1.to_owned();
    }
    let first = format!("69011319800101{:03}", place % 1_000);
    let check = person_check(first.as_bytes()).unwrap_or(b'0');
    format!("{first}{}", char::from(check))
}

/// The person behind an account.
pub(super) fn behind(account: &str) -> Option<&'static Person> {
    PERSONS.iter().find(|person| person.account == account)
}

/// The account of whoever acts for an organisation in a role.
pub(super) fn acting_for(organisation: &str, role: Role) -> Result<&'static str> {
    let mut found = PERSONS.iter().filter(|person| person.role == role);
    let person = found.find(|person| person.organisation == organisation);
    Ok(person.with_context(|| format!("nobody acts for {organisation} as {role}"))?.account)
}

//! Who takes part: organisations (机构) and application units (应用单位).

use std::fmt;
use std::str::FromStr;

use shuzha_core::identity::{IdentityError, check_organisation_form, organisation_check};
use shuzha_core::{Id, MicroYuan};

use crate::World;
use crate::price::yuan;
use crate::world::{Mark, Marked, Object, Scope, Table};
use crate::yaml::Place;

/// A 统一社会信用代码 (GB 32100-2015) whose check character was verified.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uscc(Box<str>);

impl Uscc {
    /// The 18 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a 统一社会信用代码 was refused. The code of a legal entity is public, so the right check character is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a 统一社会信用代码: {error}{}", expected_check(.expected))]
pub struct UsccError {
    error: IdentityError,
    expected: Option<char>,
}

fn expected_check(expected: &Option<char>) -> String {
    expected.map(|check| format!(", it would be `{check}`")).unwrap_or_default()
}

impl FromStr for Uscc {
    type Err = UsccError;

    fn from_str(text: &str) -> Result<Self, UsccError> {
        match check_organisation_form(text) {
            Ok(()) => Ok(Self(text.into())),
            Err(IdentityError::Check) => {
                let expected = text.as_bytes().get(..17).and_then(organisation_check).map(char::from);
                Err(UsccError { error: IdentityError::Check, expected })
            }
            Err(error) => Err(UsccError { error, expected: None }),
        }
    }
}

impl fmt::Display for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an organisation is in the field (REQUIREMENTS, who uses it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrganisationKind {
    /// 数据主管部门 / 实施机构.
    Authority,
    /// 登记机构.
    Registrar,
    /// 数据提供单位.
    Provider,
    /// 运营机构.
    Operator,
    /// 开发利用主体: a legal entity that uses products.
    Unit,
    /// 数据交易机构.
    Exchange,
}

const KINDS: &[(&str, OrganisationKind)] = &[
    ("authority", OrganisationKind::Authority),
    ("registrar", OrganisationKind::Registrar),
    ("provider", OrganisationKind::Provider),
    ("operator", OrganisationKind::Operator),
    ("unit", OrganisationKind::Unit),
    ("exchange", OrganisationKind::Exchange),
];

/// A legal entity (Yantai 4, 23; Qingdao 12).
#[derive(Clone, Debug)]
pub struct Organisation {
    /// What it is in the field.
    pub kind: OrganisationKind,
    /// Its 统一社会信用代码.
    pub uscc: Uscc,
    /// Its registered name.
    pub name: String,
    /// The organisation that controls it (实际控制方), where it is one that takes part here.
    pub controller: Option<Id>,
}

impl Object for Organisation {
    const KIND: &'static str = "Organisation";

    fn read(_: &Id, spec: &Place<'_>, _: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["kind", "uscc", "name", "controller"]])?;
        let kind = spec.required("kind").and_then(|place| place.word(KINDS));
        let uscc = spec.required("uscc").and_then(|place| place.parsed());
        let name = spec.required("name").and_then(|place| place.text());
        let controller = spec.optional("controller").map(|place| place.id());
        let controller = controller.map_or(Some(None), |id| id.map(Some));
        Some(Self { kind: kind?, uscc: uscc?, name: name?.to_owned(), controller: controller? })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.organisations
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.organisations
    }
}

impl Marked for Organisation {
    fn marks<'w>(&'w self, _: &'w Id, take: &mut dyn FnMut(Mark<'w>)) {
        take(Mark::unique("uscc", [self.uscc.as_str(), "", "", ""], "spec.uscc"));
    }
}

/// Longest chain of who controls whom.
const CONTROLLERS_MAX: usize = 8;

/// What calls products: one use by one organisation, with a named data-security officer (数据安全责任人, Yantai 23).
#[derive(Clone, Debug)]
pub struct ApplicationUnit {
    /// The organisation that answers for it.
    pub organisation: Id,
    /// Name of the data-security officer.
    pub security_officer: String,
    /// What it may spend before it pays: prepaid balance or credit. `None` refuses every paid call.
    pub credit_limit: Option<MicroYuan>,
}

/// An operator does not re-develop what it delivers, directly or through whom it controls, whatever that party is else
/// (不得直接或间接参与已交付的公共数据产品和服务再开发; Gansu-O 31, Heilongjiang 20(一)).
fn no_operator(place: &Place<'_>, id: &Id, found: &Organisation, scope: &Scope<'_>) -> Option<()> {
    let mut above = (id.clone(), found);
    for step in 0..CONTROLLERS_MAX {
        if above.1.kind == OrganisationKind::Operator {
            return match step {
                0 => place.fail("an operator may not be an application unit"),
                _ => place.fail(format!("is controlled by the operator `{}`", above.0)),
            };
        }
        let Some(controller) = &above.1.controller else { return Some(()) };
        above = (controller.clone(), scope.named::<Organisation>(place, controller)?);
    }
    place.fail(format!("is controlled over more than {CONTROLLERS_MAX} steps, or by itself"))
}

impl Object for ApplicationUnit {
    const KIND: &'static str = "ApplicationUnit";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["organisation", "securityOfficer", "creditLimit"]])?;
        let organisation = spec.required("organisation").and_then(|place| {
            let (id, found) = scope.find::<Organisation>(&place)?;
            no_operator(&place, id, found, scope).map(|()| id.clone())
        });
        let officer = spec.required("securityOfficer").and_then(|place| place.text());
        let credit_limit = spec.optional("creditLimit").and_then(|place| yuan(&place));
        Some(Self { organisation: organisation?, security_officer: officer?.to_owned(), credit_limit })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.units
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_check_character_is_named() {
        assert_eq!(
            "91350100M000100Y43".parse::<Uscc>().map(|uscc| uscc.to_string()).as_deref(),
            Ok("91350100M000100Y43")
        );
        let error = "91350100M000100Y44".parse::<Uscc>().expect_err("a wrong check character").to_string();
        assert!(
            error.ends_with("the check character (last position) does not match, it would be `3`"),
            "{error}"
        );
        let error = "9135".parse::<Uscc>().expect_err("too short").to_string();
        assert_eq!(error, "not a 统一社会信用代码: wrong length");
    }
}

//! The table of [`crate::access`] applied: whether a caller may, and what they see.

use serde_json::Value;
use shuzha_core::{Code, Id, Role};
use shuzha_products::case::{Actor, CaseKind, Verb};
use shuzha_store::register::Reach;

use crate::access::{CASES, OPEN, READ, Row, SEE_ALL, SEE_PERSONS, SUSPENDED, Whose, judges, needed};
use crate::force::json;
use crate::{Caller, Control, Error, Kind};

/// An object as the table looks at it.
#[derive(Clone, Copy)]
pub(crate) struct Of<'a> {
    pub(crate) kind: &'a str,
    pub(crate) name: &'a Id,
    pub(crate) owner: Option<&'a Id>,
    pub(crate) spec: &'a Value,
}

impl Caller {
    /// Whether the caller sees which person of `organisation` acted.
    pub(crate) fn sees_persons_of(&self, organisation: &Id) -> bool {
        self.organisation == *organisation || self.roles.iter().any(|role| SEE_PERSONS.contains(role))
    }
}

impl Control {
    /// What the caller sees of a kind beyond what concerns their organisation: what they may write or decide on, and what
    /// the table lets them read.
    ///
    /// # Errors
    /// Of the register.
    pub(crate) fn reach(&self, caller: &Caller, kind: Kind) -> Result<Reach, Error> {
        let name = kind.name();
        let mut rows: Vec<Row> = match kind {
            Kind::Declared(_, access) => access.declare.iter().chain(access.revoke).copied().collect(),
            Kind::Case(case) => {
                let rows = CASES.iter().filter(|(of, ..)| *of == name);
                let suspends = SUSPENDED.iter().filter(|_| name == "Suspension");
                let suspends = suspends.filter(|(.., whose)| *whose == Whose::Everybodys);
                let judged = caller.roles.iter().filter(|role| judges(case, **role));
                rows.flat_map(|(.., rows)| rows.iter().copied())
                    .chain(suspends.map(|(role, _, whose)| (*role, *whose)))
                    .chain(judged.map(|role| (*role, Whose::Everybodys)))
                    .collect()
            }
        };
        let read = READ.iter().filter(|(_, kinds, _)| kinds.contains(&name));
        rows.extend(read.map(|(role, _, whose)| (*role, *whose)));
        let has = |whose: Whose| rows.iter().any(|row| row.1 == whose && caller.is(row.0));
        let sees_all = caller.roles.iter().any(|role| SEE_ALL.contains(role));
        let settles_all = caller.is(Role::Finance) && self.is_authority(&caller.organisation)?;
        Ok(Reach {
            all: kind.public() || sees_all || settles_all || has(Whose::Everybodys),
            serves: has(Whose::Served),
            suspended: true,
        })
    }

    /// Whether an organisation is declared as one of the authority.
    fn is_authority(&self, organisation: &Id) -> Result<bool, Error> {
        let Some(object) = self.register.get("Organisation", organisation.as_str())? else {
            return Ok(false);
        };
        Ok(json(&object, &object.spec)?["kind"] == "authority")
    }

    /// The caller in the role of the first row that lets them act on the object.
    ///
    /// # Errors
    /// C1104, C1106 where none does; of the register.
    pub(crate) fn permitted(&self, caller: &Caller, rows: &[Row], of: Of<'_>) -> Result<Actor, Error> {
        let refused = caller.acting(&rows.iter().map(|(role, _)| *role).collect::<Vec<_>>());
        for (role, whose) in rows.iter().filter(|(role, _)| caller.is(*role)) {
            if self.stands(*whose, &caller.organisation, of)? {
                return caller.acting(&[*role]);
            }
        }
        refused.and(Err(Code::C1104.into()))
    }

    /// The caller as one who may do `verb` to a case, by role and relation.
    ///
    /// # Errors
    /// As [`Control::permitted`].
    pub(crate) fn permitted_case(&self, caller: &Caller, verb: &Verb, of: Of<'_>) -> Result<Actor, Error> {
        let needs = |role: Role| needed(of.kind, verb.name, role).into_iter().map(move |whose| (role, whose));
        self.permitted(caller, &verb.roles.iter().copied().flat_map(needs).collect::<Vec<_>>(), of)
    }

    /// The caller as one who may open a case with this spec.
    ///
    /// # Errors
    /// C1313 where what the case is about is another organisation's; C1406 for a suspension beyond its reach; C1104, C1106.
    pub(crate) fn permitted_open(
        &self,
        caller: &Caller,
        case: &CaseKind,
        of: Of<'_>,
    ) -> Result<Actor, Error> {
        let actor = caller.acting(case.opened_by)?;
        if case.kind == "Suspension" {
            return self.may_suspend(caller, case, of.spec);
        }
        let needs = |role: Role| needed(case.kind, OPEN, role).into_iter().map(move |whose| (role, whose));
        let rows: Vec<Row> = case.opened_by.iter().copied().flat_map(needs).collect();
        match self.permitted(caller, &rows, of) {
            Err(error) if error.code() == Code::C1104 => {
                let other = rows.iter().find(|(role, _)| *role == actor.role).map(|(_, whose)| *whose);
                let path = if matches!(other, Some(Whose::Product | Whose::Data)) {
                    "spec.product"
                } else {
                    "spec.unit"
                };
                Err(Error::fault(Code::C1313, path, "is not one that your organisation serves or operates"))
            }
            done => done,
        }
    }

    /// The caller as one whose stop reaches the target.
    fn may_suspend(&self, caller: &Caller, case: &CaseKind, spec: &Value) -> Result<Actor, Error> {
        let word = |field: &str| spec["target"][field].as_str().unwrap_or_default();
        let (kind, name) = (word("kind"), word("name"));
        let object = self.register.get(kind, name)?;
        for (role, targets, whose) in SUSPENDED.iter().filter(|(role, ..)| caller.is(*role)) {
            let reaches = match (&object, whose) {
                _ if !targets.contains(&kind) => false,
                (_, Whose::Everybodys) => true,
                (Some(object), whose) => {
                    let spec = json(object, &object.spec)?;
                    let of = Of { kind, name: &object.name, owner: object.owner.as_ref(), spec: &spec };
                    self.stands(*whose, &caller.organisation, of)?
                }
                (None, _) => false,
            };
            if reaches {
                return caller.acting(&[*role]);
            }
        }
        caller.acting(case.opened_by)?;
        // What is no target at all is a fault of the spec, and told as one.
        let known = SUSPENDED.iter().any(|(_, targets, _)| targets.contains(&kind));
        if known {
            return Err(Error::fault(
                Code::C1406,
                "spec.target",
                "an operator stops products of its own and units that it serves; operators, their agreements and everything are the authority's to stop",
            ));
        }
        caller.acting(case.opened_by)
    }

    /// Whether `organisation` stands so to the object.
    fn stands(&self, whose: Whose, organisation: &Id, of: Of<'_>) -> Result<bool, Error> {
        let field = |name: &str| of.spec.get(name).and_then(Value::as_str);
        let product = || field("product").or_else(|| of.spec.pointer("/basic/product")?.as_str());
        Ok(match whose {
            Whose::Everybodys => true,
            Whose::Own => of.owner == Some(organisation),
            Whose::Unit => {
                of.owner == Some(organisation) || self.owns("ApplicationUnit", field("unit"), organisation)?
            }
            Whose::Served if of.kind == "ApplicationUnit" => {
                // Whoever declares a unit serves it from then on; nobody is its own operator.
                let new = self.register.get(of.kind, of.name.as_str())?.is_none();
                of.owner != Some(organisation)
                    && (new || self.register.serves(organisation, of.kind, of.name.as_str())?)
            }
            Whose::Served => {
                let unit = field("unit").unwrap_or_default();
                self.register.serves(organisation, "ApplicationUnit", unit)?
            }
            Whose::Product => match product() {
                Some(product) => self.owns("Product", Some(product), organisation)?,
                None => of.kind == "Registration",
            },
            Whose::Data => match product() {
                Some(product) => self.register.concerns(organisation, "Product", product)?,
                None => true,
            },
            Whose::Party => {
                let parties = of.spec.get("parties").and_then(Value::as_array);
                let named =
                    parties.is_some_and(|list| list.iter().any(|party| party == organisation.as_str()));
                named || field("operator") == Some(organisation.as_str())
            }
            Whose::Concerned => self.register.concerns(organisation, of.kind, of.name.as_str())?,
        })
    }

    fn owns(&self, kind: &str, name: Option<&str>, organisation: &Id) -> Result<bool, Error> {
        let Some(name) = name else { return Ok(false) };
        let object = self.register.get(kind, name)?;
        Ok(object.is_some_and(|object| object.owner.as_ref() == Some(organisation)))
    }
}

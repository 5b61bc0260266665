//! Who may do what to whose: the one table of the control plane, by role and by how the person's organisation stands to the
//! object ([`Whose`]). Writing, verbs and visibility follow from it: whoever may write something sees it, and nobody is told
//! of what they neither may write nor are concerned by (C1003).

use serde_json::Value;
use shuzha_core::{Code, Id, Role};
use shuzha_products::case::{CaseKind, Duty, Verb};

/// How an organisation stands to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// It need not stand to it in any way.
    Everybodys,
    /// It owns the object.
    Own,
    /// It owns the case, or the application unit that the case is about.
    Unit,
    /// It serves the application unit that the object is or belongs to, as an operator: the unit is named with it in an
    /// agreement in force, holds an active grant of one of its products, or was declared by it and is under nobody's agreement.
    Served,
    /// It operates the product that the case is about, where it is about one.
    Product,
    /// Its data are in the product that the case is about, where it is about one.
    Data,
    /// It is a party of the agreement.
    Party,
    /// The object is its own, or leads to something of its own.
    Concerned,
}

/// A line of the table: a role, and to whose objects it applies.
pub type Row = (Role, Whose);

/// How an object of a declared kind comes to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// It is the organisation itself.
    Itself,
    /// The organisation that a field of the spec names.
    Field(&'static str),
    /// The owner of the object of this kind that a field of the spec names.
    Of(&'static str, &'static str),
    /// The organisation of whoever wrote it first.
    Writer,
}

/// Who may do what with a declared kind.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    pub(crate) kind: &'static str,
    /// Who declares, changes and removes.
    pub declare: &'static [Row],
    /// Who takes it out of force for good without changing it otherwise.
    pub revoke: &'static [Row],
    /// Whether every signed-on person sees them.
    pub public: bool,
    /// Whose an object is.
    pub(crate) owner: Owner,
    /// Fields of the spec that only these roles set and change.
    pub(crate) guarded: &'static [(&'static str, &'static [Role])],
    /// Fields of an object that is there which only these roles change.
    pub(crate) settled: &'static [(&'static str, &'static [Role])],
    /// Fields of the spec that stay true once they are, with the code by which a change of them is refused.
    pub(crate) lasting: &'static [(&'static str, Code)],
}

use Role::{
    ApplicationUnit, Auditor, Authority, Expert, Finance, Operator, Pricing, Provider, Registrar, Sre,
};
use Whose::{Concerned, Data, Everybodys, Own, Party, Product, Served, Unit};

/// Declared kinds. A kind without a row is written by nobody: the jurisdiction's rules are configuration.
#[rustfmt::skip]
const DECLARED: &[Access] = &[
    access("Organisation",     &[(Authority, Everybodys)], true, Owner::Itself),
    access("ApplicationUnit",  &[(Operator, Served), (ApplicationUnit, Own), (Authority, Everybodys)], false, Owner::Field("organisation"))
        .guarding(&[("creditLimit", &[Authority, Operator])]).settling(&[("organisation", &[Authority])]),
    access("Credential",       &[(ApplicationUnit, Own), (Operator, Served), (Sre, Everybodys)], false, Owner::Of("ApplicationUnit", "unit"))
        .revoking(&[(ApplicationUnit, Own), (Operator, Served), (Sre, Everybodys), (Authority, Everybodys)])
        .keeping(&[("sandbox", Code::C1014), ("revoked", Code::C1020)]),
    access("ConsentIssuer",    &[(Authority, Everybodys)], true, Owner::Writer),
    access("PersonSpace",      &[(Authority, Everybodys)], true, Owner::Writer),
    access("DataSet",          &[(Authority, Everybodys), (Provider, Own)], true, Owner::Field("provider")),
    access("Upstream",         &[(Operator, Own)], false, Owner::Writer),
    access("Product",          &[(Operator, Own)], true, Owner::Field("operator")),
    access("Listing",          &[(Authority, Everybodys), (Operator, Own)], true, Owner::Of("Product", "product")),
    access("PriceAct",         &[(Authority, Everybodys), (Pricing, Everybodys), (Operator, Own)], true, Owner::Field("issuer")),
    access("Ceiling",          &[(Pricing, Everybodys)], true, Owner::Writer),
    access("Price",            &[(Operator, Own)], true, Owner::Of("Product", "product")),
    access("PermittedRevenue", &[(Pricing, Everybodys)], true, Owner::Writer),
    access("TaxRate",          &[(Finance, Own)], true, Owner::Writer),
];

/// The verb under which the opening of a case stands in [`CASES`].
pub(crate) const OPEN: &str = "open";

/// Kinds of cases: kind, verbs, and who. What is not here stands in [`usual`]; which roles a verb has at all, and that only
/// the applicant's organisation applies, is the kind's own to say.
#[rustfmt::skip]
pub(crate) const CASES: &[(&str, &[&str], &[Row])] = &[
    ("Registration",  &[OPEN],                        &[(Operator, Product), (Provider, Data)]),
    ("Scenario",      &[OPEN],                        &[(Operator, Served), (ApplicationUnit, Unit)]),
    ("Agreement",     &[OPEN, "hand-over", "destroy"], &[(Operator, Party), (ApplicationUnit, Unit)]),
    ("OperatingAgreement", &["hand-over", "destroy"], &[(Operator, Party)]),
    ("Grant",         &[OPEN],                        &[(ApplicationUnit, Unit)]),
    ("Grant",         &[OPEN, "issue", "reject", "revoke"], &[(Operator, Product)]),
    ("ExitReview",    &[OPEN, "opine"],               &[(Operator, Product)]),
    ("EmergencyPlan", &[OPEN, "drill"],               &[(Operator, Served), (ApplicationUnit, Unit)]),
    ("SocialImport",  &[OPEN, "import", "remove"],    &[(Operator, Served)]),
    ("SocialImport",  &[OPEN],                        &[(ApplicationUnit, Unit)]),
    ("PrivacyRefund", &[OPEN],                        &[(Operator, Served), (ApplicationUnit, Unit)]),
    ("Ticket",        &["object", "close"],           &[(Operator, Own), (ApplicationUnit, Own)]),
    ("Suspension",    &["report", "rectified"],       &[(Operator, Concerned), (ApplicationUnit, Concerned), (Sre, Everybodys)]),
];

/// What may be suspended by whom. Others than these roles suspend nothing; everything at once is the authority's to stop,
/// and its second person's to confirm.
pub(crate) const SUSPENDED: &[(Role, &[&str], Whose)] = &[
    (
        Authority,
        &[
            "Product",
            "ApplicationUnit",
            "Scenario",
            "DataSet",
            "Organisation",
            "OperatingAgreement",
            "Everything",
        ],
        Everybodys,
    ),
    (Sre, &["Product", "ApplicationUnit", "Scenario", "DataSet"], Everybodys),
    (Operator, &["Product"], Own),
    (Operator, &["ApplicationUnit", "Scenario"], Served),
];

/// Roles that see every object: they supervise, decide on or audit the whole.
pub(crate) const SEE_ALL: [Role; 3] = [Authority, Registrar, Auditor];

/// What a role sees of a kind beyond what it may write, what it decides on and what concerns its organisation: what whoever
/// settles accounts with a unit has to know of it. Finance of an organisation of the authority sees all that its authority sees.
pub(crate) const READ: &[(Role, &[&str], Whose)] =
    &[(Finance, &["ApplicationUnit", "Agreement", "Grant", "PrivacyRefund"], Served)];

/// Roles that see which person of another organisation acted.
pub(crate) const SEE_PERSONS: [Role; 3] = [Authority, Registrar, Auditor];

const fn access(kind: &'static str, declare: &'static [Row], public: bool, owner: Owner) -> Access {
    Access { kind, declare, revoke: &[], public, owner, guarded: &[], settled: &[], lasting: &[] }
}

impl Access {
    const fn revoking(self, revoke: &'static [Row]) -> Self {
        Self { revoke, ..self }
    }

    const fn guarding(self, guarded: &'static [(&'static str, &'static [Role])]) -> Self {
        Self { guarded, ..self }
    }

    const fn settling(self, settled: &'static [(&'static str, &'static [Role])]) -> Self {
        Self { settled, ..self }
    }

    const fn keeping(self, lasting: &'static [(&'static str, Code)]) -> Self {
        Self { lasting, ..self }
    }

    /// The row of a declared kind.
    pub(crate) fn of(kind: &str) -> Option<&'static Self> {
        DECLARED.iter().find(|access| access.kind == kind)
    }

    /// The roles that may write any object of the kind in any way.
    pub(crate) fn roles(&self) -> Vec<Role> {
        self.declare.iter().chain(self.revoke).map(|(role, _)| *role).collect()
    }

    /// The organisation that a spec names as owner; none where it cannot be told.
    pub(crate) fn owner_of(
        &self,
        name: &Id,
        spec: &Value,
        writer: &Id,
        owner_of: impl FnOnce(&str, &str) -> Option<Id>,
    ) -> Option<Id> {
        let field = |field: &str| spec.get(field).and_then(Value::as_str);
        match self.owner {
            Owner::Itself => Some(name.clone()),
            Owner::Field(name) => field(name).and_then(|text| Id::new(text).ok()),
            Owner::Of(kind, name) => field(name).and_then(|name| owner_of(kind, name)),
            Owner::Writer => Some(writer.clone()),
        }
    }
}

/// How a role stands to the cases that [`CASES`] does not speak of.
const fn usual(role: Role) -> Whose {
    match role {
        Authority | Registrar | Auditor | Expert => Everybodys,
        ApplicationUnit => Unit,
        _ => Concerned,
    }
}

/// Whether `role` opines or decides on every case of the kind, and so sees every one.
pub(crate) fn judges(case: &CaseKind, role: Role) -> bool {
    let usually = usual(role) == Everybodys;
    // An objection or a correction is anybody's, and no judgement.
    let judged = |verb: &&Verb| verb.duty != Duty::Keep && verb.roles.contains(&role);
    let all = |verb: &Verb| needed(case.kind, verb.name, role).contains(&Everybodys);
    usually && case.verbs.iter().filter(judged).any(all)
}

/// How `role` must stand to a case to do `verb`; more than one way where there are more rows. An objection and a request for
/// a correction are open to whoever may know of the registration (Gansu-R 31).
pub(crate) fn needed(kind: &str, verb: &str, role: Role) -> Vec<Whose> {
    if kind == "Registration" && matches!(verb, "object" | "correct") {
        return vec![Everybodys];
    }
    let rows = CASES.iter().filter(|(of, verbs, _)| *of == kind && verbs.contains(&verb));
    let found: Vec<_> = rows
        .flat_map(|(.., rows)| rows.iter().filter(|(of, _)| *of == role).map(|(_, whose)| *whose))
        .collect();
    match verb {
        _ if !found.is_empty() => found,
        // Whose application it is, the case itself asks.
        OPEN => vec![Everybodys],
        _ => vec![usual(role)],
    }
}

#[cfg(test)]
mod tests {
    use shuzha_products::world;

    use super::*;

    /// A declared kind that nobody may write would be a kind without a use. The jurisdiction is configuration.
    #[test]
    fn a3_every_declared_kind_has_its_row_and_no_case_has_one() {
        for kind in world::KINDS {
            let rows = DECLARED.iter().filter(|access| access.kind == kind.name).count();
            let declared = kind.declared && kind.name != "Jurisdiction";
            assert_eq!(rows, usize::from(declared), "{}", kind.name);
        }
        assert!(DECLARED.iter().all(|access| !access.declare.is_empty()));
    }

    #[test]
    fn every_row_of_a_case_names_verbs_that_there_are() {
        for (kind, verbs, rows) in CASES {
            let case = CaseKind::find(kind).expect("a kind of case");
            for verb in *verbs {
                let roles = if *verb == OPEN {
                    case.opened_by
                } else {
                    case.verb(verb).unwrap_or_else(|| panic!("{kind} {verb}")).roles
                };
                for (role, _) in *rows {
                    assert!(roles.contains(role) || verbs.len() > 1, "{kind} {verb} {role}");
                }
            }
        }
    }
}

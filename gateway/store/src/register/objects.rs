//! Objects: declared ones and cases.

use rusqlite::{Connection, Row, params};
use shuzha_core::{Id, Timestamp};

use super::{Register, at, first, id, id_or_none, number, rows};
use crate::StoreError;

/// One object of the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its kind, `DataSet`.
    pub kind: String,
    /// Its name.
    pub name: Id,
    /// The revision that wrote it last.
    pub version: u64,
    /// The organisation that it belongs to.
    pub owner: Option<Id>,
    /// Its spec, JSON.
    pub spec: String,
    /// For cases: where it stands.
    pub state: Option<CaseState>,
    /// When it was first written.
    pub created: Timestamp,
    /// When it was last written.
    pub updated: Timestamp,
}

/// Where a case stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseState {
    /// The state's name.
    pub name: String,
    /// The state, JSON.
    pub json: String,
    /// Whether the spec may be replaced in it.
    pub editable: bool,
}

/// Kind and name of an object.
pub type Reference = (String, Id);

/// Which objects of a kind to list, by name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// The kind.
    pub kind: &'a str,
    /// Only names after this one.
    pub after: Option<&'a Id>,
    /// Only of this owner.
    pub owner: Option<&'a Id>,
    /// Only in this state.
    pub state: Option<&'a str>,
    /// Only in one of these states; in any where none is given.
    pub states: &'a [&'a str],
    /// Only with this text in name or spec.
    pub text: Option<&'a str>,
    /// Only what this organisation owns, or what refers, over any number of steps, to something that it owns.
    pub concerning: Option<&'a Id>,
    /// What that organisation sees beyond its concerns.
    pub reach: Reach,
    /// Only with a deadline that has passed.
    pub overdue: bool,
    /// At most so many.
    pub limit: usize,
}

/// What an organisation sees beyond what it owns and what leads to that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The kind's every object.
    pub all: bool,
    /// Application units that it serves as an operator, and what belongs to them: units that are named with it in an
    /// agreement in force, that hold an active grant of a product of its own, or that it declared and that nobody has an
    /// agreement in force with.
    pub serves: bool,
    /// Suspensions of anything that an active grant of its own units stands on, and of everything.
    pub suspended: bool,
}

const COLUMNS: &str = "o.kind, o.name, o.version, o.owner, o.spec, o.state_name, o.state, o.editable, o.created_micros, o.updated_micros";

/// Whether the object of row `o` leads to one that organisation `?` owns.
const LEADS_TO_OWNED: &str = "EXISTS (
    WITH RECURSIVE leads (kind, name) AS (
        SELECT to_kind, to_name FROM refers WHERE kind = o.kind AND name = o.name
        UNION
        SELECT r.to_kind, r.to_name FROM leads JOIN refers r ON r.kind = leads.kind AND r.name = leads.name
    )
    SELECT 1 FROM leads JOIN objects x ON x.kind = leads.kind AND x.name = leads.name WHERE x.owner = ?1)";

/// Whether organisation `?1` serves the unit that row `o` is or belongs to ([`Reach::serves`]). Who is a party, and whose a
/// grant is, is read from the case itself: what it refers to holds more than it names.
const SERVED: &str = "EXISTS (
    WITH u (unit) AS (SELECT CASE o.kind WHEN 'ApplicationUnit' THEN o.name ELSE json_extract(o.spec, '$.unit') END)
    SELECT 1 FROM u WHERE EXISTS (
        SELECT 1 FROM refers r JOIN objects g ON g.kind = r.kind AND g.name = r.name
        WHERE r.to_kind = 'ApplicationUnit' AND r.to_name = u.unit AND json_extract(g.spec, '$.unit') = u.unit
        AND ((g.kind = 'Agreement' AND g.state_name IN ('in-force', 'suspended')
                AND EXISTS (SELECT 1 FROM json_each(g.spec, '$.parties') p WHERE p.value = ?1))
            OR (g.kind = 'Grant' AND g.state_name = 'active'
                AND EXISTS (SELECT 1 FROM objects p WHERE p.kind = 'Product'
                    AND p.name = json_extract(g.spec, '$.product') AND p.owner = ?1))))
    OR (EXISTS (
            SELECT 1 FROM acts a JOIN objects n ON n.kind = 'ApplicationUnit' AND n.name = a.name
            WHERE a.kind = 'ApplicationUnit' AND a.name = u.unit AND a.verb = 'put' AND a.role = 'operator'
            AND a.organisation = ?1 AND a.at_micros = n.created_micros)
        AND NOT EXISTS (
            SELECT 1 FROM refers r JOIN objects g ON g.kind = r.kind AND g.name = r.name
            WHERE r.to_kind = 'ApplicationUnit' AND r.to_name = u.unit AND g.kind = 'Agreement'
            AND g.state_name IN ('in-force', 'suspended') AND json_extract(g.spec, '$.unit') = u.unit)))";

/// Whether the suspension of row `o` reaches a unit of organisation `?1` ([`Reach::suspended`]).
const SUSPENDED: &str =
    "(o.kind = 'Suspension' AND (json_extract(o.spec, '$.target.kind') = 'Everything' OR EXISTS (
    WITH RECURSIVE stands (kind, name) AS (
        SELECT g.kind, g.name FROM objects x JOIN refers r ON r.to_kind = x.kind AND r.to_name = x.name
        JOIN objects g ON g.kind = r.kind AND g.name = r.name
        WHERE x.owner = ?1 AND x.kind = 'ApplicationUnit' AND g.kind = 'Grant' AND g.state_name = 'active'
        AND json_extract(g.spec, '$.unit') = x.name
        UNION
        SELECT r.to_kind, r.to_name FROM stands JOIN refers r ON r.kind = stands.kind AND r.name = stands.name
    )
    SELECT 1 FROM stands WHERE (kind = json_extract(o.spec, '$.target.kind')
        AND name = json_extract(o.spec, '$.target.name'))
    OR (kind = 'Organisation' AND json_extract(o.spec, '$.target.kind') = 'OperatingAgreement' AND name = (
        SELECT json_extract(a.spec, '$.operator') FROM objects a
        WHERE a.kind = 'OperatingAgreement' AND a.name = json_extract(o.spec, '$.target.name'))))))";

fn object(row: &Row<'_>) -> Result<Object, StoreError> {
    let state: (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
    let editable = row.get(7)?;
    Ok(Object {
        kind: row.get(0)?,
        name: id(row, 1, "objects")?,
        version: number(row.get(2)?, "objects")?,
        owner: id_or_none(row, 3, "objects")?,
        spec: row.get(4)?,
        state: state.0.zip(state.1).map(|(name, json)| CaseState { name, json, editable }),
        created: at(row, 8)?,
        updated: at(row, 9)?,
    })
}

pub(super) fn get(connection: &Connection, kind: &str, name: &str) -> Result<Option<Object>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM objects o WHERE o.kind = ?1 AND o.name = ?2");
    first(connection, &sql, [kind, name], object)
}

pub(super) fn reference(row: &Row<'_>) -> Result<Reference, StoreError> {
    Ok((row.get(0)?, id(row, 1, "refers")?))
}

impl Register {
    /// The object of this kind and name.
    ///
    /// # Errors
    /// Of the database.
    pub fn get(&self, kind: &str, name: &str) -> Result<Option<Object>, StoreError> {
        get(&self.lock(), kind, name)
    }

    /// Whether `organisation` owns the object, or the object leads to one that it owns.
    ///
    /// # Errors
    /// Of the database.
    pub fn concerns(&self, organisation: &Id, kind: &str, name: &str) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT o.owner IS ?1 OR {LEADS_TO_OWNED} FROM objects o WHERE o.kind = ?2 AND o.name = ?3"
        );
        let found =
            first(&self.lock(), &sql, [organisation.as_str(), kind, name], |row| Ok(row.get::<_, bool>(0)?))?;
        Ok(found.unwrap_or(false))
    }

    /// Whether the object concerns `organisation` or lies in its `reach`: the same as [`Filter::concerning`] lists.
    ///
    /// # Errors
    /// Of the database.
    pub fn reaches(
        &self,
        organisation: &Id,
        kind: &str,
        name: &str,
        reach: Reach,
    ) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT ?4 OR o.owner IS ?1 OR {LEADS_TO_OWNED} OR (?5 AND {SERVED}) OR (?6 AND {SUSPENDED})
             FROM objects o WHERE o.kind = ?2 AND o.name = ?3"
        );
        let parameters = params![organisation.as_str(), kind, name, reach.all, reach.serves, reach.suspended];
        let found = first(&self.lock(), &sql, parameters, |row| Ok(row.get::<_, bool>(0)?))?;
        Ok(found.unwrap_or(false))
    }

    /// Whether `organisation` serves the application unit that the object is or belongs to ([`Reach::serves`]).
    ///
    /// # Errors
    /// Of the database.
    pub fn serves(&self, organisation: &Id, kind: &str, name: &str) -> Result<bool, StoreError> {
        let sql = format!("SELECT {SERVED} FROM objects o WHERE o.kind = ?2 AND o.name = ?3");
        let found =
            first(&self.lock(), &sql, [organisation.as_str(), kind, name], |row| Ok(row.get::<_, bool>(0)?))?;
        Ok(found.unwrap_or(false))
    }

    /// Objects of a kind in order of name.
    ///
    /// # Errors
    /// Of the database.
    pub fn list(&self, filter: &Filter<'_>) -> Result<Vec<Object>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM objects o WHERE o.kind = ?2
             AND (?3 IS NULL OR o.name > ?3)
             AND (?4 IS NULL OR o.owner = ?4)
             AND (?5 IS NULL OR o.state_name = ?5)
             AND (?6 IS NULL OR instr(o.name, ?6) > 0 OR instr(o.spec, ?6) > 0)
             AND (?7 = 0 OR EXISTS (SELECT 1 FROM deadlines d WHERE d.kind = o.kind AND d.name = o.name AND d.passed = 1))
             AND (?9 IS NULL OR o.state_name IN (SELECT value FROM json_each(?9)))
             AND (?1 IS NULL OR ?10 OR o.owner IS ?1 OR {LEADS_TO_OWNED} OR (?11 AND {SERVED}) OR (?12 AND {SUSPENDED}))
             ORDER BY o.name LIMIT ?8"
        );
        let limit = i64::try_from(filter.limit).map_err(|_| StoreError::Range("objects"))?;
        let text = |name: Option<&Id>| name.map(|name| name.as_str().to_owned());
        // Names of states are words of ours: nothing in them needs quoting.
        let states = (!filter.states.is_empty()).then(|| format!("[\"{}\"]", filter.states.join("\",\"")));
        let parameters = params![
            text(filter.concerning),
            filter.kind,
            text(filter.after),
            text(filter.owner),
            filter.state,
            filter.text,
            filter.overdue,
            limit,
            states,
            filter.reach.all,
            filter.reach.serves,
            filter.reach.suspended
        ];
        rows(&self.lock(), &sql, parameters, object)
    }

    /// Which case puts the object in force, if one does.
    ///
    /// # Errors
    /// Of the database.
    pub fn holder(&self, kind: &str, name: &str) -> Result<Option<Object>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM in_force f JOIN objects o ON o.kind = f.case_kind AND o.name = f.case_name
             WHERE f.kind = ?1 AND f.name = ?2"
        );
        first(&self.lock(), &sql, [kind, name], object)
    }

    /// What refers to the object, at most `limit`.
    ///
    /// # Errors
    /// Of the database.
    pub fn referrers(&self, kind: &str, name: &str, limit: usize) -> Result<Vec<Reference>, StoreError> {
        let limit = i64::try_from(limit).map_err(|_| StoreError::Range("refers"))?;
        let sql = "SELECT kind, name FROM refers WHERE to_kind = ?1 AND to_name = ?2 LIMIT ?3";
        rows(&self.lock(), sql, params![kind, name, limit], reference)
    }

    /// What of kind `kind` refers to the object.
    ///
    /// # Errors
    /// Of the database.
    pub fn referrers_of(&self, kind: &str, to_kind: &str, to_name: &str) -> Result<Vec<Id>, StoreError> {
        let sql = "SELECT name FROM refers WHERE to_kind = ?1 AND to_name = ?2 AND kind = ?3";
        rows(&self.lock(), sql, [to_kind, to_name, kind], |row| id(row, 0, "refers"))
    }

    /// Calls `take` with every object, by kind and name, a page at a time, so that other calls get their turn.
    ///
    /// # Errors
    /// Of the database, or what `take` answers.
    pub fn each<E: From<StoreError>>(&self, mut take: impl FnMut(Object) -> Result<(), E>) -> Result<(), E> {
        const PAGE: i64 = 1_000;
        let sql = format!(
            "SELECT {COLUMNS} FROM objects o WHERE (o.kind, o.name) > (?1, ?2) ORDER BY o.kind, o.name LIMIT {PAGE}"
        );
        let mut after = (String::new(), String::new());
        loop {
            let page = rows(&self.lock(), &sql, (&after.0, &after.1), object)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = (last.kind.clone(), last.name.to_string());
            for object in page {
                take(object)?;
            }
        }
    }

    /// Every version of every object of a kind that is kept, the present one too, by name and then in the order in which they
    /// were written. [`Object::updated`] is when each was; one that was removed ends with its last.
    ///
    /// # Errors
    /// Of the database.
    pub fn versions(&self, kind: &str) -> Result<Vec<Object>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM objects o WHERE o.kind = ?1
             UNION ALL
             SELECT o.kind, o.name, o.version, o.owner, o.spec, o.state_name, o.state, o.editable, o.written_micros, o.written_micros
             FROM versions o WHERE o.kind = ?1
             ORDER BY 2, 3"
        );
        rows(&self.lock(), &sql, [kind], object)
    }

    /// What has ever been said of one object since promises are kept, in order, the present version last; an object that was
    /// removed ends with its last. Of the time before, only what stood at its end.
    ///
    /// # Errors
    /// Of the database.
    pub fn history(&self, kind: &str, name: &str) -> Result<Vec<Object>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM (
                SELECT * FROM objects WHERE kind = ?1 AND name = ?2
                UNION ALL
                SELECT kind, name, version, owner, spec, state_name, state, editable, written_micros, written_micros
                FROM versions WHERE kind = ?1 AND name = ?2
             ) o WHERE o.version >= coalesce((
                SELECT max(version) FROM (
                    SELECT version FROM objects WHERE kind = ?1 AND name = ?2
                    UNION ALL
                    SELECT version FROM versions WHERE kind = ?1 AND name = ?2
                ) WHERE version <= (SELECT since FROM promises)
             ), 0) ORDER BY o.version"
        );
        rows(&self.lock(), &sql, params![kind, name], object)
    }

    /// An object as it stood before `at`: its last version of then; the first that is kept, where none of then is.
    ///
    /// # Errors
    /// Of the database.
    pub fn as_at(&self, kind: &str, name: &str, at: Timestamp) -> Result<Option<Object>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM (
                SELECT * FROM objects WHERE kind = ?1 AND name = ?2
                UNION ALL
                SELECT kind, name, version, owner, spec, state_name, state, editable, written_micros, written_micros
                FROM versions WHERE kind = ?1 AND name = ?2
             ) o ORDER BY o.updated_micros < ?3 DESC, CASE WHEN o.updated_micros < ?3 THEN -o.version ELSE o.version END LIMIT 1"
        );
        first(&self.lock(), &sql, params![kind, name, at.micros()], object)
    }
}

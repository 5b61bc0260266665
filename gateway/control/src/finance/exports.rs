//! Exports (导出): a set of rows as a file, sealed before its first byte leaves.
//!
//! The books are read twice, from one snapshot: once to work out the control totals and to find what the format cannot
//! hold, once to write. So a refusal is an answer and not a file that breaks off, and the digest is known beforehand.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::Write;

use shuzha_core::{Code, Id, Lang, Role};
use shuzha_pricing::Month;
use shuzha_pricing::closing::RatedLine;
use shuzha_pricing::export::sets::{
    ContributionRow, FocusPart, FocusRow, LedgerRow, LineRow, PermittedRow, ShareRow, StatementRow,
};
use shuzha_pricing::export::{ExportError, Exporter, Format, Job, Set, Totals};
use shuzha_store::StoreError;
use shuzha_store::ledger::Snapshot;

use super::acts::Noted;
use super::{Finance, READERS, Standing, may_read};
use crate::{Caller, Error};

/// What the control totals say where rows are of no period.
const EVERY_PERIOD: &str = "all";

/// What to export.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Which rows.
    pub set: Set,
    /// Of which period. The ledger may be had whole; permitted revenue is of no period.
    pub period: Option<Month>,
    /// In which format.
    pub format: Format,
    /// The language of the headings.
    pub lang: Lang,
}

impl Wanted {
    /// The period as the control totals and the file's name have it.
    #[must_use]
    pub fn period_text(&self) -> String {
        self.period.map_or_else(|| EVERY_PERIOD.to_owned(), |month| month.to_string())
    }

    /// The file's name: `usage-2026-01.csv`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}.{}", self.set.as_str(), self.period_text(), self.format.as_str())
    }

    fn check(&self) -> Result<(), Error> {
        let reason = match (self.set, self.period) {
            (Set::Permitted, Some(_)) => "is not taken: permitted revenue goes by its own cycles",
            (Set::Permitted | Set::Ledger, None) | (_, Some(_)) => return Ok(()),
            (_, None) => "is missing: a month, as 2026-01",
        };
        Err(Error::fault(Code::C1001, "?period", reason))
    }
}

/// An export, ready to be written as often as one likes: always the same bytes.
pub struct Export {
    wanted: Wanted,
    snapshot: Snapshot,
    /// Where the set is [`Set::Permitted`].
    standings: Vec<Standing>,
    /// Names of operators by product, where the set is [`Set::Focus`].
    operators: BTreeMap<Id, String>,
    totals: Totals,
}

type Written = Result<(), ExportError<StoreError>>;

impl Export {
    /// What it states at its end.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What it is of.
    #[must_use]
    pub const fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Writes the file. Memory does not grow with its rows; an error of `out` ends the reading too.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn write(&self, out: impl Write + Send) -> Result<Totals, ExportError<StoreError>> {
        let Self { wanted, snapshot, standings, operators, .. } = self;
        write(wanted, &Source { snapshot, standings, operators }, wanted.format, out)
    }
}

impl Finance {
    /// Prepares an export: reads the books once, seals every row, and finds out what the format cannot hold.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1001 for a set without its period; C1606 where metering cannot go on; C1650, C1651
    /// for a cell that the format cannot hold, named by row and column; of the books.
    pub fn export(&self, caller: &Caller, wanted: Wanted) -> Result<Export, Error> {
        self.reader(caller)?;
        wanted.check()?;
        let mut standings = Vec::new();
        match wanted.set {
            Set::Usage => drop(self.catch_up()?),
            Set::Permitted => standings = self.standings()?,
            _ => {}
        }
        let snapshot = self.books().snapshot()?;
        let operators = if wanted.set == Set::Focus {
            self.operator_names(&snapshot, wanted.period)?
        } else {
            BTreeMap::new()
        };
        let source = Source { snapshot: &snapshot, standings: &standings, operators: &operators };
        // The text formats are the quickest to write; only GB 18030 has characters that it cannot hold.
        let trial = if wanted.format == Format::CsvGb18030 { Format::CsvGb18030 } else { Format::JsonLines };
        let totals = write(&wanted, &source, trial, std::io::sink()).map_err(refused)?;
        Ok(Export { wanted, snapshot, standings, operators, totals })
    }

    /// Records that an export was taken, with its digest: by that a file can be told from a forged one.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C090 where the act cannot be recorded.
    pub fn exported(&self, caller: &Caller, export: &Export) -> Result<(), Error> {
        may_read(caller, &READERS)?;
        let actor = caller.acting(&[Role::Finance]).or_else(|_| caller.acting(&[Role::Auditor]))?;
        let digest = format!(
            "{} sha256:{}",
            export.wanted.file_name(),
            shuzha_core::hex::encode(&export.totals.digest())
        );
        let name = export.wanted.set.as_str();
        self.record(&actor, Noted { verb: "export", kind: "Export", name, reason: digest })
    }

    /// Who operates each product that a period's lines name, for people.
    fn operator_names(
        &self,
        snapshot: &Snapshot,
        month: Option<Month>,
    ) -> Result<BTreeMap<Id, String>, Error> {
        let mut found = BTreeMap::new();
        let Some(month) = month else { return Ok(found) };
        let at = self.closed_at(month)?;
        snapshot.each_line(month, |_, line| {
            if let Entry::Vacant(new) = found.entry(line.line.product) {
                let operator = self.operator_of(new.key(), at)?;
                let name = operator.map(|operator| self.organisation(&operator, at).map(|one| one.name));
                new.insert(name.transpose()?.unwrap_or_default());
            }
            Ok::<_, Error>(())
        })?;
        Ok(found)
    }
}

/// Where rows come from.
struct Source<'a> {
    snapshot: &'a Snapshot,
    standings: &'a [Standing],
    operators: &'a BTreeMap<Id, String>,
}

fn write(
    wanted: &Wanted,
    from: &Source<'_>,
    format: Format,
    out: impl Write + Send,
) -> Result<Totals, ExportError<StoreError>> {
    let period = wanted.period_text();
    let job = Job { format, lang: wanted.lang, period: &period };
    let mut file = Exporter::new(&job, wanted.set.layout(), out)?;
    match (wanted.set, wanted.period) {
        (Set::Permitted, _) => permitted(from, &mut file)?,
        (Set::Ledger, period) => from.snapshot.each_transaction(period, |posted| {
            let mut rows = LedgerRow::of(posted.number, posted.recorded, posted.transaction);
            rows.try_for_each(|row| put(&mut file, &row))
        })?,
        (Set::Usage, Some(month)) => from.snapshot.each_usage(month, |row| put(&mut file, &row))?,
        (Set::Lines, Some(month)) => from.snapshot.each_line(month, |statement, line| {
            put(&mut file, &LineRow { period: month, statement, line: &line })
        })?,
        (Set::Focus, Some(month)) => from
            .snapshot
            .each_line(month, |statement, line| focus(from, &mut file, (month, statement, &line)))?,
        (Set::Statements, Some(month)) => {
            for one in from.snapshot.statements(month)? {
                let (statement, state) = (&one.statement, one.state.as_str());
                put(&mut file, &StatementRow { period: month, statement, state })?;
            }
        }
        (Set::Shares, Some(month)) => shares(from, &mut file, month)?,
        (Set::Contributions, Some(month)) => {
            for contribution in &from.snapshot.contributions(month)? {
                put(&mut file, &ContributionRow { period: month, contribution })?;
            }
        }
        (_, None) => unreachable!("the period was asked for before"),
    }
    file.finish()
}

fn put<R: shuzha_pricing::export::Record>(file: &mut Exporter<'_>, row: &R) -> Written {
    file.put(row).map(drop)
}

fn permitted(from: &Source<'_>, file: &mut Exporter<'_>) -> Written {
    from.standings.iter().try_for_each(|one| {
        let taken = one.closed.checked_add(one.open).unwrap_or(one.closed);
        put(file, &PermittedRow { permitted: &one.permitted, taken, level: one.level })
    })
}

fn focus(
    from: &Source<'_>,
    file: &mut Exporter<'_>,
    (period, statement, line): (Month, &str, &RatedLine),
) -> Written {
    let operator = from.operators.get(&line.line.product).map_or("", String::as_str);
    [FocusPart::Usage, FocusPart::Tax]
        .into_iter()
        .try_for_each(|part| put(file, &FocusRow { period, statement, operator, line, part }))
}

fn shares(from: &Source<'_>, file: &mut Exporter<'_>, period: Month) -> Written {
    let (bills, shares) = from.snapshot.bills(period)?;
    for bill in &bills {
        for share in shares.get(bill.shares.clone()).unwrap_or_default() {
            put(file, &ShareRow { period, bill, share })?;
        }
    }
    Ok(())
}

/// Why an export cannot be had, as the caller is told.
fn refused(error: ExportError<StoreError>) -> Error {
    match (error.code(), error) {
        (Some(code), error) => Error::fault(code, "", error.to_string()),
        (None, ExportError::Source(error)) => Error::Store(error),
        (None, error) => unreachable!("nothing is written here that could fail: {error}"),
    }
}

impl std::fmt::Debug for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export")
            .field("wanted", &self.wanted)
            .field("totals", &self.totals)
            .finish_non_exhaustive()
    }
}

//! The digest of a closed period: every figure, in one order, in one encoding.

use ring::digest::{Context, SHA256};

use super::rated::{FIELDS, Figure, LineField, latest_digest};
use super::{Assessment, CallTree, Closing, RatedLine};
use crate::ledger::Transaction;
use crate::vat::Taxed;

/// SHA-256.
pub type Digest = [u8; 32];

/// Writes values one after the other, so that no two sequences of values give the same bytes.
pub struct Digester(Context);

impl Default for Digester {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Digester {
    /// Writes text with its length before it.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.number(text.len() as i128);
        self.0.update(text.as_bytes());
        self
    }

    /// Writes a number.
    pub fn number(&mut self, number: impl Into<i128>) -> &mut Self {
        self.0.update(&number.into().to_be_bytes());
        self
    }

    /// Writes bytes of a known length.
    pub fn bytes(&mut self, bytes: &[u8; 32]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    /// The digest of what was written.
    #[must_use]
    pub fn finish(self) -> Digest {
        self.0.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }

    fn taxed(&mut self, taxed: &Taxed) {
        self.number(taxed.gross.count()).number(taxed.net.count()).number(taxed.tax.count());
    }

    fn figure(&mut self, field: &LineField, line: &RatedLine) {
        let Some(figure) = field.of(line) else {
            self.number(0);
            return;
        };
        self.number(1);
        match figure {
            Figure::Id(id) => self.text(id.as_str()),
            Figure::Text(text) => self.text(text),
            Figure::Month(month) => self.number(month.index()),
            Figure::Purpose(purpose) => self.text(purpose.as_str()),
            Figure::Basis(basis) => self.number(basis.number()),
            Figure::Count(count) => self.number(count),
            Figure::MicroYuan(amount) => self.number(amount.micros()),
            Figure::Fen(amount) => self.number(amount.count()),
            Figure::Parts(parts) => self.number(parts),
        };
    }

    fn tree(&mut self, tree: Option<&CallTree>) {
        let Some(tree) = tree else {
            self.number(0);
            return;
        };
        self.number(1).bytes(&tree.root).number(tree.size).number(tree.first_seq).number(tree.last_seq);
    }

    /// Writes a transaction.
    pub fn transaction(&mut self, transaction: &Transaction) -> &mut Self {
        self.text(transaction.template.as_str())
            .text(&transaction.key)
            .number(transaction.period.index())
            .text(&transaction.reason)
            .text(transaction.corrects.as_deref().unwrap_or_default())
            .number(transaction.entries.len() as i128);
        for entry in &transaction.entries {
            self.text(&entry.account.to_string()).number(entry.amount.micros());
        }
        self
    }
}

/// Figures of a closed period, and the version of its digest that brought them.
#[derive(Clone, Copy)]
struct Figures {
    since: u32,
    write: fn(&mut Digester, &Closing),
}

/// What a digest covers, in order. A period that is closed keeps the digest of its day, and stays checkable by it: no entry is ever
/// changed or taken out. A new figure of the whole period is one more entry at the end, with the next version; a new figure of a line
/// says in the table of a line's fields which version covers it, and stands behind these.
const FIGURES: &[Figures] = &[
    Figures { since: 1, write: lines },
    Figures { since: 1, write: statements },
    Figures { since: 1, write: shares },
    Figures { since: 1, write: transactions },
    Figures { since: 2, write: contributions },
];

/// The version by which periods are closed now.
fn version(figures: &[Figures]) -> u32 {
    latest_digest(figures.last().map_or(1, |last| last.since))
}

/// The digest of a closed period, its own field apart.
pub(super) fn of(closing: &Closing) -> Digest {
    by(FIGURES, version(FIGURES), closing)
}

fn by(figures: &[Figures], version: u32, closing: &Closing) -> Digest {
    let mut to = Digester::default();
    to.text(&format!("shuzha period {version}")).number(closing.month.index());
    for one in figures.iter().filter(|one| one.since <= version) {
        (one.write)(&mut to, closing);
    }
    // Those of the first lines stand in `lines`, in the order of their day.
    for field in FIELDS.iter().filter(|field| (2..=version).contains(&field.digest)) {
        to.text(field.key);
        closing.lines.iter().for_each(|line| to.figure(field, line));
    }
    to.finish()
}

impl Closing {
    /// The version of the period's digest that `stated` is: what was closed by former software bears the digest of its version.
    /// None where these figures have no such digest.
    #[must_use]
    pub fn bears(&self, stated: &Digest) -> Option<u32> {
        (1..=version(FIGURES)).rev().find(|version| by(FIGURES, *version, self) == *stated)
    }
}

fn lines(to: &mut Digester, closing: &Closing) {
    to.number(closing.lines.len() as i128);
    for one in &closing.lines {
        let line = &one.line;
        for name in [&line.unit, &line.agreement, &line.scenario, &line.product, &line.price] {
            to.text(name.as_str());
        }
        to.number(line.purpose as u8).number(line.basis.number()).number(one.month.index());
        to.number(one.calls).number(one.quantity).number(one.exact.micros());
        to.number(one.adjustment.micros()).number(one.notional.micros()).number(one.residue.micros());
        to.taxed(&one.taxed);
        to.number(one.vat_parts).text(&one.act).number(one.first_seq).number(one.last_seq);
    }
}

fn statements(to: &mut Digester, closing: &Closing) {
    to.number(closing.statements.len() as i128);
    for statement in &closing.statements {
        to.text(&statement.number).text(statement.unit.as_str());
        to.taxed(&statement.taxed);
        to.tree(statement.tree.as_ref());
    }
}

fn shares(to: &mut Digester, closing: &Closing) {
    to.number(closing.shares.len() as i128);
    for share in &closing.shares {
        to.text(share.party.as_str()).text(share.agreement.as_str()).text(share.product.as_str());
        to.number(share.base.count()).number(share.amount.count());
        to.text(&share.weight.to_string()).text(&share.whole.to_string());
    }
}

fn transactions(to: &mut Digester, closing: &Closing) {
    to.number(closing.transactions.len() as i128);
    for transaction in &closing.transactions {
        to.transaction(transaction);
    }
}

/// What providers' data did. Periods that were closed before effect and quality were recorded say so by a nothing.
fn contributions(to: &mut Digester, closing: &Closing) {
    to.number(closing.contributions.len() as i128);
    for one in &closing.contributions {
        to.text(one.party.as_str()).text(one.product.as_str());
        to.number(one.calls).number(one.records).number(one.charged);
        to.number(one.revenue.count()).number(one.notional.micros()).number(one.share.count());
        let Some(Assessment { units, scenarios, quality }) = one.assessment else {
            to.number(0);
            continue;
        };
        to.number(1).number(units).number(scenarios).number(quality.tickets).number(quality.faults);
    }
}

#[cfg(test)]
mod tests;

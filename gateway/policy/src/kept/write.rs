//! Writing the file.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use ring::digest::{Context, SHA256};
use ring::hmac;

use super::{KeptKey, MAGIC};
use crate::Snapshot;
use crate::snapshot::{Grant, GrantKey, Terms, quota_code};

/// Writes `snapshot` to `path`: whole or not at all, and durable when this returns. The file is its owner's alone.
///
/// # Errors
/// Of the file system; what was at `path` is then still there.
pub fn write(path: &Path, snapshot: &Snapshot) -> io::Result<()> {
    write_under(path, snapshot, Sum::Digest(Box::new(Context::new(&SHA256))))
}

/// The same, under `key`.
///
/// # Errors
/// As [`write`].
pub fn write_sealed(path: &Path, snapshot: &Snapshot, key: &KeptKey) -> io::Result<()> {
    write_under(path, snapshot, Sum::Keyed(Box::new(hmac::Context::with_key(&key.0))))
}

fn write_under(path: &Path, snapshot: &Snapshot, sum: Sum) -> io::Result<()> {
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut options = File::options();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = Summed { inner: BufWriter::new(options.open(&beside)?), sum };
    encode(snapshot, &mut out)?;
    let Summed { mut inner, sum } = out;
    inner.write_all(&sum.finish())?;
    inner.into_inner()?.sync_all()?;
    fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The bytes of the file.
#[cfg(test)]
pub(super) fn to_bytes(snapshot: &Snapshot) -> Vec<u8> {
    let mut out = Summed { inner: Vec::new(), sum: Sum::Digest(Box::new(Context::new(&SHA256))) };
    encode(snapshot, &mut out).expect("memory takes every byte");
    let Summed { mut inner, sum } = out;
    inner.extend_from_slice(&sum.finish());
    inner
}

/// What stands at the end of the file.
enum Sum {
    Digest(Box<Context>),
    Keyed(Box<hmac::Context>),
}

impl Sum {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Digest(context) => context.update(bytes),
            Self::Keyed(context) => context.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Digest(context) => context.finish().as_ref().to_vec(),
            Self::Keyed(context) => context.sign().as_ref().to_vec(),
        }
    }
}

/// Sums up what passes.
struct Summed<W> {
    inner: W,
    sum: Sum,
}

impl<W: Write> Summed<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.inner.write_all(bytes)
    }

    fn short_text(&mut self, text: &str) -> io::Result<()> {
        let length = u8::try_from(text.len()).map_err(io::Error::other)?;
        self.put(&[length])?;
        self.put(text.as_bytes())
    }

    fn count(&mut self, count: usize) -> io::Result<()> {
        self.put(&u32::try_from(count).map_err(io::Error::other)?.to_be_bytes())
    }
}

fn encode<W: Write>(snapshot: &Snapshot, out: &mut Summed<W>) -> io::Result<()> {
    out.put(MAGIC)?;
    out.put(snapshot.digest())?;
    let (revision, act) = snapshot.mark().map_or_else(Default::default, |mark| (mark.revision, mark.act));
    out.put(&revision.to_be_bytes())?;
    out.put(&act)?;
    let mut objects: Vec<_> = snapshot.objects().collect();
    objects.sort_unstable_by_key(|source| (source.kind, &source.name));
    out.count(objects.len())?;
    for source in objects {
        out.short_text(source.kind)?;
        out.short_text(source.name.as_str())?;
        out.count(source.spec.len())?;
        out.put(source.spec.as_bytes())?;
    }
    let mut grants: Vec<(GrantKey, &Grant)> = snapshot.all_grants().collect();
    grants.sort_unstable_by_key(|(_, grant)| grant.name);
    let tables = Tables::of(&grants);
    out.count(tables.names.len())?;
    for number in &tables.names {
        out.short_text(snapshot.name(*number).as_str())?;
    }
    out.count(tables.terms.len())?;
    for terms in &tables.terms {
        encode_terms(terms, out)?;
    }
    out.count(grants.len())?;
    for (key, grant) in &grants {
        out.short_text(grant.name.as_str())?;
        for number in [key.0, key.1, grant.agreement, key.2] {
            out.put(&tables.name_at[&number].to_be_bytes())?;
        }
        out.put(&tables.terms_at[&**grant.terms()].to_be_bytes())?;
    }
    Ok(())
}

/// What many grants share, in the order in which grants first use it.
#[derive(Default)]
struct Tables<'s> {
    names: Vec<u32>,
    name_at: HashMap<u32, u32>,
    terms: Vec<&'s Terms>,
    terms_at: HashMap<&'s Terms, u32>,
}

impl<'s> Tables<'s> {
    fn of(grants: &[(GrantKey, &'s Grant)]) -> Self {
        let mut tables = Self::default();
        for (key, grant) in grants {
            for number in [key.0, key.1, grant.agreement, key.2] {
                tables.name_at.entry(number).or_insert_with(|| {
                    tables.names.push(number);
                    position(tables.names.len())
                });
            }
            tables.terms_at.entry(grant.terms()).or_insert_with(|| {
                tables.terms.push(grant.terms());
                position(tables.terms.len())
            });
        }
        tables
    }
}

/// The position of the last of `count`.
fn position(count: usize) -> u32 {
    u32::try_from(count - 1).expect("no more than grants times four")
}

fn encode_terms<W: Write>(terms: &Terms, out: &mut Summed<W>) -> io::Result<()> {
    out.put(&terms.window.from().micros().to_be_bytes())?;
    out.put(&terms.window.until().micros().to_be_bytes())?;
    let limits = &terms.limits;
    let (per, max) = limits.quota.map_or((0, 0), |quota| (quota_code(quota.per), quota.max));
    out.put(&[per])?;
    out.put(&max.to_be_bytes())?;
    let rate = limits.rate.map(|rate| (rate.calls.get(), rate.window.as_micros(), rate.burst.get()));
    let (calls, micros, burst) = rate.unwrap_or_default();
    out.put(&calls.to_be_bytes())?;
    out.put(&u64::try_from(micros).map_err(io::Error::other)?.to_be_bytes())?;
    out.put(&burst.to_be_bytes())?;
    out.put(&limits.concurrency.map_or(0, std::num::NonZero::get).to_be_bytes())?;
    out.put(&u16::try_from(terms.operations.len()).map_err(io::Error::other)?.to_be_bytes())?;
    for (tag, fields) in &terms.operations {
        out.put(tag)?;
        out.put(&fields.0.to_be_bytes())?;
    }
    Ok(())
}

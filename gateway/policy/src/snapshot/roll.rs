//! The roll: everything in force by name, and the digest of all of it.
//!
//! Two snapshots hold the same objects exactly when their digests are equal, whether they were compiled whole or
//! reached change by change. Each object has a leaf, SHA-256 over kind, name and content; leaves lie in a fixed number
//! of buckets chosen by the name, in an order that names and leaves alone decide; the digest is SHA-256 over the
//! buckets' digests. A change costs one bucket and one walk over the buckets. A sum of leaves would be cheaper, but
//! who chooses many objects can find two sets with one sum (Wagner 2002), and this digest is evidence.

use std::sync::Arc;

use ring::digest::{Context, SHA256};
use shuzha_core::Id;

use super::grants::{GrantKey, GrantTable, finished};

/// Buckets. Part of what the digest means: another number is another digest.
const BUCKETS: usize = 4_096;

/// First bytes of the digest's text; a new meaning needs a new one.
const DOMAIN: &[u8] = b"shuzha snapshot 1\n";

/// The kind of grants.
pub(crate) const GRANT: &str = "Grant";

/// An object and how it was declared.
pub(crate) struct Source {
    pub(crate) kind: &'static str,
    pub(crate) name: Id,
    /// JSON with sorted keys.
    pub(crate) spec: Box<str>,
}

#[derive(Clone)]
enum What {
    Object(Arc<Source>),
    /// A grant: where its row is.
    Grant(GrantKey),
}

#[derive(Clone)]
struct Entry {
    position: u64,
    leaf: [u8; 32],
    what: What,
}

#[derive(Clone, Default)]
struct Bucket {
    entries: Vec<Entry>,
    /// None after a change, until sealed; and always while empty.
    digest: Option<[u8; 32]>,
}

/// The roll. Clones share every bucket until one of them changes it.
#[derive(Clone)]
pub(crate) struct Roll {
    buckets: Arc<Vec<Arc<Bucket>>>,
}

impl Default for Roll {
    fn default() -> Self {
        // All share one empty bucket until they are written.
        let empty = Arc::new(Bucket::default());
        Self { buckets: Arc::new(vec![empty; BUCKETS]) }
    }
}

/// Where a name belongs: FNV-1a with a finish that mixes. It need not resist anyone; who piles names into one bucket
/// makes changes to that bucket slower, and no look-up of a call comes here.
fn position(kind: &str, name: &str) -> u64 {
    let bytes = kind.bytes().chain([0]).chain(name.bytes());
    let mut hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 32)
}

fn bucket_of(position: u64) -> usize {
    usize::try_from(position >> 52).expect("twelve bits")
}

/// The leaf of an object: no name or kind holds NUL, so no two objects share a text.
pub(crate) fn leaf(kind: &str, name: &str, content: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in [kind, name] {
        context.update(part.as_bytes());
        context.update(&[0]);
    }
    content.iter().for_each(|part| context.update(part));
    finished(context)
}

impl Roll {
    /// How the object was declared, if it is here.
    pub(crate) fn object(&self, kind: &str, name: &str) -> Option<&Arc<Source>> {
        self.near(kind, name).find_map(|entry| match &entry.what {
            What::Object(source) if source.kind == kind && source.name.as_str() == name => Some(source),
            _ => None,
        })
    }

    /// Where the row of a grant is, and its leaf.
    pub(crate) fn grant(&self, name: &str, grants: &GrantTable) -> Option<(GrantKey, [u8; 32])> {
        self.near(GRANT, name).find_map(|entry| match entry.what {
            What::Grant(key) => grants.find(key, name).map(|_| (key, entry.leaf)),
            What::Object(_) => None,
        })
    }

    fn near(&self, kind: &str, name: &str) -> impl Iterator<Item = &Entry> {
        let position = position(kind, name);
        let entries = &self.buckets[bucket_of(position)].entries;
        let from = entries.partition_point(|entry| entry.position < position);
        entries[from..].iter().take_while(move |entry| entry.position == position)
    }

    /// Puts an object on the roll in the place of the one of its name.
    pub(crate) fn put_object(&mut self, source: Source) {
        self.remove_object(source.kind, source.name.as_str());
        let leaf = leaf(source.kind, source.name.as_str(), &[source.spec.as_bytes()]);
        let position = position(source.kind, source.name.as_str());
        self.put(Entry { position, leaf, what: What::Object(Arc::new(source)) });
    }

    /// Puts a grant on the roll that is not on it.
    pub(crate) fn put_grant(&mut self, name: &str, leaf: [u8; 32], key: GrantKey) {
        self.put(Entry { position: position(GRANT, name), leaf, what: What::Grant(key) });
    }

    fn put(&mut self, entry: Entry) {
        let bucket = self.bucket_mut(entry.position);
        let at = bucket
            .entries
            .partition_point(|known| (known.position, &known.leaf) < (entry.position, &entry.leaf));
        bucket.entries.insert(at, entry);
    }

    /// Takes an object off the roll.
    pub(crate) fn remove_object(&mut self, kind: &str, name: &str) {
        if self.object(kind, name).is_some() {
            let same = |source: &Source| source.kind == kind && source.name.as_str() == name;
            let here = |entry: &Entry| matches!(&entry.what, What::Object(source) if same(source));
            self.bucket_mut(position(kind, name)).entries.retain(|entry| !here(entry));
        }
    }

    /// Takes a grant off the roll, whose leaf is `leaf`.
    pub(crate) fn remove_grant(&mut self, name: &str, leaf: &[u8; 32]) {
        let here = |entry: &Entry| matches!(entry.what, What::Grant(_)) && entry.leaf == *leaf;
        self.bucket_mut(position(GRANT, name)).entries.retain(|entry| !here(entry));
    }

    fn bucket_mut(&mut self, position: u64) -> &mut Bucket {
        let bucket = Arc::make_mut(&mut Arc::make_mut(&mut self.buckets)[bucket_of(position)]);
        bucket.digest = None;
        bucket
    }

    /// Every object that is no grant.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.buckets.iter().flat_map(|bucket| &bucket.entries).filter_map(|entry| match &entry.what {
            What::Object(source) => Some(source),
            What::Grant(_) => None,
        })
    }

    /// The digest of everything on the roll.
    pub(crate) fn seal(&mut self) -> [u8; 32] {
        let dirty = |bucket: &Bucket| bucket.digest.is_none() && !bucket.entries.is_empty();
        let at: Vec<usize> = (0..BUCKETS).filter(|at| dirty(&self.buckets[*at])).collect();
        if !at.is_empty() {
            let buckets = Arc::make_mut(&mut self.buckets);
            for at in at {
                let bucket = Arc::make_mut(&mut buckets[at]);
                let mut context = Context::new(&SHA256);
                bucket.entries.iter().for_each(|entry| context.update(&entry.leaf));
                bucket.digest = Some(finished(context));
            }
        }
        let mut context = Context::new(&SHA256);
        context.update(DOMAIN);
        for (at, bucket) in (0_u16..).zip(self.buckets.iter()) {
            if let Some(digest) = bucket.digest.filter(|_| !bucket.entries.is_empty()) {
                context.update(&at.to_be_bytes());
                context.update(&digest);
            }
        }
        finished(context)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn source(name: u8, spec: u8) -> Source {
        Source {
            kind: "Product",
            name: Id::new(&format!("p{name}")).expect("a name"),
            spec: spec.to_string().into(),
        }
    }

    proptest! {
        /// The digest is a function of what is on the roll, not of how it came there; and a different roll has another.
        #[test]
        fn the_way_leaves_no_trace(
            edits in prop::collection::vec((0_u8..40, prop::option::of(0_u8..3)), 0..120),
            seals in any::<u64>(),
        ) {
            let mut model = std::collections::BTreeMap::new();
            let mut roll = Roll::default();
            for (at, (name, spec)) in edits.into_iter().enumerate() {
                match spec {
                    Some(spec) => {
                        model.insert(name, spec);
                        roll.put_object(source(name, spec));
                    }
                    None => {
                        model.remove(&name);
                        roll.remove_object("Product", &format!("p{name}"));
                    }
                }
                if seals >> (at % 64) & 1 == 1 {
                    roll.seal();
                }
            }
            let mut whole = Roll::default();
            model.iter().for_each(|(name, spec)| whole.put_object(source(*name, *spec)));
            prop_assert_eq!(roll.seal(), whole.seal());
            prop_assert_eq!(roll.objects().count(), model.len());
            let mut other = whole.clone();
            other.put_object(source(77, 0));
            prop_assert_ne!(other.seal(), whole.seal());
        }
    }
}

//! The file of a list's tags. Its form is also written down where callers read it (`docs/guide-blind.md`).

use voprf::{Group as _, Ristretto255, VoprfServer};

/// Begins every file.
const MAGIC: &[u8; 16] = b"shuzha tags 1\n\n\n";
/// Bytes of a tag: 128 bits of the function's value.
const TAG_BYTES: usize = 16;
/// Separates entries from any other input of the function.
const ENTRY_DOMAIN: &[u8] = b"shuzha blind entry 1";

/// Magic, public key, epoch, number of tags, tags in ascending order.
pub(super) fn file(key: &VoprfServer<Ristretto255>, epoch: &str, entries: Vec<Vec<String>>) -> Vec<u8> {
    let tag = |entry: Vec<String>| -> [u8; TAG_BYTES] {
        let value = key.evaluate(&input(&entry)).expect("an entry is short and has a place in the group");
        value[..TAG_BYTES].try_into().expect("SHA-512 has 64 bytes")
    };
    let mut tags: Vec<_> = entries.into_iter().map(tag).collect();
    tags.sort_unstable();
    tags.dedup();
    let mut file = MAGIC.to_vec();
    file.extend_from_slice(&Ristretto255::serialize_elem(key.get_public_key()));
    file.push(u8::try_from(epoch.len()).expect("the name of an epoch is short"));
    file.extend_from_slice(epoch.as_bytes());
    file.extend_from_slice(&(tags.len() as u64).to_be_bytes());
    file.extend_from_slice(&tags.concat());
    file
}

/// An entry as the function's input: each part preceded by its length.
fn input(parts: &[String]) -> Vec<u8> {
    let mut input = ENTRY_DOMAIN.to_vec();
    for part in parts {
        input.extend_from_slice(&(part.len() as u64).to_be_bytes());
        input.extend_from_slice(part.as_bytes());
    }
    input
}

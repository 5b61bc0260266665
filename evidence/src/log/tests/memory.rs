//! Files in memory that forget like a disk whose power goes, and that can be full.

use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;

use shuzha_testkit::Seeded;

use crate::log::{Files, Source};

#[derive(Default)]
pub(crate) struct Memory(Mutex<State>);

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    /// What the files were at the last sync.
    durable: BTreeMap<String, Vec<u8>>,
    writes: u64,
    left: Option<u32>,
}

impl State {
    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        }
        self.writes += 1;
        self.files.insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }
}

impl Memory {
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.lock().expect("one thread").files.keys().cloned().collect()
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.lock().expect("one thread").files.clone()
    }

    pub(crate) fn writes(&self) -> u64 {
        self.0.lock().expect("one thread").writes
    }

    pub(crate) fn get(&self, path: &str) -> Option<Vec<u8>> {
        self.0.lock().expect("one thread").files.get(path).cloned()
    }

    /// Puts a file there behind the log's back, or takes it away.
    pub(crate) fn set(&self, path: &str, bytes: Option<Vec<u8>>) {
        let mut state = self.0.lock().expect("one thread");
        match bytes {
            Some(bytes) => state.files.insert(path.to_owned(), bytes),
            None => state.files.remove(path),
        };
        state.durable = state.files.clone();
    }

    /// Takes so many more writes, or any number.
    pub(crate) fn full_after(&self, writes: Option<u32>) {
        self.0.lock().expect("one thread").left = writes;
    }

    /// Keeps what was synced; of each later change, all, a part or nothing.
    pub(crate) fn crash(&self, seed: u64) {
        let mut state = self.0.lock().expect("one thread");
        let rng = Seeded::new(seed);
        let names: std::collections::BTreeSet<_> =
            state.files.keys().chain(state.durable.keys()).cloned().collect();
        for name in names {
            let (now, before) = (state.files.get(&name).cloned(), state.durable.get(&name).cloned());
            if now == before {
                continue;
            }
            let left = match (rng.below(3), now) {
                (0, now) => now,
                (1, Some(mut now)) => {
                    now.truncate(rng.index(64));
                    Some(now)
                }
                _ => before,
            };
            match left {
                Some(bytes) => state.files.insert(name, bytes),
                None => state.files.remove(&name),
            };
        }
        state.durable = state.files.clone();
    }
}

impl Source for Memory {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get(path))
    }
}

impl Files for Memory {
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().expect("one thread").write(path, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.0.lock().expect("one thread");
        state.durable = state.files.clone();
        Ok(())
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().expect("one thread");
        state.write(path, bytes)?;
        state.durable.insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        let mut state = self.0.lock().expect("one thread");
        let inside = format!("{path}/");
        state.files.retain(|name, _| !name.starts_with(&inside));
        Ok(())
    }
}

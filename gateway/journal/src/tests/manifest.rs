//! A start reads the last segments and believes the manifests of those that were closed; without one it reads as ever.

use super::*;
use crate::disk::DiskFile;
use std::sync::Mutex;

/// A disk that notes which files' bytes are read.
struct Watched {
    disk: MemoryDisk,
    read: Arc<Mutex<Vec<(String, u64)>>>,
}

struct WatchedFile {
    file: Arc<dyn DiskFile>,
    name: String,
    read: Arc<Mutex<Vec<(String, u64)>>>,
}

impl Watched {
    fn file(&self, name: &str, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(WatchedFile { file, name: name.to_owned(), read: Arc::clone(&self.read) })
    }
}

impl Disk for Watched {
    fn list(&self) -> std::io::Result<Vec<String>> {
        self.disk.list()
    }
    fn create(&self, name: &str, reserve: u64) -> std::io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(name, self.disk.create(name, reserve)?))
    }
    fn open(&self, name: &str) -> std::io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(name, self.disk.open(name)?))
    }
    fn remove(&self, name: &str) -> std::io::Result<()> {
        self.disk.remove(name)
    }
    fn free_bytes(&self) -> std::io::Result<u64> {
        self.disk.free_bytes()
    }
}

impl DiskFile for WatchedFile {
    fn length(&self) -> std::io::Result<u64> {
        self.file.length()
    }
    fn read_at(&self, into: &mut [u8], offset: u64) -> std::io::Result<usize> {
        let read = self.file.read_at(into, offset)?;
        self.read.lock().expect("whole").push((self.name.clone(), read as u64));
        Ok(read)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> std::io::Result<()> {
        self.file.write_at(bytes, offset)
    }
    fn sync(&self) -> std::io::Result<()> {
        self.file.sync()
    }
    fn truncate(&self, length: u64) -> std::io::Result<()> {
        self.file.truncate(length)
    }
}

fn written(records: u64) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let journal = open(&disk).expect("sound");
    for number in 1..=records {
        journal.append_durable(&entry(number)).expect("serving").wait().expect("durable");
    }
    journal.close();
    disk
}

/// Bytes of segments that a start reads.
fn read_by_a_start(disk: &MemoryDisk) -> u64 {
    let read = Arc::new(Mutex::new(Vec::new()));
    let watched = Watched { disk: disk.killed(), read: Arc::clone(&read) };
    Journal::open_on(Arc::new(watched), options(), clock()).expect("sound").close();
    let read = read.lock().expect("whole");
    read.iter().filter(|(name, _)| name.ends_with(".journal")).map(|(_, bytes)| bytes).sum()
}

fn remove_manifests(disk: &MemoryDisk) {
    for name in disk.list().expect("lists").iter().filter(|name| name.ends_with(".closed")) {
        disk.remove(name).expect("there");
    }
}

/// Issue 13, section 4 (H8): a start read the whole journal.
#[test]
fn a_start_does_not_read_what_was_closed() {
    let (short, long) = (written(40), written(400));
    let headers = 64 * segment_names(&long).len() as u64;
    let (of_short, of_long) = (read_by_a_start(&short), read_by_a_start(&long));
    assert!(of_long <= of_short + headers, "{of_long} bytes of ten times the journal, {of_short} of one");
    remove_manifests(&long);
    assert!(read_by_a_start(&long) > 5 * of_long, "without manifests all of it");
    // What was read anew is as it was.
    assert_eq!(numbers(&long), (1..=400).collect::<Vec<_>>());
}

#[test]
fn a_manifest_that_is_torn_or_of_another_segment_is_not_believed() {
    let disk = written(60);
    let before = contents(&disk).expect("sound");
    let manifests: Vec<_> =
        disk.list().expect("lists").into_iter().filter(|name| name.ends_with(".closed")).collect();
    assert!(manifests.len() > 3);
    for name in &manifests[..2] {
        for at in 0..disk.length(name) {
            let bad = disk.killed();
            bad.tamper(name, |bytes| bytes[at] ^= 0x41);
            open(&bad).expect("reads the segment").close();
            assert_eq!(contents(&bad).expect("sound")[..before.len()], before);
            let torn = disk.killed();
            torn.tamper(name, |bytes| bytes.truncate(at));
            open(&torn).expect("reads the segment").close();
        }
    }
    let mut other = Vec::new();
    disk.tamper(&manifests[1], |bytes| other.clone_from(bytes));
    let swapped = disk.killed();
    swapped.tamper(&manifests[0], |bytes| bytes.clone_from(&other));
    let journal = open(&swapped).expect("reads the segment");
    journal.check_closed().expect("and makes its manifest anew");
    assert!(crate::manifest::read(&swapped, 1).is_some());
}

/// A journal of the last version has no manifests: they are made behind the start.
#[test]
fn manifests_that_are_missing_are_made_and_a_segment_that_was_exchanged_is_found() {
    let disk = written(60);
    let kept = disk.list().expect("lists");
    remove_manifests(&disk);
    let journal = open(&disk).expect("sound");
    journal.check_closed().expect("sound");
    journal.close();
    let made = disk.list().expect("lists");
    assert!(kept.iter().all(|name| made.contains(name)), "{kept:?} {made:?}");
    crate::verify_on(&disk).expect("and they agree");

    // Whole in itself, and not what was closed.
    let other = MemoryDisk::new();
    let journal = open(&other).expect("sound");
    for number in 101..=160 {
        journal.append_durable(&entry(number)).expect("serving").wait().expect("durable");
    }
    journal.close();
    let name = segment_names(&disk).remove(1);
    let mut foreign = Vec::new();
    other.tamper(&name, |bytes| foreign.clone_from(bytes));
    disk.tamper(&name, |bytes| bytes.clone_from(&foreign));
    let journal = open(&disk).expect("starts");
    assert!(matches!(journal.check_closed(), Err(JournalError::Damaged { file, .. }) if file == name));
    assert!(matches!(journal.health(), crate::Health::Failed(_)));
    assert!(matches!(crate::verify_on(&disk), Err(JournalError::Damaged { .. })));
}

//! Signed notes, checkpoints, and what is asked of a witness: what is read is written again as it stood.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shuzha_evidence::checkpoint::Checkpoint;
use shuzha_evidence::note::Note;
use shuzha_evidence::witness::AddCheckpoint;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
        let _ = Checkpoint::parse(note.text());
    }
    if let Ok(asked) = AddCheckpoint::parse(bytes) {
        assert_eq!(asked.to_string().as_bytes(), bytes);
    }
});

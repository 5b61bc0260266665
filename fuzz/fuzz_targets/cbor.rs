//! Records of the journal: one record, one sequence of bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shuzha_evidence::Entry;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((entry, salt)) = Entry::decode_salted(bytes) {
        let mut again = Vec::new();
        match salt {
            Some(salt) => entry.salted_into(&salt, &mut again),
            None => entry.encode_into(&mut again),
        }
        .expect("what was read can be written");
        assert_eq!(again, bytes);
    }
});

//! The vectors of RFC 9497, and what each side can and cannot do.

use proptest::prelude::*;
use shuzha_core::{Id, OsRng};
use shuzha_testkit::unhex;
use voprf::{BlindedElement, Group, VoprfServer};

use super::*;
use crate::subject::Pseudonym;

/// Test vectors of RFC 9497 A.1.2 (ristretto255-SHA512, mode VOPRF): input, blind, blinded and evaluated element, output.
const ONE: [&str; 5] = [
    "00",
    "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706",
    "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
    "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
    "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7da4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c",
];
const TWO: [&str; 5] = [
    "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
    "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706",
    "cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c",
    "60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468",
    "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6",
];
/// The second member of the batch of two (A.1.2.3).
const TWO_IN_BATCH: [&str; 5] = [
    "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
    "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e",
    "90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654",
    "cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a",
    TWO[4],
];
const PROOFS: [&str; 3] = [
    "ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd066d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d",
    "401a0da6264f8cf45bb2f5264bc31e109155600babb3cd4e5af7d181a2c9dc0a67154fabf031fd936051dec80b0b6ae29c9503493dde7393b722eafdf5a50b02",
    "cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08",
];
const PUBLIC_KEY: &str = "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e";

fn blinded(vector: &[&str; 5]) -> Blinded {
    let blinded = Blinded::with_scalar(unhex(vector[0]), &unhex(vector[1]).try_into().unwrap()).unwrap();
    assert_eq!(blinded.element().to_bytes()[..], unhex(vector[2]), "BlindedElement");
    blinded
}

fn tags(vectors: &[&[&str; 5]], proof: &str, key: &str) -> Result<Vec<Tag>, BlindError> {
    let sent: Vec<Blinded> = vectors.iter().map(|vector| blinded(vector)).collect();
    let back: Vec<Element> = vectors.iter().map(|v| Element::new(&unhex(v[3])).unwrap()).collect();
    finalize(&sent, &back, &Proof::new(&unhex(proof)).unwrap(), &Element::new(&unhex(key)).unwrap())
}

/// REQUIREMENTS E5: the vectors of RFC 9497 A.1.2.
#[test]
fn e5_the_vectors_of_rfc_9497_pass() {
    for (vectors, proof) in
        [(&[&ONE][..], PROOFS[0]), (&[&TWO], PROOFS[1]), (&[&ONE, &TWO_IN_BATCH], PROOFS[2])]
    {
        let expected: Vec<Tag> = vectors.iter().map(|vector| Tag::of(&unhex(vector[4]))).collect();
        assert_eq!(tags(vectors, proof, PUBLIC_KEY), Ok(expected));
    }
}

/// A service that evaluates with another key, swaps answers or repeats an old proof is found out.
#[test]
fn e5_an_answer_under_another_key_is_refused() {
    let other = VoprfServer::<Ristretto255>::new_from_seed(&[9; 32], b"other").unwrap();
    let other: String = shuzha_core::hex::encode(&Ristretto255::serialize_elem(other.get_public_key()));
    assert_eq!(tags(&[&ONE], PROOFS[0], &other), Err(BlindError::Proof));
    assert_eq!(tags(&[&ONE], PROOFS[1], PUBLIC_KEY), Err(BlindError::Proof));
    let swapped = [ONE[0], ONE[1], ONE[2], TWO[3], ONE[4]];
    assert_eq!(tags(&[&swapped], PROOFS[0], PUBLIC_KEY), Err(BlindError::Proof));
    let key = Element::new(&unhex(PUBLIC_KEY)).unwrap();
    let proof = Proof::new(&unhex(PROOFS[0])).unwrap();
    assert_eq!(finalize(&[blinded(&ONE)], &[], &proof, &key), Err(BlindError::Count));
    assert_eq!(finalize(&[], &[], &proof, &key), Err(BlindError::Count));
}

/// Whoever stands between both sides can check an answer as its client does, with no scalar in hand.
#[test]
fn e8_a_proof_is_checked_without_the_blinding() {
    let element = |hex: &str| Element::new(&unhex(hex)).unwrap();
    let check = |vectors: &[&[&str; 5]], proof: &str, key: &str| {
        let asked: Vec<_> = vectors.iter().map(|vector| element(vector[2])).collect();
        let evaluated: Vec<_> = vectors.iter().map(|vector| element(vector[3])).collect();
        verify(&asked, &evaluated, &Proof::new(&unhex(proof)).unwrap(), &element(key))
    };
    assert_eq!(check(&[&ONE], PROOFS[0], PUBLIC_KEY), Ok(()));
    assert_eq!(check(&[&TWO], PROOFS[1], PUBLIC_KEY), Ok(()));
    assert_eq!(check(&[&ONE, &TWO_IN_BATCH], PROOFS[2], PUBLIC_KEY), Ok(()));
    for (vectors, proof, key) in [
        (&[&ONE][..], PROOFS[1], PUBLIC_KEY),
        (&[&TWO], PROOFS[0], PUBLIC_KEY),
        (&[&TWO_IN_BATCH, &ONE], PROOFS[2], PUBLIC_KEY),
        (&[&ONE, &ONE], PROOFS[0], PUBLIC_KEY),
        (&[&ONE], PROOFS[0], ONE[3]),
    ] {
        assert_eq!(check(vectors, proof, key), Err(BlindError::Proof));
    }
    let proof = Proof::new(&unhex(PROOFS[0])).unwrap();
    assert_eq!(verify(&[], &[], &proof, &element(PUBLIC_KEY)), Err(BlindError::Count));
    assert_eq!(verify(&[element(ONE[2])], &[], &proof, &element(PUBLIC_KEY)), Err(BlindError::Count));
}

/// The identity would make every entry's evaluation the same; other encodings of an element would let one element
/// pass for two.
#[test]
fn e5_the_identity_and_stray_encodings_are_refused() {
    let mut high_bit = unhex(ONE[2]);
    high_bit[31] |= 0x80;
    for wrong in [vec![0; 32], vec![0xff; 32], high_bit, unhex(ONE[2])[..31].to_vec(), Vec::new()] {
        assert_eq!(Element::new(&wrong), Err(BlindError::Encoding));
    }
    let text = Element::new(&unhex(ONE[2])).unwrap().to_string();
    assert_eq!(text.len(), ELEMENT_TEXT_BYTES);
    assert_eq!(text.parse::<Element>().unwrap().to_string(), text);
    let stray = format!("{}{}", &text[..42], if text.ends_with('V') { "W" } else { "V" });
    for wrong in [&text[..42], &format!("{text}="), &text.replace(&text[..1], "+"), &stray] {
        assert_eq!(wrong.parse::<Element>(), Err(BlindError::Encoding), "{wrong}");
    }
    assert_eq!(Proof::new(&[0xff; 64]), Err(BlindError::Encoding));
    assert_eq!(Proof::new(&unhex(PROOFS[0])).unwrap().to_string().len(), PROOF_TEXT_BYTES);
    let one = unhex(ONE[0]);
    assert!(Blinded::with_scalar(one.clone(), &[0xff; 32]).is_err(), "not reduced");
    assert!(Blinded::with_scalar(one, &[0; 32]).is_err(), "zero");
}

/// REQUIREMENTS E5: what is sent of one entry is another element every time, so nobody can tell two callers, two
/// moments or two entries apart by it.
#[test]
fn e5_an_entry_is_never_sent_twice_alike() {
    let same = || entry(&["690113200205284265", "杜秀红"]).unwrap();
    let (first, second) = (Blinded::new(same(), &OsRng).unwrap(), Blinded::new(same(), &OsRng).unwrap());
    assert_ne!(first.element(), second.element());
    let again = Blinded::with_scalar(same(), &first.scalar()).unwrap();
    assert_eq!(again.element(), first.element());
    assert_eq!(format!("{first:?}"), "Blinded(withheld)");
}

#[test]
fn entries_with_other_parts_are_other_inputs() {
    let all = [&["ab", "c"][..], &["a", "bc"], &["abc"], &["abc", ""], &["", "abc"]];
    let inputs: std::collections::HashSet<_> = all.iter().map(|parts| entry(parts).unwrap()).collect();
    assert_eq!(inputs.len(), all.len());
    assert_eq!(entry(&[]), Err(BlindError::Entry));
    assert_eq!(entry(&["", ""]), Err(BlindError::Entry));
    assert_eq!(entry(&[&"x".repeat(ENTRY_BYTES_MAX)]), Err(BlindError::Entry));
}

/// A consent for one blinded element is for no other element, unit or scenario.
#[test]
fn d1_a_blinded_subject_is_its_element_unit_and_scenario() {
    let id = |text: &str| Id::new(text).unwrap();
    let (a, b) = (Element::new(&unhex(ONE[2])).unwrap(), Element::new(&unhex(TWO[2])).unwrap());
    let subject = Pseudonym::of_blinded(&id("bank"), &id("loan"), &a);
    assert_eq!(subject, Pseudonym::of_blinded(&id("bank"), &id("loan"), &a));
    for other in [
        Pseudonym::of_blinded(&id("bank"), &id("loan"), &b),
        Pseudonym::of_blinded(&id("shop"), &id("loan"), &a),
        Pseudonym::of_blinded(&id("bank"), &id("card"), &a),
        Pseudonym::of_blinded(&id("bankl"), &id("oan"), &a),
    ] {
        assert_ne!(subject, other);
    }
}

/// A tag file as the form says, written without the code under test.
fn file(tags: &[[u8; 16]]) -> Vec<u8> {
    let mut file = b"shuzha tags 1\n\n\n".to_vec();
    file.extend(unhex(PUBLIC_KEY));
    file.push(6);
    file.extend_from_slice(b"2026q4");
    file.extend_from_slice(&(tags.len() as u64).to_be_bytes());
    file.extend(tags.concat());
    file
}

#[test]
fn tag_files_are_read_whole_or_not_at_all() {
    let good = file(&[[1; 16], [2; 16], [9; 16]]);
    let read = TagFile::read(&good).unwrap();
    assert_eq!((read.epoch(), read.len(), read.is_empty()), ("2026q4", 3, false));
    assert_eq!(read.key().to_bytes()[..], unhex(PUBLIC_KEY));
    assert!(read.contains(Tag::of(&[2; 16])) && !read.contains(Tag::of(&[3; 16])));
    for cut in 0..good.len() {
        assert!(TagFile::read(&good[..cut]).is_err(), "cut at {cut}");
    }
    assert_eq!(TagFile::read(&[&good[..], b"x"].concat()).err(), Some(TagFileError::Form));
    assert_eq!(TagFile::read(&file(&[[2; 16], [1; 16]])).err(), Some(TagFileError::Order));
    assert_eq!(TagFile::read(&file(&[[1; 16], [1; 16]])).err(), Some(TagFileError::Order));
    let mut wrong_key = good;
    wrong_key[16..48].fill(0);
    assert_eq!(TagFile::read(&wrong_key).err(), Some(TagFileError::Key));
    assert!(TagFile::read(&file(&[])).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// REQUIREMENTS E8: of two lists, exactly the common entries match, whatever is on them.
    #[test]
    fn e8_exactly_the_common_entries_match(
        listed in prop::collection::btree_set("[a-f]{1,2}", 0..6),
        asked in prop::collection::vec("[a-f]{1,2}", 1..6),
        seed in any::<[u8; 32]>(),
    ) {
        let server = VoprfServer::<Ristretto255>::new_from_seed(&seed, b"list").unwrap();
        let key = Element::new(&Ristretto255::serialize_elem(server.get_public_key())).unwrap();
        let tag = |text: &String| Tag::of(&server.evaluate(&entry(&[text]).unwrap()).unwrap()).to_bytes();
        let mut tags: Vec<[u8; 16]> = listed.iter().map(tag).collect();
        tags.sort_unstable();
        let published = TagFile::read(&file(&tags)).unwrap();

        let sent: Vec<Blinded> =
            asked.iter().map(|text| Blinded::new(entry(&[text]).unwrap(), &OsRng).unwrap()).collect();
        let arrived: Vec<BlindedElement<Ristretto255>> =
            sent.iter().map(|one| BlindedElement::deserialize(&one.element().to_bytes()).unwrap()).collect();
        let answer = server.batch_blind_evaluate(&mut Source(|into: &mut [u8]| shuzha_core::Rng::fill(&OsRng, into)), &arrived).unwrap();
        let back: Vec<Element> =
            answer.messages.iter().map(|one| Element::new(&one.serialize()).unwrap()).collect();
        let proof = Proof::new(&answer.proof.serialize()).unwrap();
        let found = finalize(&sent, &back, &proof, &key).unwrap();
        for (text, tag) in asked.iter().zip(found) {
            prop_assert_eq!(published.contains(tag), listed.contains(text), "{}", text);
        }
    }
}

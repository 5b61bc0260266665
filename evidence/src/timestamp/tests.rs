//! Tokens of a real authority: `openssl ts`, asked by these requests, in a folder of its own.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::merkle::{Digest as _, Sha256};

const RANDOM: [u8; 8] = [0xff, 2, 3, 4, 5, 6, 7, 8];

/// What `openssl ts` is told.
const CONFIG: &str = "\
[ca]\nbasicConstraints = critical,CA:true\nkeyUsage = critical,keyCertSign\nsubjectKeyIdentifier = hash\n\
[stamps]\nbasicConstraints = CA:false\nkeyUsage = critical,digitalSignature\nextendedKeyUsage = critical,timeStamping\n\
[serves]\nbasicConstraints = CA:false\nextendedKeyUsage = critical,serverAuth\n\
[req]\ndistinguished_name = dn\n[dn]\n\
[tsa]\ndefault_tsa = one\n[one]\nserial = serial\ncrypto_device = builtin\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n\
digests = sha256\nordering = no\ntsa_name = no\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n";

/// A folder with an authority that certifies, and one that stamps.
struct Authority {
    dir: tempfile::TempDir,
}

impl Authority {
    fn new(key: &[&str], extensions: &str) -> Self {
        let authority = Self { dir: tempfile::tempdir().expect("a folder") };
        std::fs::write(authority.dir.path().join("tsa.cnf"), CONFIG).expect("written");
        let new = [&["req", "-config", "tsa.cnf", "-newkey"], key, &["-nodes", "-sha256"]].concat();
        let ca = ["-x509", "-days", "30", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"];
        authority.openssl(&[&new[..], &ca, &["-extensions", "ca"]].concat());
        authority
            .openssl(&[&new[..], &["-subj", "/CN=tsa", "-keyout", "tsa.key", "-out", "tsa.csr"]].concat());
        let sign =
            ["x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7"];
        let more = ["-days", "30", "-extfile", "tsa.cnf", "-extensions", extensions, "-out", "tsa.pem"];
        authority.openssl(&[&sign[..], &more].concat());
        authority
    }

    fn openssl(&self, arguments: &[&str]) {
        let done = Command::new("openssl").args(arguments).current_dir(self.dir.path()).output();
        let done = done.expect("openssl is installed");
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The answer to a request.
    fn answer(&self, request: &[u8]) -> Vec<u8> {
        std::fs::write(self.path().join("q"), request).expect("written");
        let reply = ["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q", "-signer", "tsa.pem"];
        self.openssl(&[&reply[..], &["-inkey", "tsa.key", "-out", "r"]].concat());
        std::fs::read(self.path().join("r")).expect("there")
    }

    fn trusted(&self) -> Authorities {
        Authorities::parse(&std::fs::read(self.path().join("ca.pem")).expect("there")).expect("PEM")
    }
}

fn digest(text: &str) -> Hash {
    Sha256::digest(text.as_bytes())
}

#[test]
fn h5_a_token_of_openssl_checks_and_is_of_what_was_stamped_by_whom_it_says() {
    for key in [&["rsa:2048"][..], &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]] {
        let authority = Authority::new(key, "stamps");
        let stamped = digest("a checkpoint");
        let asked = request(&stamped, RANDOM).expect("written");
        let answer = authority.answer(&asked);
        let good = token(&answer, &stamped, RANDOM).expect("granted");
        let trusted = authority.trusted();
        let said = check(&good, &stamped, &trusted).expect("good");
        assert_eq!((said.policy.as_str(), said.authority.as_str()), ("1.2.3.4.1", "CN=tsa"));
        let now = shuzha_core::Clock::now(&shuzha_core::SystemClock);
        assert!(now.micros_since(said.at).abs() < 60_000_000, "{:?}", said.at);

        assert_eq!(token(&answer, &digest("other"), RANDOM), Err(BadTimestamp::Imprint));
        assert_eq!(token(&answer, &stamped, [9; 8]), Err(BadTimestamp::Nonce));
        assert_eq!(check(&good, &digest("other"), &trusted), Err(BadTimestamp::Imprint));
        let other = Authority::new(key, "stamps");
        assert_eq!(check(&good, &stamped, &other.trusted()), Err(BadTimestamp::Untrusted));
        assert_eq!(check(&good, &stamped, &Authorities::default()), Err(BadTimestamp::Untrusted));
        // No byte can be changed without being seen, but for versions and names of algorithms outside of what is signed.
        let mut unseen = 0;
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            if check(&bad, &stamped, &trusted).is_ok() {
                unseen += 1;
            }
        }
        assert!(unseen <= 30, "{unseen} of {} bytes", good.len());
        for length in 0..good.len() {
            assert!(check(&good[..length], &stamped, &trusted).is_err());
        }
    }
}

#[test]
fn h5_a_certificate_for_something_else_stamps_nothing() {
    // `openssl ts` itself refuses to sign with such a certificate: the one that signed is exchanged afterwards.
    let authority = Authority::new(&["rsa:2048"], "stamps");
    let stamped = digest("a checkpoint");
    let answer = authority.answer(&request(&stamped, RANDOM).expect("written"));
    let good = token(&answer, &stamped, RANDOM).expect("granted");
    let serves = Authority::new(&["rsa:2048"], "serves");
    let pem = std::fs::read(serves.path().join("tsa.pem")).expect("there");
    let certificate = CertificateDer::from_pem_slice(&pem).expect("PEM");
    let certificate = Certificate::from_der(&certificate).expect("a certificate");
    assert_eq!(check_purpose(&certificate), Err(BadTimestamp::Purpose));
    let outer = ContentInfo::from_der(&good).expect("a token");
    let signed: SignedData = outer.content.decode_as().expect("signed");
    let attributes = signed.signer_infos.0.as_slice()[0].signed_attrs.clone().expect("signed");
    let (_, _, content) = open(&good).expect("a token");
    let signer = &signed.signer_infos.0.as_slice()[0];
    let der = certificate.to_der().expect("written");
    assert_eq!(check_attributes(&attributes, signer, &content, &der), Err(BadTimestamp::Purpose));
}

#[test]
fn h5_answers_that_are_none_are_refused() {
    let stamped = digest("a checkpoint");
    assert_eq!(token(b"", &stamped, RANDOM), Err(BadTimestamp::Malformed));
    assert_eq!(token(&vec![0x30; RESPONSE_BYTES_MAX + 1], &stamped, RANDOM), Err(BadTimestamp::Malformed));
    // TimeStampResp with status 2 (rejection) and nothing else.
    assert_eq!(token(&[0x30, 5, 0x30, 3, 2, 1, 2], &stamped, RANDOM), Err(BadTimestamp::Refused));
    assert!(Authorities::parse(b"no PEM").is_err());
}

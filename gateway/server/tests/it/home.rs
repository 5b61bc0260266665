//! A data folder with keys, and the files of a small world beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use shuzha_core::{Clock, Id, OsRng, Rng, SystemClock};
use shuzha_privacy::consent::{self, Basis, Claims, Details, Legal, Use};
use shuzha_privacy::subject::{CanonicalId, HmacSha256Prf, IdKind, Pseudonym, Pseudonymiser};

pub(crate) use shuzha_testkit::registered::{COMPANY, PERSON};

use crate::caller::Credential;
use crate::service::Service;

/// The world of these tests.
pub(crate) const WORLD: &str = include_str!("world/small.yaml");

/// The credentials with a shared secret.
const SHARED: [(&str, &str); 4] = [
    ("bank-1", "hmac-sha256"),
    ("bank-2", "hmac-sm3"),
    ("insurer-1", "hmac-sha256"),
    ("startup-1", "hmac-sha256"),
];

/// The program under test.
pub(crate) fn shuzha() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shuzha"));
    command.current_dir(std::env::temp_dir());
    command
}

/// Text that a program wrote.
pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the program writes UTF-8")
}

/// A folder of its own, gone with the test.
pub(crate) struct Home {
    root: tempfile::TempDir,
    pub(crate) service: Service,
    secrets: Vec<(&'static str, Vec<u8>)>,
    issuer: consent::Signer,
    pseudonym: [u8; 32],
    /// Which services prove what they are; the one of the tests does not.
    pub(crate) self_description: &'static str,
}

impl Home {
    /// World files, a product service, and everyone's keys, made by `shuzha keys`.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let service = Service::start(&root.path().join("data"));
        let pseudonym = OsRng.bytes::<32>();
        let mut home = Self {
            root,
            service,
            secrets: Vec::new(),
            issuer: consent::Signer::from_seed("issuer", "issuer-1", &[0; 32]),
            pseudonym,
            self_description: "declared",
        };
        home.declare(WORLD);
        for (name, algorithm) in SHARED {
            home.issue(name, algorithm);
        }
        for name in ["bank-3", "issuer-1"] {
            let seed = home.data().join("keys").join(format!("{name}.seed"));
            let made = home.run(&["keys", "pair", seed.to_str().expect("UTF-8")]);
            assert!(made.status.success(), "{made:?}");
        }
        let seed = std::fs::read_to_string(home.data().join("keys/issuer-1.seed")).expect("just made");
        let seed = BASE64_STANDARD.decode(seed.trim()).expect("base64");
        home.issuer = consent::Signer::from_seed("issuer", "issuer-1", &seed.try_into().expect("32 bytes"));
        write_private(&home.data().join("keys/pseudonym.key"), &home.pseudonym);
        home
    }

    /// Makes a new secret for a credential.
    pub(crate) fn issue(&mut self, name: &'static str, algorithm: &str) {
        let issued = self.run(&["keys", "issue", name, "--algorithm", algorithm]);
        assert!(issued.status.success(), "{issued:?}");
        let secret = BASE64_STANDARD.decode(text(&issued.stdout).trim()).expect("base64");
        self.secrets.retain(|(known, _)| *known != name);
        self.secrets.push((name, secret));
    }

    /// Writes the world file, with the product service's address in it.
    pub(crate) fn declare(&self, world: &str) {
        let world = world.replace("UPSTREAM", &self.service.address.to_string());
        std::fs::write(self.world(), world).expect("written");
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.data().join("journal")
    }

    pub(crate) fn world(&self) -> PathBuf {
        self.root.path().join("world.yaml")
    }

    /// A file beside the data folder.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.root.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    /// The program with arguments and this data folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = shuzha();
        command.args(arguments).arg("--data-dir").arg(self.data());
        command.env("SHUZHA__EGRESS__SELF_DESCRIPTION", self.self_description);
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// The credential `name`, ready to sign.
    pub(crate) fn credential(&self, name: &'static str) -> Credential {
        let found = self.secrets.iter().find(|(known, _)| *known == name);
        Credential { name, secret: found.expect("a credential with a shared secret").1.clone() }
    }

    /// A person's consent for the bank's scenario, good for `uses` verifications.
    pub(crate) fn consent(&self, person: &str, uses: u32) -> String {
        let prf = HmacSha256Prf::new("local-1", &self.pseudonym);
        let person = CanonicalId::new(IdKind::Person, person).expect("a valid number");
        let id = |name| Id::new(name).expect("a name");
        let subject = Pseudonymiser::new(prf).pseudonym(&id("bank"), &id("bank-scenario"), &person);
        self.consent_for(&subject, "hmac-sha256", ("person-check", "verify"), uses)
    }

    /// A consent of whoever is behind `subject`, for one product and operation.
    pub(crate) fn consent_for(
        &self,
        subject: &Pseudonym,
        algorithm: &str,
        (product, operation): (&str, &str),
        uses: u32,
    ) -> String {
        let now = SystemClock.now().seconds();
        let claims = Claims {
            iss: "issuer".to_owned(),
            jti: BASE64_URL_SAFE_NO_PAD.encode(OsRng.bytes::<16>()),
            iat: now,
            nbf: now,
            exp: Some(now + 3_600),
            sub: subject.to_string(),
            sub_alg: algorithm.to_owned(),
            sub_kid: "local-1".to_owned(),
            aud: "shuzha".to_owned(),
            authorization_details: vec![Details {
                r#type: "data-product".to_owned(),
                au: "bank".to_owned(),
                scenario: "bank-scenario".to_owned(),
                products: vec![product.to_owned()],
                fields: vec!["/result".to_owned()],
                purpose: "industry".to_owned(),
                actions: vec![operation.to_owned()],
            }],
            r#use: Some(Use { max: Some(uses) }),
            legal: Legal {
                basis: Basis::SeparateConsent,
                sensitive: true,
                notice: "person-check@1".to_owned(),
                notice_hash: BASE64_URL_SAFE_NO_PAD
                    .encode(ring::digest::digest(&ring::digest::SHA256, b"notice")),
                authn: Some("test".to_owned()),
            },
            rcpt: None,
            parent: None,
            status: None,
        };
        consent::issue(&claims, &self.issuer).expect("a permitted consent")
    }
}

/// Writes a file for its owner only.
pub(crate) fn write_private(path: &Path, content: &[u8]) {
    use std::io::Write as _;
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let folder = path.parent().expect("a file is in a folder");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).expect("made");
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(content)).expect("written");
}

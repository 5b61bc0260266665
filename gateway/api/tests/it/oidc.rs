//! Sign-on by an identity provider: a small standard one, written here, with real HTTP and real RS256.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use shuzha_api::{Limits, OidcOptions};
use shuzha_control::Caller;
use shuzha_core::{Clock as _, Role, SystemClock};
use shuzha_testkit_control::{id, person};

use crate::client::Answer;
use crate::plane::Plane;

/// The provider's key, made for this test, and its modulus.
const KEY: &[u8] = include_bytes!("provider-key.der");
const MODULUS: &str = "4uwQslWFZV15RD8W2TSVlb_jHvd7Wy2ieTbiZMGUDHEnrqKCh4lUR3OVoQg1qpZeA3bKPix-prv6QL8s0n_J1r-Lgj11S6Yuyh8phJ9tx3CrmdXZEFbi0z-abIGEQ5CtiGKlTae4LXjnHya_3_EoUjZ6yZyT1mYsnqJsg3OztwaKXydeOr1sGE_JWR3xOuwiQEpfxm1JajrWlAH1XnSWl5xPREHHNiqstE44YV8HqvOslBg6jxeGHzLf2DvyFYfxEeBz4vAwJfOuZ0NjRxb8AwR0ZkwqFMfxFAjzIa7SG8mrvo3tIgcoNxAs-vNIK7wwxFsdCAE1rU01mhePdFBYdQ";

/// What the provider says for a code.
#[derive(Clone)]
struct Grant {
    challenge: String,
    claims: Value,
    /// Whether the signature is one.
    forged: bool,
}

/// A provider: discovery, keys, tokens.
#[derive(Clone)]
struct Provider {
    issuer: String,
    grants: Arc<Mutex<HashMap<String, Grant>>>,
}

impl Provider {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self { issuer, grants: Arc::default() };
        let serving = provider.clone();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serving.serve(stream)));
        provider
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut raw = Vec::new();
        let mut piece = [0; 4096];
        let (head, body) = loop {
            let read = stream.read(&mut piece).unwrap_or(0);
            raw.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&raw).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let lower = head.to_ascii_lowercase();
                let length =
                    lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
                if body.len() >= length.unwrap_or(0) {
                    break (head.to_owned(), body.to_owned());
                }
            }
            if read == 0 {
                return;
            }
        };
        let (status, answer) = match head.split(' ').nth(1).unwrap_or_default() {
            "/.well-known/openid-configuration" => (200, self.metadata()),
            "/keys" => {
                let key = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "n": MODULUS, "e": "AQAB"});
                (200, json!({"keys": [key]}))
            }
            "/token" => self.token(&body),
            _ => (404, json!({})),
        };
        let text = answer.to_string();
        let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n");
        let _ = write!(stream, "{head}content-length: {}\r\n\r\n{text}", text.len());
    }

    fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
            "jwks_uri": at("/keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        })
    }

    /// Checks the code and its PKCE verifier; each code is good once.
    fn token(&self, body: &str) -> (u16, Value) {
        let field = |name: &str| body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let refused = (400, json!({"error": "invalid_grant"}));
        let code = field("code").unwrap_or_default();
        let Some(grant) = self.grants.lock().unwrap().remove(code) else { return refused };
        let verifier = field("code_verifier").unwrap_or_default();
        let digest = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
        if B64.encode(digest) != grant.challenge {
            return refused;
        }
        let head = B64.encode(json!({"alg": "RS256", "kid": "k1"}).to_string());
        let signed = format!("{head}.{}", B64.encode(grant.claims.to_string()));
        let key = RsaKeyPair::from_pkcs8(KEY).unwrap();
        let mut signature = vec![0; key.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
        if grant.forged {
            signature[7] ^= 1;
        }
        let token = format!("{signed}.{}", B64.encode(signature));
        (200, json!({"access_token": "unused", "token_type": "Bearer", "id_token": token}))
    }
}

/// A browser on its way: what it was given, and what the provider was asked.
struct Way {
    cookie: String,
    asked: HashMap<String, String>,
}

struct Linked {
    plane: Plane,
    provider: Provider,
}

impl Linked {
    fn new() -> Self {
        let provider = Provider::start();
        let options = OidcOptions {
            issuer: provider.issuer.clone(),
            client_id: "shuzha".to_owned(),
            client_secret: Some("a secret of the test".to_owned()),
            redirect: "http://localhost/api/v1/sign-on/oidc/callback".to_owned(),
            return_to: "/".to_owned(),
        };
        let limits = Limits { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..Limits::default() };
        let plane = Plane::built(limits, "127.0.0.1:0", |parts| parts.build_with_oidc(options));
        plane.person("wang", "bureau", &[Role::Authority]);
        let root = person("root", "ops", &[Role::Sre]);
        let asked = plane.accounts.link(&root, &id("wang"), &provider.issuer, "subject-1").unwrap();
        let second = person("registrar", "centre", &[Role::Registrar]);
        plane.person("registrar", "centre", &[Role::Registrar]);
        plane.accounts.confirm(&second, &asked.name).unwrap();
        Self { plane, provider }
    }

    fn begin(&self) -> Way {
        let sent = self.plane.ask("GET", "/api/v1/sign-on/oidc").send().expect(302);
        let to = sent.header("location").unwrap();
        let (path, query) = to.split_once('?').unwrap();
        assert_eq!(path, format!("{}/authorize", self.provider.issuer));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let asked: HashMap<_, _> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(asked["code_challenge_method"], "S256");
        let cookie = sent.header("set-cookie").unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        Way { cookie: cookie.split(';').next().unwrap().to_owned(), asked }
    }

    /// The person agrees at the provider, which says `change` other than it should.
    fn agree(&self, way: &Way, code: &str, change: impl FnOnce(&mut Grant)) {
        let now = SystemClock.now().seconds();
        let claims = json!({
            "iss": self.provider.issuer, "sub": "subject-1", "aud": "shuzha", "iat": now, "exp": now + 300,
            "nonce": way.asked["nonce"],
        });
        let mut grant = Grant { challenge: way.asked["code_challenge"].clone(), claims, forged: false };
        change(&mut grant);
        self.provider.grants.lock().unwrap().insert(code.to_owned(), grant);
    }

    fn end(&self, way: &Way, code: &str, cookie: &str) -> Answer {
        let state = &way.asked["state"];
        let path = format!("/api/v1/sign-on/oidc/callback?code={code}&state={state}&session_state=x");
        self.plane.ask("GET", &path).header("cookie", cookie).send()
    }
}

#[test]
fn a3_a_linked_identity_signs_on() {
    let linked = Linked::new();
    let way = linked.begin();
    linked.agree(&way, "c1", |_| {});
    let done = linked.end(&way, "c1", &way.cookie).expect(303);
    assert_eq!(done.header("location"), Some("/"));
    let mut cookies = done.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value);
    let session = cookies.find(|cookie| cookie.starts_with("shuzha=")).expect("a session");
    let session = session.split(';').next().unwrap();
    let me = linked.plane.ask("GET", "/api/v1/me").header("cookie", session).send().expect(200).json();
    assert_eq!((&me["account"], &me["roles"]), (&json!("wang"), &json!(["authority"])));
    // Neither the state nor the code is good again.
    linked.end(&way, "c1", &way.cookie).expect(401).refused("C1102");
}

#[test]
fn a3_what_an_identity_provider_did_not_say_to_this_browser_is_refused() {
    let linked = Linked::new();
    let other = linked.begin();
    let way = linked.begin();
    linked.agree(&way, "c", |_| {});
    linked.end(&way, "c", "shuzha-sign-on=guessed").expect(401).refused("C1102");
    let way = linked.begin();
    linked.agree(&way, "c", |_| {});
    linked.end(&way, "c", &other.cookie).expect(401).refused("C1102");
    linked.plane.ask("GET", "/api/v1/sign-on/oidc/callback?error=access_denied").send().expect(401);

    type Change = fn(&mut Grant);
    let changes: [(&str, Change); 7] = [
        ("nonce", |grant| grant.claims["nonce"] = "another".into()),
        ("audience", |grant| grant.claims["aud"] = "another".into()),
        ("issuer", |grant| grant.claims["iss"] = "http://elsewhere".into()),
        ("expiry", |grant| grant.claims["exp"] = 1_000_000_000.into()),
        ("subject", |grant| grant.claims["sub"] = "subject-2".into()),
        ("signature", |grant| grant.forged = true),
        ("verifier", |grant| grant.challenge = "another".into()),
    ];
    for (what, change) in changes {
        let way = linked.begin();
        linked.agree(&way, "c", change);
        let answer = linked.end(&way, "c", &way.cookie);
        assert_eq!((answer.status, answer.header("set-cookie")), (401, None), "{what}");
        answer.refused("C1102");
    }
}

/// A thousand starts without an account filled sign-on for everybody for ten minutes.
#[test]
fn a3_starts_at_the_provider_crowd_out_nobody_else() {
    let linked = Linked::new();
    let way = linked.begin();
    for _ in 0..1_001 {
        let start = linked.plane.ask("GET", "/api/v1/sign-on/oidc").header("x-forwarded-for", "192.0.2.1");
        start.send().expect(302);
    }
    linked.agree(&way, "c1", |_| {});
    linked.end(&way, "c1", &way.cookie).expect(303);
    linked.begin();
}

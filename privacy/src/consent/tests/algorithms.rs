//! The three algorithms against the standards' own examples, and against each other.

use ring::hmac;
use shuzha_testkit::unhex;

use super::*;

const ALL: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Sm2Sm3];

fn unbase64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Whether `signature` over `message` is good under `public`, and only then.
fn check_example(algorithm: Algorithm, secret: &[u8], public: &[u8], message: &[u8], signature: &[u8]) {
    let signer = Signer::new("i", "k", algorithm, secret.try_into().unwrap()).unwrap();
    assert_eq!(signer.public_key(), public);
    let mut issuers = Issuers::new();
    issuers.register("k", "i", algorithm, public).unwrap();
    let key = issuers.find("k").unwrap();
    assert!(key.verifies(message, signature), "{algorithm:?}");
    assert!(key.verifies(message, &signer.sign(message)), "{algorithm:?}");
    for at in 0..64 {
        let mut bad = signature.to_vec();
        bad[at] ^= 1;
        assert!(!key.verifies(message, &bad), "{algorithm:?} {at}");
    }
    assert!(!key.verifies(message, &signature[..63]) && !key.verifies(b"", signature));
    assert!(!key.verifies(message, &[0; 64]) && !key.verifies(message, &[0xff; 64]));
}

/// RFC 8037, appendix A.4.
#[test]
fn d6_eddsa_as_in_rfc_8037() {
    let (input, signature) = (
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
    let secret = unbase64("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let public = unbase64("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    check_example(Algorithm::EdDsa, &secret, &public, input.as_bytes(), &unbase64(signature));
}

/// RFC 7515, appendix A.3.
#[test]
fn d6_es256_as_in_rfc_7515() {
    let input = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                 cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let secret = unbase64("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
    let x = unbase64("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
    let y = unbase64("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    let public = [vec![4], x, y].concat();
    check_example(Algorithm::Es256, &secret, &public, input.as_bytes(), &unbase64(signature));
}

/// GB/T 32918.5-2017, appendix A.2: the recommended curve, identity `1234567812345678`, message `message digest`.
#[test]
fn d6_sm2_as_in_gbt_32918() {
    let secret = unhex("3945208F 7B2144B1 3F36E38A C6D39F95 88939369 2860B51A 42FB81EF 4DF7C5B8");
    let public = unhex(
        "04 09F9DF31 1E5421A1 50DD7D16 1E4BC5C6 72179FAD 1833FC07 6BB08FF3 56F35020
         CCEA490C E26775A5 2DC6EA71 8CC1AA60 0AED05FB F35E084A 6632F607 2DA9AD13",
    );
    let signature = unhex(
        "F5A03B06 48D2C463 0EEAC513 E1BB81A1 5944DA38 27D5B741 43AC7EAC EEE720B3
         B1B6AA29 DF212FD8 763182BC 0D421CA1 BB9038FD 1F7F42D4 840B69C4 85BBC1AA",
    );
    check_example(Algorithm::Sm2Sm3, &secret, &public, b"message digest", &signature);
}

fn signer_of(algorithm: Algorithm) -> Signer {
    Signer::new("consent-service", algorithm.as_str(), algorithm, &[7; 32]).unwrap()
}

/// One registry with a key of each algorithm, all of one issuer, each key's id the algorithm's name.
fn one_of_each() -> Issuers {
    let mut issuers = Issuers::new();
    for algorithm in ALL {
        let signer = signer_of(algorithm);
        issuers.register(signer.kid(), signer.issuer(), algorithm, &signer.public_key()).unwrap();
    }
    issuers
}

/// R16: a token verifies under its own key and algorithm, and under no other pairing of header and signature.
#[test]
fn d6_an_algorithm_is_pinned_to_its_key() {
    let (issuers, claims) = (one_of_each(), serde_json::from_value(payload()).unwrap());
    for algorithm in ALL {
        let token = issue(&claims, &signer_of(algorithm)).unwrap();
        assert!(verify(&token, &issuers, GATE, at(NOW)).is_ok(), "{algorithm:?}");
    }
    let encoded = URL_SAFE_NO_PAD.encode(payload().to_string());
    let mut tried = 0;
    for signed_by in ALL {
        for kid in ALL {
            for alg in ["EdDSA", "ES256", "SM2-SM3", "none", "HS256", "ES256K", "Ed25519", ""] {
                if signed_by == kid && alg == kid.as_str() {
                    continue;
                }
                let header = json!({"alg": alg, "typ": TYPE.name, "kid": kid.as_str()});
                let input = format!("{}.{encoded}", URL_SAFE_NO_PAD.encode(header.to_string()));
                let signature = signer_of(signed_by).sign(input.as_bytes());
                let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
                let verdict = verify(&token, &issuers, GATE, at(NOW));
                assert_eq!(verdict, Err(Code::C403), "{signed_by:?} {kid:?} {alg}");
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 69);
}

/// The public key taken for an HMAC secret: the classic confusion (RFC 8725 §2.1).
#[test]
fn d6_a_public_key_is_no_hmac_secret() {
    let issuers = one_of_each();
    let encoded = URL_SAFE_NO_PAD.encode(payload().to_string());
    for algorithm in ALL {
        for alg in ["HS256", algorithm.as_str()] {
            let header = json!({"alg": alg, "typ": TYPE.name, "kid": algorithm.as_str()});
            let input = format!("{}.{encoded}", URL_SAFE_NO_PAD.encode(header.to_string()));
            let key = hmac::Key::new(hmac::HMAC_SHA256, &signer_of(algorithm).public_key());
            let tag = hmac::sign(&key, input.as_bytes());
            for signature in [tag.as_ref().to_vec(), [tag.as_ref(), tag.as_ref()].concat(), Vec::new()] {
                let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
                assert_eq!(verify(&token, &issuers, GATE, at(NOW)), Err(Code::C403), "{algorithm:?} {alg}");
            }
        }
    }
}

#[test]
fn d6_keys_of_another_curve_are_not_registered() {
    let mut issuers = Issuers::new();
    for (algorithm, key_of) in ALL.into_iter().flat_map(|algorithm| ALL.map(|key_of| (algorithm, key_of))) {
        let key = signer_of(key_of).public_key();
        let registered = issuers.register(&format!("{algorithm:?}-{key_of:?}"), "x", algorithm, &key);
        let wanted = if algorithm == key_of { Ok(()) } else { Err(IssuerError::Malformed) };
        assert_eq!(registered, wanted, "{algorithm:?} {key_of:?}");
    }
    for algorithm in [Algorithm::Es256, Algorithm::Sm2Sm3] {
        assert!(matches!(Signer::new("i", "k", algorithm, &[0; 32]), Err(IssuerError::Malformed)));
        assert!(matches!(Signer::new("i", "k", algorithm, &[0xff; 32]), Err(IssuerError::Malformed)));
        // The point at infinity.
        assert_eq!(issuers.register("zero", "x", algorithm, &[0]), Err(IssuerError::Malformed));
    }
}

//! Forged and malformed tokens: each 401, with the challenge that says where to get a good one.

use serde_json::{Value, json};

use super::keys::{Signer, base64, claims, now, with};
use super::provider::Provider;
use super::{METADATA, challenge, guarded, present};

/// Two providers, of which one has a key of each kind.
struct Forge {
    provider: Provider,
    other: Provider,
    ed: Signer,
    rsa: Signer,
    p256: Signer,
    p384: Signer,
    others: Signer,
}

impl Forge {
    async fn new() -> Self {
        let (ed, rsa, p256, p384) = (Signer::ed25519(), Signer::rsa(), Signer::p256(), Signer::p384());
        let keys = vec![
            // Passed over, not fatal.
            json!({"kty": "oct", "kid": "oct", "k": base64("secret")}),
            json!({"kty": "new", "kid": "new"}),
            json!("no key at all"),
            with(&rsa.jwk("enc"), "use", json!("enc")),
            with(&rsa.jwk("rs512"), "alg", json!("RS512")),
            ed.jwk("ed"),
            rsa.jwk("rsa"),
            p256.jwk("p256"),
            p384.jwk("p384"),
        ];
        let others = Signer::ed25519();
        let other = Provider::with_key(&others, "other").await;
        Self { provider: Provider::start(keys).await, other, ed, rsa, p256, p384, others }
    }

    fn claims(&self) -> Value {
        claims(&self.provider.issuer)
    }

    /// By the key that is good, with one claim changed.
    fn with(&self, claim: &str, value: Value) -> String {
        self.ed.token(&header("EdDSA", "ed"), &with(&self.claims(), claim, value))
    }

    /// With a header of one's own.
    fn headed(&self, header: Value) -> String {
        self.ed.token(&header, &self.claims())
    }
}

fn header(alg: &str, kid: &str) -> Value {
    json!({"alg": alg, "kid": kid, "typ": "at+jwt"})
}

#[tokio::test]
async fn good_tokens_pass() {
    let forge = Forge::new().await;
    let peer = guarded(vec![forge.provider.settings(), forge.other.settings_as("other")]).await;
    let good = forge.claims();
    let signed = |signer: &Signer, header: Value| signer.token(&header, &good);
    for (name, token) in [
        ("Ed25519", signed(&forge.ed, header("EdDSA", "ed"))),
        ("RSA PKCS1", signed(&forge.rsa, header("RS256", "rsa"))),
        ("RSA PKCS1 512", signed(&forge.rsa, header("RS512", "rs512"))),
        ("RSA PSS", signed(&forge.rsa, header("PS256", "rsa"))),
        ("P-256", signed(&forge.p256, header("ES256", "p256"))),
        ("P-384", signed(&forge.p384, header("ES384", "p384"))),
        ("no kid", signed(&forge.p384, json!({"alg": "ES384"}))),
        ("typ JWT", signed(&forge.ed, json!({"alg": "EdDSA", "kid": "ed", "typ": "JWT"}))),
        ("whole typ", signed(&forge.ed, json!({"alg": "EdDSA", "kid": "ed", "typ": "application/at+jwt"}))),
        ("among others", forge.with("aud", json!(["https://else.example", super::RESOURCE]))),
        ("within the skew", forge.with("exp", json!(now() - 30))),
        ("issued in a moment", forge.with("iat", json!(now() + 30))),
        ("a fraction", forge.with("exp", json!(now() as f64 + 60.5))),
        ("the other's", forge.others.token(&header("EdDSA", "other"), &claims(&forge.other.issuer))),
    ] {
        let answer = present(&peer, &token).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
    }
    let token = forge.with("sub", json!("ada"));
    for scheme in ["bearer", "BEARER", "Bearer "] {
        let answer = peer
            .post(&[("authorization", &format!("{scheme} {token}"))], super::initialize("2025-11-25"))
            .await;
        assert_eq!(answer.status, 200, "{scheme}");
    }
}

#[tokio::test]
async fn forged_and_malformed_tokens_are_refused_with_the_challenge() {
    let forge = Forge::new().await;
    let weak: Value = serde_json::from_str(include_str!("../../fixtures/keys/weak.jwk")).unwrap();
    let weak = Provider::start(vec![weak]).await;
    let mut of_weak = weak.settings_as("weak");
    "https://weak.example".clone_into(&mut of_weak.issuer);
    of_weak.jwks_uri = Some(weak.url("/keys"));
    let peer = guarded(vec![forge.provider.settings(), forge.other.settings_as("other"), of_weak]).await;

    let tokens = forged(&forge);
    assert!(tokens.len() >= 60, "{}", tokens.len());
    let expected = format!(
        r#"Bearer realm="pgwarden", error="invalid_token", resource_metadata="{METADATA}", scope="read""#
    );
    let mut passed = Vec::new();
    for (name, token) in tokens {
        let answer = present(&peer, &token).await;
        if answer.status != 401 || challenge(&answer) != expected {
            passed.push((name, answer.status));
        }
        assert!(answer.status == 200 || !answer.text.contains(&token), "{name}");
    }
    assert!(passed.is_empty(), "{passed:?}");
}

fn forged(forge: &Forge) -> Vec<(&'static str, String)> {
    let good_claims = forge.claims();
    let good = forge.ed.token(&header("EdDSA", "ed"), &good_claims);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (head, payload) = message.split_once('.').unwrap();
    let issuer = forge.provider.issuer.as_str();
    let none = |alg: &str| format!("{}.{payload}.", base64(json!({"alg": alg}).to_string()));
    let hmac = |alg: &str, kid: &str, secret: &[u8]| {
        let message = format!("{}.{payload}", base64(header(alg, kid).to_string()));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        format!("{message}.{}", base64(ring::hmac::sign(&key, message.as_bytes())))
    };
    let public = forge.ed.jwk("ed")["x"].as_str().unwrap().to_owned();
    let evil = Signer::ed25519();
    let evil_kid = |extra: (&str, Value)| {
        let header = with(&header("EdDSA", "ed"), extra.0, extra.1);
        evil.token(&header, &good_claims)
    };
    vec![
        // No token at all.
        ("a word", "nonsense".to_owned()),
        ("two dots only", "..".to_owned()),
        ("three dots", "...".to_owned()),
        ("two parts", message.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("five parts, as if encrypted", format!("{head}.a.b.c.{signature}")),
        ("huge", forge.with("note", json!("A".repeat(20_000)))),
        ("header is no base64", format!("!!.{payload}.{signature}")),
        ("header is no JSON", format!("{}.{payload}.{signature}", base64("{"))),
        ("header is a list", format!("{}.{payload}.{signature}", base64("[]"))),
        ("payload is no JSON", forge_payload(&forge.ed, "ada")),
        ("payload is a list", forge_payload(&forge.ed, "[]")),
        ("padded", format!("{head}=.{payload}.{signature}")),
        // Algorithms.
        ("none", none("none")),
        ("None", none("None")),
        ("nOnE", none("nOnE")),
        ("none with a signature", forge.headed(json!({"alg": "none", "kid": "ed"}))),
        ("HS256 with the public key", hmac("HS256", "ed", public.as_bytes())),
        ("HS256 with its bytes", hmac("HS256", "rsa", &[])),
        ("HS256 with a key of the set", hmac("HS256", "oct", b"secret")),
        ("no alg", forge.headed(json!({"kid": "ed"}))),
        ("alg is a list", forge.headed(json!({"alg": ["EdDSA"], "kid": "ed"}))),
        ("alg in lower case", forge.headed(json!({"alg": "eddsa", "kid": "ed"}))),
        ("ES256 by the key of another curve", forge.p384.token(&header("ES256", "p384"), &good_claims)),
        ("ES384 by the key of another curve", forge.p256.token(&header("ES384", "p256"), &good_claims)),
        ("EdDSA said to be RS256", forge.ed.token(&header("RS256", "rsa"), &good_claims)),
        ("RS256 said to be PS256", swap_alg(&forge.rsa, "RS256", "PS256", &good_claims)),
        ("a key that is for RS512", forge.rsa.token(&header("RS256", "rs512"), &good_claims)),
        ("a key for encryption", forge.rsa.token(&header("RS256", "enc"), &good_claims)),
        ("RSA of 1024 bits", include_str!("../../fixtures/keys/weak.jwt").to_owned()),
        // Keys.
        ("unknown kid", evil.token(&header("EdDSA", "evil"), &good_claims)),
        ("kid is a path", evil.token(&header("EdDSA", "../../dev/null"), &good_claims)),
        ("kid is a number", forge.headed(json!({"alg": "EdDSA", "kid": 1}))),
        ("somebody's key under a good kid", evil.token(&header("EdDSA", "ed"), &good_claims)),
        ("no kid, somebody's key", evil.token(&json!({"alg": "EdDSA"}), &good_claims)),
        ("the key of another provider", forge.others.token(&header("EdDSA", "other"), &good_claims)),
        ("another provider's name for it", forge.others.token(&header("EdDSA", "ed"), &good_claims)),
        ("ours for another provider", {
            forge.ed.token(&header("EdDSA", "ed"), &claims(&forge.other.issuer))
        }),
        ("brings its key along", evil_kid(("jwk", evil.jwk("ed")))),
        ("says where its key is", evil_kid(("jku", json!(forge.other.url("/keys"))))),
        ("says where its certificate is", evil_kid(("x5u", json!(forge.other.url("/keys"))))),
        ("brings its certificate along", evil_kid(("x5c", json!(["MIIB"])))),
        // The header.
        ("crit", forge.headed(with(&header("EdDSA", "ed"), "crit", json!(["exp"])))),
        ("empty crit", forge.headed(with(&header("EdDSA", "ed"), "crit", json!([])))),
        ("b64", forge.headed(with(&header("EdDSA", "ed"), "b64", json!(false)))),
        ("another typ", forge.headed(with(&header("EdDSA", "ed"), "typ", json!("dpop+jwt")))),
        ("a logout by typ", forge.headed(with(&header("EdDSA", "ed"), "typ", json!("logout+jwt")))),
        ("an event by typ", forge.headed(with(&header("EdDSA", "ed"), "typ", json!("secevent+jwt")))),
        ("an identity by typ", forge.headed(with(&header("EdDSA", "ed"), "typ", json!("id_token")))),
        ("alg twice", {
            let header = r#"{"alg":"none","kid":"ed","alg":"EdDSA"}"#;
            let message = format!("{}.{payload}", base64(header));
            let signature = forge.ed.sign("EdDSA", message.as_bytes());
            format!("{message}.{}", base64(signature))
        }),
        // The signature.
        ("no signature", format!("{message}.")),
        ("cut signature", format!("{message}.{}", &signature[..signature.len() - 4])),
        ("long signature", format!("{message}.{signature}AAAA")),
        ("signature of zeros", format!("{message}.{}", base64([0; 64]))),
        ("ECDSA signature of zeros", {
            format!("{}.{payload}.{}", base64(header("ES256", "p256").to_string()), base64([0; 64]))
        }),
        ("signature of another payload", {
            let claims = with(&good_claims, "sub", json!("root"));
            format!("{head}.{}.{signature}", base64(claims.to_string()))
        }),
        // Claims.
        ("expired", forge.with("exp", json!(now() - 61))),
        ("expired long ago", forge.with("exp", json!(1))),
        ("negative exp", forge.with("exp", json!(-1))),
        ("no exp", forge.with("exp", Value::Null)),
        ("exp is a text", forge.with("exp", json!((now() + 300).to_string()))),
        ("exp is a list", forge.with("exp", json!([now() + 300]))),
        ("exp without end", forge.with("exp", json!(1e300))),
        ("exp after all dates", forge.with("exp", json!(253_402_300_800_u64))),
        ("nbf in the future", forge.with("nbf", json!(now() + 120))),
        ("nbf is a text", forge.with("nbf", json!("0"))),
        ("issued in the future", forge.with("iat", json!(now() + 120))),
        ("no iss", forge.with("iss", Value::Null)),
        ("another iss", forge.with("iss", json!("https://evil.example"))),
        ("iss with a slash", forge.with("iss", json!(format!("{issuer}/")))),
        ("iss is a prefix", forge.with("iss", json!(&issuer[..issuer.len() - 1]))),
        ("iss in capitals", forge.with("iss", json!(issuer.to_uppercase()))),
        ("iss is a list", forge.with("iss", json!([issuer]))),
        ("no aud", forge.with("aud", Value::Null)),
        ("another aud", forge.with("aud", json!("https://else.example/mcp"))),
        ("aud is our origin", forge.with("aud", json!("https://db.example"))),
        ("aud with a slash", forge.with("aud", json!("https://db.example/mcp/"))),
        ("aud goes on", forge.with("aud", json!("https://db.example/mcp.evil.example"))),
        ("aud list without ours", forge.with("aud", json!(["a", "b"]))),
        ("aud list is empty", forge.with("aud", json!([]))),
        ("aud list with a list", forge.with("aud", json!([["https://db.example/mcp"]]))),
        ("aud list with a number", forge.with("aud", json!(["https://db.example/mcp", 1]))),
        ("bound to a key (DPoP)", forge.with("cnf", json!({"jkt": "x"}))),
        ("bound to a certificate", forge.with("cnf", json!({"x5t#S256": "x"}))),
        ("bound to nothing", forge.with("cnf", json!({}))),
        ("a logout", {
            let events = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
            forge.with("events", events)
        }),
        ("an identity", forge.with("nonce", json!("n"))),
        ("no sub", forge.with("sub", Value::Null)),
        ("empty sub", forge.with("sub", json!(" "))),
        ("sub is a number", forge.with("sub", json!(7))),
        ("sub has a control character", forge.with("sub", json!("ada\u{1f}root"))),
    ]
}

/// A token whose payload is `text`.
fn forge_payload(signer: &Signer, text: &str) -> String {
    let message = format!("{}.{}", base64(header("EdDSA", "ed").to_string()), base64(text));
    format!("{message}.{}", base64(signer.sign("EdDSA", message.as_bytes())))
}

/// Signed by one algorithm over a header that names another.
fn swap_alg(signer: &Signer, signed: &str, said: &str, claims: &Value) -> String {
    let message = format!("{}.{}", base64(header(said, "rsa").to_string()), base64(claims.to_string()));
    format!("{message}.{}", base64(signer.sign(signed, message.as_bytes())))
}

#[tokio::test]
async fn only_configured_algorithms_are_taken() {
    let forge = Forge::new().await;
    let mut settings = forge.provider.settings();
    settings.algorithms.retain(|algorithm| algorithm.word() == "ES256");
    let peer = guarded(vec![settings]).await;
    let by = |signer: &Signer, alg: &str, kid: &str| signer.token(&header(alg, kid), &forge.claims());
    assert_eq!(present(&peer, &by(&forge.p256, "ES256", "p256")).await.status, 200);
    assert_eq!(present(&peer, &by(&forge.rsa, "RS256", "rsa")).await.status, 401);
    assert_eq!(present(&peer, &by(&forge.ed, "EdDSA", "ed")).await.status, 401);
}

#[tokio::test]
async fn a_token_counts_in_the_header_alone_and_once() {
    let forge = Forge::new().await;
    let peer = guarded(vec![forge.provider.settings()]).await;
    let token = forge.with("sub", json!("ada"));
    let request = super::initialize("2025-11-25").to_string();
    let raw = |line: &str, headers: &str, body: &str| {
        let length = body.len();
        format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
        )
    };
    let json = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";
    let bearer = format!("authorization: Bearer {token}\r\n");
    let form = format!("access_token={token}");
    for (name, text, status) in [
        ("header", raw("POST /mcp", &format!("{json}{bearer}"), &request), "200"),
        ("query", raw(&format!("POST /mcp?access_token={token}"), json, &request), "401"),
        ("form", raw("POST /mcp", "content-type: application/x-www-form-urlencoded\r\n", &form), "401"),
        ("cookie", raw("POST /mcp", &format!("{json}cookie: access_token={token}\r\n"), &request), "401"),
        ("twice", raw("POST /mcp", &format!("{json}{bearer}{bearer}"), &request), "400"),
        (
            "two of them",
            { raw("POST /mcp", &format!("{json}{bearer}authorization: Basic eA==\r\n"), &request) },
            "400",
        ),
    ] {
        let answer = peer.raw(text.as_bytes(), |_| false).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {answer}");
        if status == "401" {
            let none = format!(
                "www-authenticate: Bearer realm=\"pgwarden\", resource_metadata=\"{METADATA}\", scope=\"read\"\r\n"
            );
            assert!(answer.contains(&none), "{name}: {answer}");
        }
    }
}

//! Key pairs, made anew for each run.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jsonwebtoken::EncodingKey;

/// A key to sign with, and the public key as it stands in the settings.
pub(crate) struct KeyPair {
    pub(crate) private: EncodingKey,
    pub(crate) public: String,
}

impl KeyPair {
    pub(crate) fn rsa() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let private = pem("PRIVATE KEY", AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref());
        let public =
            pem("PUBLIC KEY", AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap().as_ref());
        Self { private: EncodingKey::from_rsa_pem(private.as_bytes()).unwrap(), public }
    }

    pub(crate) fn p256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let private = pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref());
        let public =
            pem("PUBLIC KEY", AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap().as_ref());
        Self { private: EncodingKey::from_ec_pem(private.as_bytes()).unwrap(), public }
    }

    pub(crate) fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let private = pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref());
        let public =
            pem("PUBLIC KEY", AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap().as_ref());
        Self { private: EncodingKey::from_ed_pem(private.as_bytes()).unwrap(), public }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<u8> = BASE64_STANDARD.encode(der).into_bytes();
    let lines: Vec<&str> = lines.chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

//! Certificate fingerprints (RFC 8122): what the SDP promises, and whether the certificate of the DTLS handshake keeps it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The hash functions that still bind a certificate. RFC 8122 section 5 forbids MD2 and MD5; SHA-1 has collisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashFunction {
    /// `sha-256`, what everybody writes.
    Sha256,
    /// `sha-384`.
    Sha384,
    /// `sha-512`.
    Sha512,
}

impl HashFunction {
    /// By its name in SDP, in any case (RFC 8122 section 5).
    pub(super) fn named(name: &str) -> Option<HashFunction> {
        let all = [HashFunction::Sha256, HashFunction::Sha384, HashFunction::Sha512];
        all.into_iter().find(|hash| hash.to_string().eq_ignore_ascii_case(name))
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            HashFunction::Sha256 => Sha256::digest(bytes).to_vec(),
            HashFunction::Sha384 => Sha384::digest(bytes).to_vec(),
            HashFunction::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    fn digest_bytes(self) -> usize {
        match self {
            HashFunction::Sha256 => 32,
            HashFunction::Sha384 => 48,
            HashFunction::Sha512 => 64,
        }
    }
}

impl fmt::Display for HashFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HashFunction::Sha256 => "sha-256",
            HashFunction::Sha384 => "sha-384",
            HashFunction::Sha512 => "sha-512",
        })
    }
}

/// The fingerprints of one SDP: at most one value for each hash function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprints(Vec<(HashFunction, Vec<u8>)>);

/// Two values for one hash function: two certificates, and no way to tell which is meant.
pub(super) struct Conflict;

impl Fingerprints {
    /// Tells of a certificate (PEM) whether it is the promised one; what is no certificate is not.
    pub fn judge(&self) -> impl Fn(&str) -> bool + Send + Sync + use<> {
        let promised = self.clone();
        move |pem| promised.matches_pem(pem).unwrap_or(false)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the certificate, as PEM text, has every one of these fingerprints. Without any fingerprint nothing matches.
    pub fn matches_pem(&self, pem: &str) -> Result<bool, PemError> {
        let der = der_of_pem(pem)?;
        Ok(!self.is_empty() && self.0.iter().all(|(hash, digest)| hash.digest(&der) == *digest))
    }

    pub(super) fn add(&mut self, hash: HashFunction, digest: Vec<u8>) -> Result<(), Conflict> {
        match self.0.iter().find(|(known, _)| *known == hash) {
            Some((_, same)) if *same == digest => Ok(()),
            Some(_) => Err(Conflict),
            None => {
                self.0.push((hash, digest));
                Ok(())
            }
        }
    }
}

/// As in SDP: `sha-256 AB:CD:…`, several with commas between.
impl fmt::Display for Fingerprints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (hash, digest)) in self.0.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
            write!(f, "{comma}{hash} {}", hex.join(":"))?;
        }
        Ok(())
    }
}

/// `AB:CD:…` of the right length for `hash`.
pub(super) fn digest_from_hex(hash: HashFunction, text: &str) -> Option<Vec<u8>> {
    let byte = |pair: &str| match pair.as_bytes() {
        [high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => u8::from_str_radix(pair, 16).ok(),
        _ => None,
    };
    let digest: Vec<u8> = text.split(':').map(byte).collect::<Option<_>>()?;
    (digest.len() == hash.digest_bytes()).then_some(digest)
}

/// Why a text is not a certificate in PEM.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// No `-----BEGIN CERTIFICATE-----` … `-----END CERTIFICATE-----`.
    #[error("the certificate has no BEGIN CERTIFICATE and END CERTIFICATE lines")]
    NoCertificate,
    /// Not base64 in between.
    #[error("the certificate is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// Nothing in between.
    #[error("the certificate is empty")]
    Empty,
}

/// The SHA-256 of the first certificate in `pem` (of its DER), as in `a=fingerprint:sha-256`.
pub fn fingerprint_of_pem(pem: &str) -> Result<[u8; 32], PemError> {
    Ok(Sha256::digest(der_of_pem(pem)?).into())
}

fn der_of_pem(pem: &str) -> Result<Vec<u8>, PemError> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----").ok_or(PemError::NoCertificate)?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----").ok_or(PemError::NoCertificate)?;
    let base64: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(base64)?;
    if der.is_empty() { Err(PemError::Empty) } else { Ok(der) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `openssl req -x509 -newkey ec`; its fingerprint is what `openssl x509 -fingerprint -sha256` says.
    const PEM: &str = include_str!("testdata/certificate.pem");
    const SHA_256: &str = include_str!("testdata/certificate.sha-256");
    const SHA_512: &str = include_str!("testdata/certificate.sha-512");

    fn fingerprints(list: &[(HashFunction, &str)]) -> Fingerprints {
        let mut all = Fingerprints::default();
        for (hash, hex) in list {
            let digest = digest_from_hex(*hash, hex.trim()).expect("right length");
            assert!(all.add(*hash, digest).is_ok());
        }
        all
    }

    #[test]
    fn a_certificate_has_the_fingerprint_that_openssl_prints() {
        let promised = fingerprints(&[(HashFunction::Sha256, SHA_256)]);
        assert_eq!(promised.matches_pem(PEM), Ok(true));
        assert_eq!(promised.to_string(), format!("sha-256 {}", SHA_256.trim()));
        assert_eq!(fingerprint_of_pem(PEM).map(Vec::from), Ok(promised.0[0].1.clone()));
        assert_eq!(
            fingerprints(&[(HashFunction::Sha256, SHA_256), (HashFunction::Sha512, SHA_512)]).matches_pem(PEM),
            Ok(true)
        );
    }

    #[test]
    fn one_flipped_bit_no_promise_or_one_wrong_of_two_does_not_match() {
        let mut digest = digest_from_hex(HashFunction::Sha256, SHA_256.trim()).expect("hex");
        digest[31] ^= 1;
        assert_eq!(Fingerprints(vec![(HashFunction::Sha256, digest.clone())]).matches_pem(PEM), Ok(false));
        assert_eq!(Fingerprints::default().matches_pem(PEM), Ok(false));
        let right_and_wrong =
            fingerprints(&[(HashFunction::Sha512, SHA_512)]).0.into_iter().chain([(HashFunction::Sha256, digest)]);
        assert_eq!(Fingerprints(right_and_wrong.collect()).matches_pem(PEM), Ok(false));
    }

    #[test]
    fn what_is_no_certificate_is_an_error() {
        let promised = fingerprints(&[(HashFunction::Sha256, SHA_256)]);
        let empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----";
        let broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----";
        for pem in ["", "-----BEGIN CERTIFICATE-----", empty, broken] {
            assert!(promised.matches_pem(pem).is_err(), "{pem}");
        }
    }

    #[test]
    fn fingerprints_of_the_wrong_length_or_alphabet_are_not_read() {
        let good = SHA_256.trim();
        for bad in [
            "",
            "ZZ",
            &good[3..],
            &good.replace(':', ""),
            &format!("{good}:00"),
            &good.replace(':', ":+"),
            &format!("{good}:"),
        ] {
            assert_eq!(digest_from_hex(HashFunction::Sha256, bad), None, "{bad}");
        }
        assert!(digest_from_hex(HashFunction::Sha256, &good.to_lowercase()).is_some());
        assert!(["md5", "sha-1", "sha256", ""].iter().all(|name| HashFunction::named(name).is_none()));
        assert_eq!(HashFunction::named("SHA-512"), Some(HashFunction::Sha512));
    }
}

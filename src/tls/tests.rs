use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::*;

/// 2026-06-01, between the dates of the certificates here.
const NOW: Duration = Duration::from_secs(1_780_272_000);

struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    /// A certificate of the years 2026 and 2027 with its key, and the key of nobody.
    fn new() -> Files {
        install();
        let files = Files { directory: tempfile::tempdir().expect("a directory") };
        let (key, other) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
        let mut params = CertificateParams::new(["hub.example".to_owned()]).expect("a name");
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2028, 1, 1));
        files.write("cert.pem", &params.self_signed(&key).expect("signs").pem());
        files.write("key.pem", &key.serialize_pem());
        files.write("other.pem", &other.serialize_pem());
        files.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        files.write("text.pem", "a secret, perhaps");
        files
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("writes");
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).expect("owned");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn read(&self, certificate: &str, key: &str, now: Duration) -> Result<Option<Identity>, TlsError> {
        Identity::read(Some(&self.path(certificate)), Some(&self.path(key)), now)
    }
}

#[test]
fn a_certificate_and_its_key_make_an_identity_and_nothing_makes_none() {
    let files = Files::new();
    assert!(files.read("cert.pem", "key.pem", NOW).expect("good").is_some());
    assert!(Identity::read(None, None, NOW).expect("nothing wanted").is_none());
}

#[test]
fn what_does_not_do_is_named_with_what_to_do() {
    let files = Files::new();
    let years = Duration::from_secs(2 * 366 * 24 * 3600);
    for (certificate, key, now, expected) in [
        ("none.pem", "key.pem", NOW, "none.pem cannot be read as PEM: No such file"),
        (
            "text.pem",
            "key.pem",
            NOW,
            "text.pem holds no certificate; it has to have a block that begins with -----BEGIN CERT",
        ),
        ("key.pem", "cert.pem", NOW, "key.pem holds no certificate"),
        ("broken.pem", "key.pem", NOW, "broken.pem does not do: "),
        ("cert.pem", "text.pem", NOW, "text.pem holds no private key"),
        ("cert.pem", "none.pem", NOW, "none.pem cannot be read as PEM: No such file"),
        ("cert.pem", "other.pem", NOW, "other.pem is not that of the certificate in"),
        ("cert.pem", "key.pem", NOW + years, "expired on 2028-01-01T00:00:00Z; renew it"),
        ("cert.pem", "key.pem", NOW - years, "good only from 2026-01-01T00:00:00Z on; is the clock"),
    ] {
        let error = files.read(certificate, key, now).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}\nshould say {expected}");
    }
    let half = Identity::read(Some(&files.path("cert.pem")), None, NOW).expect_err("half");
    assert!(half.to_string().contains("--tls-key"), "{half}");
}

#[test]
fn authorities_come_from_the_file_that_is_named() {
    let files = Files::new();
    assert!(trusting(Some(&files.path("cert.pem"))).is_ok());
    for (name, expected) in [("none.pem", "No such file"), ("text.pem", "no certificate"), ("broken.pem", "does not do")] {
        let error = trusting(Some(&files.path(name))).expect_err(name).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

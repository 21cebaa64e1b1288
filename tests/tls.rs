//! TLS: a session over wss, and what is said to whoever is not trusted or does not trust.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::support::beside_others;
use crate::support::process::{Process, rebound};
use crate::support::report::Report;

/// An authority, a certificate of its for `localhost`, and an authority that nobody knows.
fn certificates() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = || {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("signs").pem();
        (Issuer::new(params, key), pem)
    };
    let ((ours, ours_pem), (_, other_pem)) = (authority(), authority());
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &ours).expect("signs").pem();
    let texts = [("ca", ours_pem), ("other-ca", other_pem), ("hub.crt", certificate), ("hub.key", key.serialize_pem())];
    for (name, text) in texts {
        fs::write(directory.path().join(name), text).expect("writes");
        fs::set_permissions(directory.path().join(name), fs::Permissions::from_mode(0o600)).expect("owned");
    }
    directory
}

fn hub(files: &Path, secure: bool) -> (Process, u16) {
    let mut command = rebound(["serve", "--port", "0"]);
    if secure {
        command.arg("--tls-cert").arg(files.join("hub.crt")).arg("--tls-key").arg(files.join("hub.key"));
    }
    let hub = Process::start(&mut command);
    let line = hub.wait_for(&format!("senders and receivers may come to ws{}://", if secure { "s" } else { "" }));
    let port = line.rsplit(':').next().and_then(|port| port.trim().parse().ok());
    (hub, port.unwrap_or_else(|| panic!("no port in {line}")))
}

#[test]
fn a_session_runs_over_wss() {
    let _machine = beside_others();
    let files = certificates();
    // Also a key that everybody can read does, but it is said.
    fs::set_permissions(files.path().join("hub.key"), fs::Permissions::from_mode(0o644)).expect("owned");
    let (hub, port) = hub(files.path(), true);
    hub.wait_for("others on this machine can read the private key in");
    let (url, report) = (format!("https://localhost:{port}"), files.path().join("report.json"));
    let role = |name: &str| {
        let mut command = rebound([name, "--hub", &url, "--session", "court", "--tls-ca"]);
        command.arg(files.path().join("ca"));
        command
    };
    let mut sender = Process::start(role("send").args(["--size", "320x240", "--frames", "60", "--report"]).arg(&report));
    sender.wait_for(&format!("rebound receive --hub wss://localhost:{port}/ws --session court"));
    let receiver = Process::start(role("receive").args(["--name", "one"]));
    receiver.wait_for("the hub lets us in");
    let health = format!("https://localhost:{port}/health");
    for (authority, code) in [("ca", Some(0)), ("other-ca", Some(1))] {
        let ended = Process::start(rebound(["health", &health, "--tls-ca"]).arg(files.path().join(authority))).ended();
        assert_eq!(ended.code, code, "{}", ended.stderr);
    }
    let ended = sender.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let report = Report::read(&report);
    report.receiver("one").assert_sound();
    assert!(report.count("/frames/matched") > 0, "{:#}", report.0);
}

#[test]
fn whoever_is_not_trusted_or_does_not_speak_tls_is_told_why() {
    let files = certificates();
    let ((_secure, secure), (_plain, plain)) = (hub(files.path(), true), hub(files.path(), false));
    for (url, authority, expected) in [
        (format!("wss://localhost:{secure}"), Some("other-ca"), "of no authority that is trusted here"),
        (format!("wss://localhost:{secure}"), None, "of no authority that is trusted here"),
        (format!("wss://127.0.0.1:{secure}"), Some("ca"), "its certificate is not for '127.0.0.1'"),
        (format!("ws://localhost:{secure}"), None, "it speaks TLS: write wss:// instead of ws://"),
        (format!("wss://localhost:{plain}"), Some("ca"), "it does not speak TLS: write ws:// instead of wss://"),
    ] {
        let mut command = rebound(["receive", "--hub", &url]);
        if let Some(authority) = authority {
            command.arg("--tls-ca").arg(files.path().join(authority));
        }
        // As on a machine that trusts somebody, but not us.
        let ended = Process::start(command.env("SSL_CERT_FILE", files.path().join("other-ca"))).ended();
        assert!(ended.code == Some(5) && ended.stderr.contains(expected), "{url}: {}", ended.stderr);
    }
}

#[test]
fn a_hub_does_not_start_with_half_an_identity_or_somebody_elses_key() {
    let files = certificates();
    for (arguments, expected) in [
        (vec!["--tls-cert", "hub.crt"], "--tls-cert and --tls-key belong together"),
        (vec!["--tls-cert", "hub.crt", "--tls-key", "none.key"], "none.key cannot be read as PEM"),
        (vec!["--tls-cert", "ca", "--tls-key", "hub.key"], "is not that of the certificate"),
    ] {
        for role in ["serve", "send"] {
            let mut command = rebound([role, "--port", "0"]);
            let ended = Process::start(command.args(&arguments).current_dir(files.path())).ended();
            assert!(ended.code == Some(2) && ended.stderr.contains(expected), "{role}: {}", ended.stderr);
        }
    }
}

//! Passwords stay out of logs, errors and reports.

use std::ffi::OsStr;

/// What stands in place of a password.
pub(super) const REDACTED: &str = "***";

/// The command line as it may be shown: passwords in `turn:user:pass@host` and `scheme://user:pass@host` are replaced.
pub fn redact_command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Vec<String> {
    args.into_iter().map(|arg| redact(&arg.as_ref().to_string_lossy())).collect()
}

/// The text as it may be shown. Hides rather too much than too little: in a `turn:` address all from the user's colon to the
/// last `@` of the line, since people forget to escape `@` and `/` in passwords.
pub fn redact(text: &str) -> String {
    text.split_inclusive('\n').map(redact_line).collect()
}

fn redact_line(line: &str) -> String {
    let servers = redact_after(line, &["turn:", "turns:", "stun:"], |rest| {
        rest.rfind('@').unwrap_or_else(|| if names_a_port(word(rest)) { 0 } else { word(rest).len() })
    });
    redact_after(&servers, &["://"], |rest| word(rest).rfind('@').unwrap_or(0))
}

/// Replaces the password of each `user:password` after a marker; `len` says how long it can be.
fn redact_after(line: &str, markers: &[&str], len: impl Fn(&str) -> usize) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = end_of_first(rest, markers) {
        let (before, after) = rest.split_at(start);
        let (user_info, behind) = after.split_at(len(after));
        shown += before;
        match user_info.split_once(':') {
            Some((user, _password)) => shown.extend([user, ":", REDACTED]),
            None => shown += user_info,
        }
        rest = behind;
    }
    shown + rest
}

fn word(text: &str) -> &str {
    text.split(char::is_whitespace).next().unwrap_or_default()
}

/// Whether `host:3478?transport=tcp` is meant, not a user and a password whose server was forgotten.
fn names_a_port(text: &str) -> bool {
    let port = text.rsplit(':').next().unwrap_or_default().split('?').next().unwrap_or_default();
    port.parse::<u16>().is_ok()
}

/// Where the marker that comes first ends, in whatever case it is written.
fn end_of_first(text: &str, markers: &[&str]) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    markers.iter().filter_map(|marker| lower.find(marker).map(|at| at + marker.len())).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn passwords_are_replaced_and_all_else_stays() {
        for (text, shown) in [
            ("turn:me:secret@relay:3478?transport=tcp", "turn:me:***@relay:3478?transport=tcp"),
            ("--ice-server=TURNS:me:a@b:c d@relay", "--ice-server=TURNS:me:***@relay"),
            ("turn://me:secret@relay", "turn://me:***@relay"),
            ("rtspsrc location=rtsp://me:secret@cam/1 ! a@b", "rtspsrc location=rtsp://me:***@cam/1 ! a@b"),
            ("stun:stun.example.org", "stun:stun.example.org"),
            ("turn:relay", "turn:relay"),
            ("turn:me@relay", "turn:me@relay"),
            ("turn:relay:3478?transport=udp x", "turn:relay:3478?transport=udp x"),
            ("stun://relay:3478", "stun://relay:3478"),
            ("turn:me:secret", "turn:me:***"),
            ("x turn:a:b@c\ny turn:d:e@f\n", "x turn:a:***@c\ny turn:d:***@f\n"),
        ] {
            assert_eq!(redact(text), shown);
        }
        assert_eq!(redact_command(["rebound", "--ice-server", "turn:a:b@c"]), ["rebound", "--ice-server", "turn:a:***@c"]);
    }

    proptest! {
        #[test]
        fn no_password_survives(user in "[a-z0-9]{1,8}", password in "[ -~]{0,12}", head in "[ -~]{0,8}") {
            let secret = format!("SECRET{password}SECRET");
            let shown = redact(&format!("{head}turn:{user}:{secret}@relay.example.org:3478"));
            prop_assert!(!shown.contains("SECRET"), "{}", shown);
            prop_assert!(shown.ends_with("@relay.example.org:3478"), "{}", shown);
        }

        #[test]
        fn any_text_is_read(text in any::<String>()) {
            redact(&text);
        }
    }
}

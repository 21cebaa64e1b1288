//! The small grammar that SDP and candidates share.

/// `ice-char` of RFC 8839 section 5.1: letters, digits, `+` and `/`.
pub(super) fn is_ice_chars(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

/// `token` of RFC 8866 section 9.
pub(super) fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

/// A decimal number within `min..=max`: digits only, no sign, at most ten of them.
pub(super) fn number<N: TryFrom<u64>>(text: &str, min: u64, max: u64) -> Option<N> {
    let digits = (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = if digits { text.parse().ok()? } else { return None };
    if (min..=max).contains(&value) { N::try_from(value).ok() } else { None }
}

//! Secrets, read from files: what stands on a command line, everybody on the machine can read.

use std::io;
use std::path::{Path, PathBuf};

use crate::access::{ShortSecret, TokenKey, TurnKey};

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No file was named.
    #[error(
        "tokens are signed with a secret: name the file that holds it with --secret-file FILE; make one with: openssl rand -hex 32 > FILE"
    )]
    Missing,
    /// TURN servers without their secret.
    #[error("--turn-url needs --turn-secret-file FILE, with what coturn has as static-auth-secret")]
    NoTurnSecret,
    /// The file cannot be read.
    #[error("the secret in {} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is in it does not do.
    #[error("the secret in {} does not do: {why}", path.display())]
    Unfit {
        /// Which.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
}

/// What stands in the file, without the end of line that editors put there.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, SecretError> {
    let mut secret = std::fs::read(path).map_err(|source| SecretError::Unreadable { path: path.to_owned(), source })?;
    secret.truncate(secret.trim_ascii_end().len());
    Ok(secret)
}

/// The key of the hub whose secret stands in this file, which has to be named.
///
/// # Errors
/// When there is none, it cannot be read, or is too short.
pub fn token_key(path: Option<&Path>) -> Result<TokenKey, SecretError> {
    let path = path.ok_or(SecretError::Missing)?;
    let unfit = |why: ShortSecret| SecretError::Unfit { path: path.to_owned(), why: why.to_string() };
    TokenKey::new(&read(path)?).map_err(unfit)
}

/// What makes passwords for the TURN servers whose secret stands in this file, which has to be named.
///
/// # Errors
/// When there is none, it cannot be read, or is empty.
pub fn turn_key(path: Option<&Path>) -> Result<TurnKey, SecretError> {
    let path = path.ok_or(SecretError::NoTurnSecret)?;
    match read(path)? {
        secret if secret.is_empty() => Err(SecretError::Unfit { path: path.to_owned(), why: "it is empty".to_owned() }),
        secret => Ok(TurnKey::new(&secret)),
    }
}

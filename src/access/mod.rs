//! Who may do what at a hub: tokens, which are signed and expire.

mod token;

pub use token::{Claims, LEAST_SECRET_BYTES, ShortSecret, TokenError, TokenKey, TokenRole};

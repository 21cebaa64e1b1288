//! Who may do what: tokens for the hub, and passwords for its TURN servers. Both expire by themselves.

mod token;
mod turn;

pub use token::{Claims, LEAST_SECRET_BYTES, Overreach, ShortSecret, TokenError, TokenKey, TokenRole};
pub use turn::{TurnCredential, TurnKey};

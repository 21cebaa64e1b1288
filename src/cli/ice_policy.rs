//! Which ways between peers may be used.

use clap::{Args, ValueEnum};

/// `--ice-policy`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum IcePolicy {
    /// The shortest that works.
    #[default]
    All,
    /// Only by way of a TURN server.
    Relay,
}

/// The way to the other side.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct IcePolicyArgs {
    /// Which ways to the other side may be used: 'all', or 'relay' for none but TURN servers, which hides our addresses from it
    #[arg(long, value_name = "WAYS", default_value = "all")]
    pub ice_policy: IcePolicy,
}

impl IcePolicyArgs {
    /// Whether no other ways than TURN servers may be used.
    pub fn is_relay_only(self) -> bool {
        self.ice_policy == IcePolicy::Relay
    }
}

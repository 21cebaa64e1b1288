//! TLS, for whoever listens and for whoever connects: certificates from files, one provider of cryptography for all.

mod asking;
mod error;
mod serving;

pub use asking::trusting;
pub use error::TlsError;
pub use serving::Identity;

/// Makes ring the provider of all TLS in this process, before anything speaks it.
pub fn install() {
    // Whoever was first chose the same: there is no other in this program.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests;

//! TLS: what a hub shows, and what is believed.

use std::path::PathBuf;

use clap::Args;

/// The certificate of a hub.
#[derive(Clone, Debug, Default, Args)]
pub struct TlsArgs {
    /// Speak TLS (wss:// and https://) with the certificate in this PEM file, its authorities' behind it; needs --tls-key
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// PEM file with the private key of the certificate
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
}

/// Whose certificates are good.
#[derive(Clone, Debug, Default, Args)]
pub struct TrustArgs {
    /// Of servers with TLS (wss://), trust only those with a certificate of the authorities in this PEM file [default: the
    /// authorities that this machine trusts]
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
}

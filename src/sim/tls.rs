//! The simulator's own certificate authority and the server certificate it signs, new at every start.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{self, ServerConfig};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate or key could not be made.
    #[error("could not make the simulator's certificates: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused them.
    #[error("could not set TLS up: {0}")]
    Setup(#[from] rustls::Error),
}

/// What the server needs, and what clients must trust.
pub(super) struct Tls {
    pub(super) server: Arc<ServerConfig>,
    /// The authority's certificate.
    pub(super) ca_pem: String,
}

/// Makes an authority and a certificate for `localhost`, `127.0.0.1`, `hub_host` and `address`, both ECDSA P-256.
pub(super) fn generate(hub_host: &str, address: IpAddr) -> Result<Tls, TlsError> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "edgedeck simulated hub CA");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let address = address.to_string();
    let names = ["localhost", "127.0.0.1", hub_host, &address].map(str::to_owned);
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name.push(DnType::CommonName, hub_host);
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &issuer)?;

    let mut server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::from(key))?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls { server: Arc::new(server), ca_pem: issuer.pem() })
}

//! TLS on the data listener: certificate and key from files, HTTP/2 and HTTP/1.1 by ALPN.
//!
//! Pingora's own builder panics on a bad file; a bad file is an error of configuration here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pingora_core::listeners::tls::Acceptor;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::ProxyError;

/// Where the data listener's certificate is.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// Certificate chain, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// The acceptor that `options` describe: TLS 1.2 and 1.3 with ring.
pub(super) fn acceptor(options: &TlsOptions) -> Result<Acceptor, ProxyError> {
    let bad = |path: &Path, reason: String| ProxyError::Tls { path: path.to_owned(), reason };
    let chain: Vec<_> = CertificateDer::pem_file_iter(&options.cert)
        .and_then(Iterator::collect)
        .map_err(|fault| bad(&options.cert, fault.to_string()))?;
    if chain.is_empty() {
        return Err(bad(&options.cert, "holds no certificate".to_owned()));
    }
    let key =
        PrivateKeyDer::from_pem_file(&options.key).map_err(|fault| bad(&options.key, fault.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|fault| bad(&options.key, fault.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Acceptor::from_server_config(Arc::new(config)))
}

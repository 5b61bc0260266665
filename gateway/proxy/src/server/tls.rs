//! TLS on the data listener: certificate and key from files, HTTP/2 and HTTP/1.1 by ALPN.
//!
//! The files are read at the start, when the program asks for it, and once an hour: a renewed certificate comes into use
//! without a restart, for handshakes from then on. A pair that cannot be used never takes the place of one that can.
//! Pingora's own builder panics on a bad file; a bad file is an error of configuration here.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use pingora_core::listeners::tls::Acceptor;
use pingora_core::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;
use prometheus::{IntGauge, Registry};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use shuzha_core::{Clock, Timestamp};
use x509_cert::der::Decode;

use crate::error::ProxyError;

/// Largest certificate or key file: a chain of a dozen certificates is a tenth of it.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Modes that the key's file must not have: write for the group, anything for others. A group may read it, as where a
/// service account is a member of the group that owns the host's certificates.
const KEY_MODE_REFUSED: u32 = 0o027;
/// Time between two readings of the files.
const READ_AGAIN: Duration = Duration::from_secs(60 * 60);
/// From so many days before its end on, a certificate is warned of.
pub const RENEW_DAYS: i64 = 30;
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Where the data listener's certificate is.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// Certificate chain, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

impl TlsOptions {
    /// Reads both files as a server would, and says how the certificate stands at `now`.
    ///
    /// # Errors
    /// [`ProxyError::Tls`] names the file that is missing, is open to others, holds nothing usable, or belongs to another
    /// certificate.
    pub fn check(&self, now: Timestamp) -> Result<CertificateState, ProxyError> {
        self.load().map(|pair| pair.state(now))
    }

    fn load(&self) -> Result<Pair, ProxyError> {
        let bad = |path: &Path, reason: String| ProxyError::Tls { path: path.to_owned(), reason };
        let text = read(&self.cert, 0).map_err(|reason| bad(&self.cert, reason))?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
            .collect::<Result<_, _>>()
            .map_err(|fault| bad(&self.cert, fault.to_string()))?;
        let leaf = chain.first().ok_or_else(|| bad(&self.cert, "holds no certificate".to_owned()))?;
        let (not_before, not_after) = validity(leaf).map_err(|reason| bad(&self.cert, reason))?;
        let text = read(&self.key, KEY_MODE_REFUSED).map_err(|reason| bad(&self.key, reason))?;
        let key = PrivateKeyDer::from_pem_slice(&text).map_err(|fault| bad(&self.key, fault.to_string()))?;
        let provider = rustls::crypto::ring::default_provider();
        let certified = CertifiedKey::from_der(chain, key, &provider)
            .map_err(|fault| bad(&self.key, format!("does not go with the certificate: {fault}")))?;
        Ok(Pair { certified: Arc::new(certified), not_before, not_after })
    }
}

/// Certificate chain and key as read.
#[derive(Debug)]
struct Pair {
    certified: Arc<CertifiedKey>,
    /// Seconds since 1970, as the next.
    not_before: i64,
    not_after: i64,
}

impl Pair {
    fn state(&self, now: Timestamp) -> CertificateState {
        CertificateState { days_left: (self.not_after - now.seconds()).div_euclid(DAY_SECONDS) }
    }

    /// Whether a caller with a right clock takes it.
    fn is_valid(&self, now: Timestamp) -> bool {
        (self.not_before..=self.not_after).contains(&now.seconds())
    }
}

/// The content of a regular file that has none of the modes in `refused`. A named pipe is not waited for.
fn read(path: &Path, refused: u32) -> Result<Vec<u8>, String> {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).expect("one bit");
    let open = || -> std::io::Result<(File, std::fs::Metadata)> {
        let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
        let about = file.metadata()?;
        Ok((file, about))
    };
    let (file, about) = open().map_err(|fault| fault.to_string())?;
    if !about.is_file() {
        return Err("is not a regular file".to_owned());
    }
    if about.mode() & refused != 0 {
        let mode = about.mode() & 0o777;
        return Err(format!("is open to others (mode {mode:o}): make it 600 and replace the key"));
    }
    let mut content = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut content).map_err(|fault| fault.to_string())?;
    if content.len() as u64 > FILE_BYTES_MAX {
        return Err("is larger than 1 MiB".to_owned());
    }
    Ok(content)
}

/// From when to when a certificate is valid, in seconds since 1970.
fn validity(certificate: &CertificateDer<'_>) -> Result<(i64, i64), String> {
    let read = x509_cert::Certificate::from_der(certificate).map_err(|fault| fault.to_string())?;
    let validity = read.tbs_certificate.validity;
    let seconds = |time: x509_cert::time::Time| {
        i64::try_from(time.to_unix_duration().as_secs()).map_err(|fault| fault.to_string())
    };
    Ok((seconds(validity.not_before)?, seconds(validity.not_after)?))
}

/// How the certificate in use stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateState {
    /// Whole days until it ends; negative once it has ended.
    pub days_left: i64,
}

/// The pair in use, and how to read it again.
struct Certificates<C> {
    options: TlsOptions,
    clock: C,
    current: Arc<InUse>,
    days_left: IntGauge,
    /// Days left when a warning was last given: one warning a day is enough.
    warned: AtomicI64,
}

/// What handshakes take the certificate from.
#[derive(Debug)]
struct InUse(ArcSwap<Pair>);

impl ResolvesServerCert for InUse {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().certified))
    }
}

/// Reading the files again, whatever the clock is.
pub(super) trait Renew: Send + Sync {
    /// Takes the files' pair into use, or keeps the one before.
    fn renew(&self) -> Result<CertificateState, ProxyError>;
}

/// What renews a certificate and what shows it, where there is TLS.
type Opened = (Option<Arc<dyn Renew>>, Option<Arc<Acceptor>>);

/// The certificate that `options` name, and an acceptor that shows it; none of either without TLS.
pub(super) fn open<C: Clock>(
    options: Option<&TlsOptions>,
    clock: C,
    metrics: &Registry,
) -> Result<Opened, ProxyError> {
    let Some(options) = options else { return Ok((None, None)) };
    let certificates = Certificates::open(options, clock, metrics)?;
    let acceptor = Arc::new(certificates.acceptor()?);
    Ok((Some(Arc::new(certificates)), Some(acceptor)))
}

impl<C: Clock> Certificates<C> {
    /// Reads the files for the first time.
    fn open(options: &TlsOptions, clock: C, metrics: &Registry) -> Result<Self, ProxyError> {
        let days_left = IntGauge::new(
            "shuzha_tls_certificate_days_left",
            "Whole days until the data listener's certificate ends; negative once it has ended.",
        )?;
        metrics.register(Box::new(days_left.clone()))?;
        let current = Arc::new(InUse(ArcSwap::from_pointee(options.load()?)));
        let warned = AtomicI64::new(i64::MAX);
        let opened = Self { options: options.clone(), clock, current, days_left, warned };
        opened.judge();
        Ok(opened)
    }

    /// An acceptor that shows whatever pair is in use: TLS 1.2 and 1.3 with ring.
    fn acceptor(&self) -> Result<Acceptor, ProxyError> {
        let bad = |fault: rustls::Error| ProxyError::Tls {
            path: self.options.key.clone(),
            reason: fault.to_string(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&self.current) as _;
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(bad)?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Acceptor::from_server_config(Arc::new(config)))
    }

    /// Counts the days that are left, and warns of few.
    fn judge(&self) -> CertificateState {
        let state = self.current.0.load().state(self.clock.now());
        let days_left = state.days_left;
        self.days_left.set(days_left);
        if days_left >= RENEW_DAYS {
            self.warned.store(i64::MAX, Relaxed);
        } else if self.warned.swap(days_left, Relaxed) != days_left {
            tracing::warn!(
                days_left,
                "the TLS certificate ends soon or has ended: renew its files and send SIGHUP"
            );
        }
        state
    }
}

impl<C: Clock> Renew for Certificates<C> {
    fn renew(&self) -> Result<CertificateState, ProxyError> {
        let now = self.clock.now();
        let read = self.options.load().and_then(|pair| {
            // Nobody would take it, while somebody still takes the one in use.
            if !pair.is_valid(now) && self.current.0.load().is_valid(now) {
                let reason = "is not valid at present, while the one in use is".to_owned();
                return Err(ProxyError::Tls { path: self.options.cert.clone(), reason });
            }
            Ok(pair)
        });
        let renewed = read.map(|pair| self.current.0.store(Arc::new(pair)));
        // Also where nothing was renewed, time has passed.
        let state = self.judge();
        renewed.map(|()| state)
    }
}

/// The service that reads the files again as time goes by.
pub(super) struct Renewal(pub(super) Option<Arc<dyn Renew>>);

#[async_trait]
impl BackgroundService for Renewal {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let Some(certificates) = &self.0 else { return };
        loop {
            tokio::select! {
                () = tokio::time::sleep(READ_AGAIN) => {}
                _ = shutdown.changed() => return,
            }
            if let Err(fault) = certificates.renew() {
                let fault = fault.to_string();
                tracing::error!(fault, "the TLS files cannot be used: the certificate before stays in use");
            }
        }
    }
}

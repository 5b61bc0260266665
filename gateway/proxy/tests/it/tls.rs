//! To come: tls.

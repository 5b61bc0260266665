//! Consent tokens (个人授权).

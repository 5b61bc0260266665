//! The control plane as its callers meet it, on a real register.

mod access;
mod accounts;
mod disclosed;
mod evidence;
mod finance;
mod fits;
mod force;
mod laws;
mod marks;
mod operating;
mod promises;
mod secrets;
mod services;
mod stops;
mod twice;
mod verbs;
mod ways;

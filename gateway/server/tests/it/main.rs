//! The `shuzha` program as its users have it: real processes, real sockets, real files, on this machine only.
//!
//! Every test has a data folder, a product service and processes of its own. Tests wait for events (a line of the log,
//! an answer, the end of a process), never for time to pass.

mod abuse;
mod alerts;
mod anchors;
mod answers;
mod backup;
mod blind;
mod books;
mod bounds;
mod caller;
mod cli;
mod clock;
mod commands;
mod config;
mod demo;
mod domains;
mod egress;
mod evidence;
mod faults;
mod foreign;
mod home;
mod kill;
mod landed;
mod load;
mod node;
mod packages;
mod persons;
mod readme;
mod receipts;
mod reconcile;
mod reload;
mod review;
mod rotation;
mod secrecy;
mod serve;
mod service;
mod signals;
mod terminal;
mod tls;
mod traces;
mod unkept;
mod upgrade;
mod verify;
mod witness;

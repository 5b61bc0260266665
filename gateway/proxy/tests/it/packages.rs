//! To come: packages.

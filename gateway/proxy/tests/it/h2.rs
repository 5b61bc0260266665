//! To come: h2.

//! To come: upgrade.

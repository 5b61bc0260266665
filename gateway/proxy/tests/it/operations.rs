//! To come: operations.

//! To come: connections.

//! To come: drain.

//! To come: framing.

//! To come: upstreams.

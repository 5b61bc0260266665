//! Statistical queries under differential privacy.

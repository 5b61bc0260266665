//! Unit tests of replies.

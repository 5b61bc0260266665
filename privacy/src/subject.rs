//! Subjects: canonical identifiers and pairwise pseudonyms (privacy research §2.2).

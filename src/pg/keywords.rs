//! PostgreSQL's reserved words (appendix C).

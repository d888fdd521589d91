//! Tests against a real PostgreSQL server. `support` starts a throwaway one; `PGWARDEN_PG_BIN` chooses which.

mod support;

mod postgres {
    mod embedded;
    mod fixtures;
}

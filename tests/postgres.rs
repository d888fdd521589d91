//! Tests against a real PostgreSQL server. `support` starts a throwaway one; `PGWARDEN_PG_BIN` chooses which.

mod support;

mod postgres {
    mod db_cancel;
    mod db_catalog;
    mod db_login;
    mod db_run;
    mod embedded;
    mod fixtures;
}

//! Tests that need no PostgreSQL: they answer in seconds.

mod pure {
    mod architecture;
}

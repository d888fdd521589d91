//! Environment variables of our own: all are known, or pgwarden does not start.

use super::ConfigError;
use crate::catalog::closest;

const PREFIX: &str = "PGWARDEN_";

/// Every variable that pgwarden reads, besides `DATABASE_URL` and libpq's. Each stands for the flag of that name, but
/// for `PGWARDEN_LOG` (what to log) and `PGWARDEN_PG_BIN` (the demo's PostgreSQL).
pub const VARIABLES: [&str; 11] = [
    "PGWARDEN_ACCEPT",
    "PGWARDEN_CONFIG",
    "PGWARDEN_DATABASE",
    "PGWARDEN_LISTEN",
    "PGWARDEN_LOG",
    "PGWARDEN_LOG_FORMAT",
    "PGWARDEN_PG_BIN",
    "PGWARDEN_POLICY",
    "PGWARDEN_STORE",
    "PGWARDEN_STORE_KEY",
    "PGWARDEN_TOKENS_FILE",
];

/// Refuses a variable that starts with our prefix and is none of ours: a misspelt one would silently do nothing.
pub fn check_environment<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<(), ConfigError> {
    let mut unknown: Vec<&str> =
        names.into_iter().filter(|name| name.starts_with(PREFIX) && !VARIABLES.contains(name)).collect();
    unknown.sort_unstable();
    let Some(first) = unknown.first() else { return Ok(()) };
    let hint = match closest(first, VARIABLES) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("pgwarden reads {}", VARIABLES.join(", ")),
    };
    Err(ConfigError::new("environment", format!("unknown variable `{first}`")).hint(Some(hint)))
}

#[cfg(test)]
mod tests {
    use super::check_environment;

    #[test]
    fn variables_of_others_are_no_concern() {
        check_environment(["PATH", "PGHOST", "PGWARDEN_LISTEN", "DATABASE_URL"]).unwrap();
    }

    #[test]
    fn a_misspelt_variable_is_refused_with_the_closest_one() {
        let error = check_environment(["PGWARDEN_LISTN"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "environment: unknown variable `PGWARDEN_LISTN`\nhint: did you mean `PGWARDEN_LISTEN`?"
        );
        let error = check_environment(["PGWARDEN_FRIENDS_AND_FAMILY"]).unwrap_err();
        assert!(error.hint.unwrap().starts_with("pgwarden reads PGWARDEN_ACCEPT, PGWARDEN_CONFIG"));
    }
}

//! `replicas`: physical standbys of an entry's database, reached as `url` is.

use super::section::Fault;
use crate::db::{ConnectionSettings, PasswordFrom};

/// Seconds.
pub(super) const LAGS: std::ops::RangeInclusive<u64> = 1..=3_600;

/// One of them: the same login to the same database, by the same password where it is asked for.
pub(super) fn of(
    replica: ConnectionSettings,
    main: &ConnectionSettings,
) -> Result<ConnectionSettings, Fault> {
    if replica.user() != main.user() {
        let message = format!("logs in as `{}`, and `url` as `{}`", replica.user(), main.user());
        let hint = "a standby has the same logins: name that of `url`".to_owned();
        return Err(Fault::new(message, Some(hint)));
    }
    if replica.dbname() != main.dbname() {
        let message = format!("is for database `{}`, and `url` for `{}`", replica.dbname(), main.dbname());
        return Err(Fault::new(message, None));
    }
    if !replica.is_of_one_host() {
        let hint = "name each standby by a connection string of its own".to_owned();
        return Err(Fault::new("names several hosts in one", Some(hint)));
    }
    match (main.password_from(), replica.password_from()) {
        (PasswordFrom::Asked(_), PasswordFrom::Given) => {
            let message =
                "has a password, and that of `url` is asked for: `password_file` or `password_command`";
            Err(Fault::new(message, Some("leave it out: both are asked for".to_owned())))
        }
        (PasswordFrom::Asked(passwords), _) => Ok(replica.with_passwords(passwords.clone())),
        (_, _) => Ok(replica),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::read;
    use crate::db::ConnectionSettings;

    fn entry(keys: &str) -> Result<(Vec<ConnectionSettings>, Option<u64>), String> {
        let text = format!("[databases.shop]\nurl = 'postgresql://reader@db/shop'\n{keys}\n");
        let config = read(&text, Path::new("c.toml"), &|_| None).map_err(|error| error.to_string())?;
        let entry = &config.databases[0];
        Ok((entry.replicas.clone(), entry.replica_lag))
    }

    #[test]
    fn a_replica_is_the_same_database_by_the_same_login() {
        let (replicas, lag) = entry(
            "replicas = ['postgresql://reader@two/shop', 'postgresql://reader@three/shop']\nreplica_lag = 3\npassword_file = '/p'",
        )
        .unwrap();
        let places: Vec<String> = replicas.iter().map(ConnectionSettings::place).collect();
        assert_eq!(
            (places.as_slice(), lag),
            (&["two:5432/shop".to_owned(), "three:5432/shop".to_owned()][..], Some(3))
        );
        assert_eq!(replicas[1].password_from().to_string(), "`/p`");
        for (keys, fault) in [
            (
                "replicas = ['postgresql://ann@two/shop']",
                "3:13: `replicas` logs in as `ann`, and `url` as `reader`",
            ),
            (
                "replicas = ['postgresql://reader@two/hr']",
                "3:13: `replicas` is for database `hr`, and `url` for `shop`",
            ),
            (
                "replicas = ['postgresql://reader@two,three/shop']",
                "3:13: `replicas` names several hosts in one",
            ),
            (
                "replicas = 'postgresql://reader@two/shop'",
                "3:12: `replicas` is a string, an array of strings was expected",
            ),
            ("replica_lag = 0", "3:15: `replica_lag` is out of range: 1 to 3600"),
            (
                "password_file = '/p'\nreplicas = ['postgresql://reader:kanari@two/shop']",
                "4:13: `replicas` has a password, and that of `url` is asked for: `password_file` or `password_command`",
            ),
        ] {
            let refused = entry(keys).unwrap_err();
            assert!(refused.starts_with(&format!("c.toml:{fault}")), "{keys}: {refused}");
            assert!(!refused.contains("kanari"), "{refused}");
        }
    }
}

//! The connection parameters that we know, what each is called in the environment, and what we do not take.

use std::collections::BTreeMap;

use super::ConninfoError;

/// Accepted parameters by libpq's name.
pub(super) type Given = BTreeMap<&'static str, String>;

enum Treatment {
    Taken,
    /// libpq knows it and it changes nothing here.
    Ignored,
    /// libpq knows it; the hint says what to use instead.
    Unsupported(&'static str),
}

use Treatment::{Ignored, Taken, Unsupported};

/// libpq's name, its environment variable, what becomes of it.
const PARAMETERS: &[(&str, Option<&str>, Treatment)] = &[
    ("host", Some("PGHOST"), Taken),
    ("hostaddr", Some("PGHOSTADDR"), Taken),
    ("port", Some("PGPORT"), Taken),
    ("dbname", Some("PGDATABASE"), Taken),
    ("user", Some("PGUSER"), Taken),
    ("password", Some("PGPASSWORD"), Taken),
    ("passfile", Some("PGPASSFILE"), Taken),
    ("options", Some("PGOPTIONS"), Taken),
    ("application_name", Some("PGAPPNAME"), Taken),
    ("fallback_application_name", None, Taken),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT"), Taken),
    ("keepalives", None, Taken),
    ("keepalives_idle", None, Taken),
    ("keepalives_interval", None, Taken),
    ("keepalives_count", None, Taken),
    ("tcp_user_timeout", None, Taken),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS"), Taken),
    ("channel_binding", Some("PGCHANNELBINDING"), Taken),
    ("sslmode", Some("PGSSLMODE"), Taken),
    ("sslrootcert", Some("PGSSLROOTCERT"), Taken),
    ("sslcert", Some("PGSSLCERT"), Taken),
    ("sslkey", Some("PGSSLKEY"), Taken),
    ("client_encoding", None, Taken),
    ("sslcompression", None, Ignored),
    ("sslsni", Some("PGSSLSNI"), Ignored),
    ("gssencmode", Some("PGGSSENCMODE"), Ignored),
    ("krbsrvname", Some("PGKRBSRVNAME"), Ignored),
    ("gsslib", Some("PGGSSLIB"), Ignored),
    (
        "service",
        Some("PGSERVICE"),
        Unsupported("write what the service stands for: host, port, dbname, user"),
    ),
    (
        "servicefile",
        Some("PGSERVICEFILE"),
        Unsupported("write what the service stands for: host, port, dbname, user"),
    ),
    ("sslpassword", None, Unsupported("use a key file without a password, readable by its owner only")),
    ("sslcrl", Some("PGSSLCRL"), Unsupported("revocation lists are not checked")),
    ("sslcrldir", Some("PGSSLCRLDIR"), Unsupported("revocation lists are not checked")),
    (
        "sslnegotiation",
        Some("PGSSLNEGOTIATION"),
        Unsupported("TLS is negotiated the usual way: leave it out"),
    ),
    ("requirepeer", Some("PGREQUIREPEER"), Unsupported("use TLS with `sslmode=verify-full`")),
    ("require_auth", Some("PGREQUIREAUTH"), Unsupported("use `channel_binding=require`")),
    ("load_balance_hosts", Some("PGLOADBALANCEHOSTS"), Unsupported("hosts are tried in order")),
    ("replication", None, Unsupported("pgwarden does not replicate")),
];

/// Sorts the parameters of a string: unknown and unsupported ones are errors that name them.
pub(super) fn accept(given: Vec<(String, String)>) -> Result<Given, ConninfoError> {
    let mut out = Given::new();
    for (name, value) in given {
        let Some((known, _, treatment)) = PARAMETERS.iter().find(|(known, ..)| *known == name) else {
            return Err(unknown(&name));
        };
        match treatment {
            Taken if out.contains_key(known) => {
                return Err(ConninfoError::new(format!("connection parameter `{known}` is given twice")));
            }
            Taken => {
                out.insert(known, value);
            }
            Ignored => {}
            Unsupported(hint) => {
                return Err(ConninfoError::new(format!("connection parameter `{known}` is not supported"))
                    .hint(*hint));
            }
        }
    }
    Ok(out)
}

/// Fills what is not given from the environment.
pub(super) fn fill(given: &mut Given, env: super::Environment<'_>) -> Result<(), ConninfoError> {
    for (name, variable, treatment) in PARAMETERS {
        let Some(variable) = variable else { continue };
        let Some(value) = env(variable).filter(|value| !value.is_empty()) else { continue };
        match treatment {
            Taken => {
                given.entry(name).or_insert(value);
            }
            // A service could name the whole connection, so that passing over it would connect elsewhere.
            Unsupported(hint) if *name == "service" => {
                return Err(ConninfoError::new(format!(
                    "environment variable `{variable}` is not supported"
                ))
                .hint(*hint));
            }
            Ignored | Unsupported(_) => {}
        }
    }
    Ok(())
}

fn unknown(name: &str) -> ConninfoError {
    let names = PARAMETERS.iter().filter(|(.., t)| matches!(t, Taken)).map(|(name, ..)| *name);
    // Only what looks like a keyword is quoted back: anything else may be part of a password.
    let word = name.chars().all(|c| c.is_ascii_lowercase() || c == '_') && name.len() <= 32;
    let error = if word {
        ConninfoError::new(format!("unknown connection parameter `{name}`"))
    } else {
        ConninfoError::new("unknown connection parameter")
    };
    match crate::catalog::closest(name, names) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => {
            error.hint("the parameters are those of libpq: host, port, dbname, user, password, sslmode, ..")
        }
    }
}

//! `run_as` and `claims_as_settings`: as whom a database sees callers, and what its row security is told of them.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::section::{Fault, each, integer, string, strings};
use crate::catalog::closest;
use crate::gateway::{OwnLogins, RunAs};

const FORMS: &str = "`\"login\"`, `\"own_login\"`, `{ role_claim = \"role\", roles = [\"analyst\"] }` or `{ own_logins = 20, idle_seconds = 300 }`";
const LOGINS: std::ops::RangeInclusive<u64> = 1..=1_000;
const IDLE: std::ops::RangeInclusive<u64> = 1..=86_400;

pub(super) fn run_as(value: &DeValue<'_>) -> Result<RunAs, Fault> {
    if let Some(table) = value.as_table() {
        return of_table(table);
    }
    let word = value.as_str().ok_or_else(|| Fault::new("is none of its forms", Some(FORMS.to_owned())))?;
    match word {
        "login" => Ok(RunAs::Login),
        "own_login" => Ok(RunAs::OwnLogin(OwnLogins::default())),
        other => {
            let near = closest(other, ["login", "own_login"]);
            let hint = near.map_or_else(|| FORMS.to_owned(), |near| format!("did you mean `{near}`?"));
            Err(Fault::new(format!("is `{other}`"), Some(hint)))
        }
    }
}

fn of_table(table: &DeTable<'_>) -> Result<RunAs, Fault> {
    let keys: Vec<&str> = table.keys().map(|key| key.get_ref().as_ref()).collect();
    let only = |known: &[&str]| keys.iter().all(|key| known.contains(key));
    let value = |key: &str| table.get(key).map(Spanned::get_ref);
    let named =
        |key: &str, fault: Fault| Fault::new(format!("has a `{key}` that {}", fault.message), fault.hint);
    if let (Some(claim), Some(roles), true) =
        (value("role_claim"), value("roles"), only(&["role_claim", "roles"]))
    {
        let claim = string(claim).map_err(|fault| named("role_claim", fault))?;
        let roles: Vec<String> = each(roles, role)?;
        return match roles.is_empty() {
            true => Err(Fault::new("names no `roles`", Some("callers take no others: name each".to_owned()))),
            false => Ok(RunAs::Role { claim, roles }),
        };
    }
    if !keys.is_empty() && only(&["own_logins", "idle_seconds"]) {
        let default = OwnLogins::default();
        let most = value("own_logins").map(integer(LOGINS)).transpose();
        let idle = value("idle_seconds").map(integer(IDLE)).transpose();
        let most = most.map_err(|fault| named("own_logins", fault))?;
        let idle = idle.map_err(|fault| named("idle_seconds", fault))?;
        return Ok(RunAs::OwnLogin(OwnLogins {
            most: most.and_then(|most| usize::try_from(most).ok()).unwrap_or(default.most),
            idle: idle.map_or(default.idle, Duration::from_secs),
        }));
    }
    Err(Fault::new("is none of its forms", Some(FORMS.to_owned())))
}

/// A role that callers may take. Those of PostgreSQL's own carry more than they show.
fn role(name: &str) -> Result<String, Fault> {
    let fault = |message: &str| Err(Fault::new(format!("names `{name}`, {message}"), None));
    match name {
        "" => fault("which is no role"),
        "none" | "public" => fault("which is no role, but a key word"),
        _ if name.starts_with("pg_") => fault("one of PostgreSQL's own roles"),
        _ if name.len() > 63 || name.contains('\0') => fault("which PostgreSQL cannot have as a name"),
        _ => Ok(name.to_owned()),
    }
}

/// Claims whose names can be a setting's.
pub(super) fn claims(value: &DeValue<'_>) -> Result<Vec<String>, Fault> {
    let names = strings(value)?;
    let plain = |name: &str| {
        let word = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
        (1..=50).contains(&name.len())
            && name.chars().all(word)
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    match names.iter().find(|name| !plain(name)) {
        Some(name) => {
            let hint = "a setting's name has small letters, digits and `_`, at most 50".to_owned();
            Err(Fault::new(format!("names the claim `{name}`, which cannot be a setting's name"), Some(hint)))
        }
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use crate::config::{Config, read};
    use crate::gateway::{OwnLogins, RunAs};

    fn parse(lines: &str) -> Result<Config, String> {
        let text = format!("[databases.shop]\nurl = \"postgres://gate@localhost/shop\"\n{lines}\n");
        read(&text, Path::new("pgwarden.toml"), &|_| None).map_err(|error| error.to_string())
    }

    fn run_as(value: &str) -> RunAs {
        parse(&format!("run_as = {value}")).unwrap().databases.remove(0).run_as
    }

    #[test]
    fn each_form_is_read() {
        assert_eq!(parse("").unwrap().databases[0].run_as, RunAs::Login);
        assert_eq!(run_as("\"login\""), RunAs::Login);
        assert_eq!(run_as("\"own_login\""), RunAs::OwnLogin(OwnLogins::default()));
        let bounds = OwnLogins { most: 3, idle: Duration::from_secs(60) };
        assert_eq!(run_as("{ own_logins = 3, idle_seconds = 60 }"), RunAs::OwnLogin(bounds));
        let (claim, roles) = ("role".to_owned(), vec!["analyst".to_owned(), "Support Staff".to_owned()]);
        assert_eq!(
            run_as("{ role_claim = \"role\", roles = [\"analyst\", \"Support Staff\"] }"),
            RunAs::Role { claim, roles }
        );
        let settings = parse("claims_as_settings = [\"tenant\", \"team_2\"]").unwrap();
        assert_eq!(settings.databases[0].claims_as_settings, ["tenant", "team_2"]);
    }

    #[test]
    fn what_is_not_meant_is_refused_with_a_hint() {
        for (line, words) in [
            ("run_as = \"own_logn\"", "did you mean `own_login`?"),
            ("run_as = \"role\"", "`run_as` is `role`"),
            ("run_as = 3", "`run_as` is none of its forms"),
            ("run_as = { role_claim = \"role\" }", "`run_as` is none of its forms"),
            ("run_as = { role_claim = \"role\", roles = [], x = 1 }", "`run_as` is none of its forms"),
            ("run_as = { role_claim = \"role\", roles = [] }", "names no `roles`"),
            ("run_as = { role_claim = \"role\", roles = [\"none\"] }", "a key word"),
            ("run_as = { role_claim = \"role\", roles = [\"pg_monitor\"] }", "PostgreSQL's own"),
            ("run_as = { own_logins = 0 }", "`own_logins` that is out of range"),
            ("claims_as_settings = [\"a.b\"]", "names the claim `a.b`"),
            ("claims_as_settings = [\"https://x\"]", "cannot be a setting's name"),
        ] {
            let refusal = parse(line).unwrap_err();
            assert!(refusal.contains(words), "{line}: {refusal}");
        }
    }

    #[test]
    fn a_policys_login_sees_the_same_database() {
        let policy = |login: &str| {
            parse(&format!(
                "[[databases.shop.policies]]\nwhen = {{ role = \"support\" }}\npolicy = \"support.toml\"\nlogin = \"{login}\""
            ))
        };
        let config = policy("postgres://support:s3cret@localhost/shop").unwrap();
        let login = config.databases[0].policies[0].login.as_ref().unwrap();
        assert_eq!(login.shown(), "support@localhost:5432/shop");
        assert!(!format!("{config:?}").contains("s3cret"));
        for (login, words) in [
            ("postgres://support@localhost/other", "is for database `other`"),
            ("postgres://gate@localhost/shop", "logs in as `gate`, as `url` does"),
        ] {
            let refusal = policy(login).unwrap_err();
            assert!(refusal.contains(words), "{refusal}");
        }
    }
}

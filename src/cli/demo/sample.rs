//! The sample database, carried by the program itself.

use anyhow::anyhow;

pub(super) const DATABASE: &str = "shop";
pub(super) const LOGIN: &str = "pgwarden_demo";
pub(super) const CREATE_DATABASE: &str = "CREATE DATABASE shop TEMPLATE template0 ENCODING 'UTF8'";

macro_rules! scripts {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../migrations-fixtures/shop/", $name)))),+]
    };
}

/// In the order in which they are run, by a superuser.
pub(super) const SHOP: &[(&str, &str)] = scripts![
    "01_schemas.sql",
    "02_types.sql",
    "03_tables_shop.sql",
    "04_tables_staff_app.sql",
    "05_seed.sql",
    "06_rows_shop.sql",
    "07_rows_orders.sql",
    "08_rows_staff_app.sql",
    "09_keys.sql",
    "10_views_functions.sql",
    "11_corner.sql",
    "12_corner_code.sql",
    "13_corner_rows.sql",
    "14_finish.sql",
];

/// Saved queries over it.
pub(super) const QUERIES: &str = include_str!("../../../policies/demo.queries.toml");

const LOGIN_SCRIPT: &str = include_str!("../../../migrations-fixtures/login.sql");
const CORNER_SCRIPT: &str = include_str!("../../../migrations-fixtures/login_corner.sql");

/// Makes the login that can read what it should. `corner` lets it into the hostile corner too.
pub(super) fn login(corner: bool) -> anyhow::Result<String> {
    // The socket's folder keeps others out; the password is for whoever opens the server wider.
    let mut password = [0_u8; 16];
    getrandom::fill(&mut password).map_err(|error| anyhow!("the system gave no random bytes: {error}"))?;
    let password: String = password.iter().map(|byte| format!("{byte:02x}")).collect();
    let script = if corner { format!("{LOGIN_SCRIPT}\n{CORNER_SCRIPT}") } else { LOGIN_SCRIPT.to_owned() };
    Ok(script
        .replace(":\"login\"", &format!("\"{LOGIN}\""))
        .replace(":'login'", &format!("'{LOGIN}'"))
        .replace(":'password'", &format!("'{password}'")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{SHOP, login};

    #[test]
    fn the_program_carries_every_script_in_order() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations-fixtures/shop");
        let mut names: Vec<String> = folder
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".sql"))
            .collect();
        names.sort();
        let carried: Vec<&str> = SHOP.iter().map(|(name, _)| *name).collect();
        assert_eq!(carried, names);
    }

    #[test]
    fn no_variable_is_left_in_the_login_script() {
        let script = login(true).unwrap();
        for variable in [":\"", ":'"] {
            let left: Vec<&str> = script.lines().filter(|line| line.contains(variable)).collect();
            let casts = |line: &&str| line.contains("::\"") || line.contains("::'");
            assert!(left.iter().all(casts), "{left:?}");
        }
        assert!(script.contains("GRANT USAGE ON SCHEMA corner"));
        assert!(!login(false).unwrap().contains("GRANT USAGE ON SCHEMA corner"));
    }
}

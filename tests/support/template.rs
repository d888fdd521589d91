//! The databases that tests start from.

use std::fs;
use std::path::Path;

/// The least-privilege login of the sample database, as `migrations-fixtures/login.sql` makes it. All tests share it:
/// a test that changes a login makes its own by [`super::Database::create_login`].
pub const READER: &str = "shop_reader";

/// The same with the grants of `migrations-fixtures/login_corner.sql`.
pub const CORNER_READER: &str = "corner_reader";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Template {
    /// What PostgreSQL itself puts into a new database.
    Empty,
    /// The sample database: every `migrations-fixtures/shop/*.sql` in the order of their names, the optional
    /// extensions, and the logins [`READER`] and [`CORNER_READER`].
    Shop,
    /// The database of `tests/fixtures/sql_cases.jsonl`.
    Cases,
}

impl Template {
    /// Those that are loaded from files.
    pub const LOADED: [Self; 2] = [Self::Shop, Self::Cases];

    /// The database that is copied.
    pub fn database(self) -> &'static str {
        match self {
            Self::Empty => "template0",
            Self::Shop => "template_shop",
            Self::Cases => "template_cases",
        }
    }

    /// What is run in it, in this order, as the superuser.
    pub fn scripts(self) -> Vec<Script> {
        match self {
            Self::Empty => Vec::new(),
            Self::Cases => vec![Script::read("tests/fixtures/sql_cases_fixture.sql")],
            Self::Shop => {
                let mut scripts = sorted("migrations-fixtures/shop");
                scripts.extend(sorted("migrations-fixtures/optional"));
                scripts.push(Script::login(READER));
                scripts.push(Script::login(CORNER_READER));
                scripts.push(Script::corner_login(CORNER_READER));
                scripts
            }
        }
    }
}

/// A file of statements, its variables filled in.
pub struct Script {
    pub name: String,
    pub text: String,
}

impl Script {
    /// Makes `role`, or makes it fit for this database.
    pub fn login(role: &str) -> Self {
        Self::read("migrations-fixtures/login.sql").filled(role)
    }

    pub fn corner_login(role: &str) -> Self {
        Self::read("migrations-fixtures/login_corner.sql").filled(role)
    }

    fn read(path: &str) -> Self {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
        Self { name: path.to_owned(), text: text.unwrap_or_else(|error| panic!("{path}: {error}")) }
    }

    /// Fills in psql's variables `login` and `password`; nobody is asked for the latter.
    fn filled(mut self, role: &str) -> Self {
        for (variable, value) in [("login", role), ("password", "open sesame")] {
            self.text = self.text.replace(&format!(":'{variable}'"), &format!("'{value}'"));
            self.text = self.text.replace(&format!(":\"{variable}\""), &format!("\"{value}\""));
        }
        self
    }
}

fn sorted(folder: &str) -> Vec<Script> {
    let entries =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).read_dir().into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| name.ends_with(".sql"));
    names.sort();
    names.iter().map(|name| Script::read(&format!("{folder}/{name}"))).collect()
}

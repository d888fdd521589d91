//! The databases that tests start from.

use std::path::{Path, PathBuf};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Template {
    /// What PostgreSQL itself puts into a new database.
    Empty,
    /// The sample database: every `migrations-fixtures/shop/*.sql`, in the order of their names.
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

    /// In the order in which they are run, each as the superuser.
    pub fn files(self) -> Vec<PathBuf> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        match self {
            Self::Empty => Vec::new(),
            Self::Cases => vec![root.join("tests/fixtures/sql_cases_fixture.sql")],
            Self::Shop => {
                let entries =
                    root.join("migrations-fixtures/shop").read_dir().into_iter().flatten().flatten();
                let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
                files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
                files.sort();
                files
            }
        }
    }
}

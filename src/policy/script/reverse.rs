//! The script that undoes what `apply` did.

use std::fmt::Write as _;

use super::apply::PROCEDURES;
use super::literal::literal;
use super::plan::Plan;
use crate::pg::quote_ident;

const UNDO: &str = include_str!("undo.sql");

impl Plan {
    pub fn reverse(&self) -> String {
        let (role, name) = (quote_ident(self.role()), literal(self.role()));
        let mut out = self.head("takes the policy out of the database again");
        out += PROCEDURES;
        out.push('\n');
        out += UNDO;
        let _ = write!(
            out,
            "\nCALL pg_temp.pgwarden_here({database});\n\
             \n-- Filters, and row security where only they needed it.\n\
             CALL pg_temp.pgwarden_stale({name}, ARRAY[]::text[]);\n\
             CALL pg_temp.pgwarden_give_back({name});\n\
             CALL pg_temp.pgwarden_nothing({name});\n\
             ALTER ROLE {role} IN DATABASE {quoted} RESET ALL;\n\
             -- Only a role that the script made goes; what another was granted before does not come back.\n\
             CALL pg_temp.pgwarden_drop({name});\n\
             \nCOMMIT;\n",
            database = literal(&self.database),
            quoted = quote_ident(&self.database),
        );
        out
    }
}

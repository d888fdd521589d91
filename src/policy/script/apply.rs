//! The script that gives a database what a [`Plan`] says. Run again, it changes nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::builtins::DANGEROUS_BUILTINS;
use super::literal::{array, comment, literal, names};
use super::plan::{Plan, Read, RoutineOf, TEMP_FILE_LIMIT};
use super::writes::word;
use crate::pg::{QualifiedName, quote_ident};

/// Shows every row to everybody, where the script turned row security on.
pub(super) const OTHERS: &str = "pgwarden_others";
pub(super) const PROCEDURES: &str = include_str!("procedures.sql");

impl Plan {
    pub fn apply(&self) -> String {
        let role = quote_ident(self.role());
        let mut out = self.head("gives the database the same policy");
        out += PROCEDURES;
        let _ = writeln!(out, "\nCALL pg_temp.pgwarden_here({});", literal(&self.database));
        self.login(&role, &mut out);
        self.grants(&role, &mut out);
        self.filters(&mut out);
        self.public(&mut out);
        out += "\nCOMMIT;\n";
        if !self.options.managed {
            self.superuser(&role, &mut out);
        }
        out
    }

    pub(super) fn head(&self, what: &str) -> String {
        let (role, database) = (comment(self.role()), comment(&self.database));
        let version = comment(&self.policy_version);
        format!(
            "-- pgwarden policy script: {what}, for the login {role} in the database {database}.\n\
             -- Policy {version}. Run it as the owner of what it grants, with CREATEROLE, or as a superuser.\n\
             \nBEGIN;\nSET LOCAL client_min_messages = warning;\n\n"
        )
    }

    fn login(&self, role: &str, out: &mut String) {
        let database = quote_ident(&self.database);
        *out += "\n-- The login. It has no password yet: psql's \\password sets one without showing it.\n";
        let _ = writeln!(out, "CALL pg_temp.pgwarden_role({});", literal(self.role()));
        let limit = self.options.connections;
        let _ = writeln!(
            out,
            "ALTER ROLE {role} WITH LOGIN NOCREATEDB NOCREATEROLE NOINHERIT CONNECTION LIMIT {limit};"
        );
        let _ = writeln!(out, "CALL pg_temp.pgwarden_nothing({});", literal(self.role()));
        let _ = writeln!(out, "GRANT CONNECT ON DATABASE {database} TO {role};");
        *out += "\n-- Defaults: a session can SET all of these otherwise. pgwarden's callers cannot.\n";
        for (name, value) in self.settings() {
            // A path is a list of names, anything else one value.
            let value = match name {
                "search_path" if value.is_empty() => "''".to_owned(),
                "search_path" => value,
                _ => literal(&value),
            };
            let _ = writeln!(out, "ALTER ROLE {role} IN DATABASE {database} SET {name} = {value};");
        }
    }

    fn grants(&self, role: &str, out: &mut String) {
        if !self.schemas.is_empty() {
            let _ = writeln!(out, "\nGRANT USAGE ON SCHEMA {} TO {role};", names(&self.schemas));
        }
        *out +=
            "\n-- What the policy shows and lets be written. Columns that are not named here get nothing.\n";
        for (name, read) in &self.reads {
            for (column, rule) in &read.masked {
                let _ = writeln!(
                    out,
                    "-- {}: pgwarden masks it in every statement ({rule}); the database shows it as it is.",
                    comment(column)
                );
            }
            match &read.columns {
                None => {
                    let _ = writeln!(out, "GRANT SELECT ON {} TO {role};", name.quoted());
                }
                Some(columns) => {
                    let columns = names(columns.iter().map(|(name, _)| name));
                    let _ = writeln!(out, "GRANT SELECT ({columns}) ON {} TO {role};", name.quoted());
                }
            }
        }
        for (name, writes) in &self.writes {
            let name = name.quoted();
            for (action, columns) in &writes.grants {
                let columns = columns.as_ref().map(|columns| format!(" ({})", names(columns)));
                let columns = columns.unwrap_or_default();
                let _ = writeln!(out, "GRANT {}{columns} ON {name} TO {role};", word(*action));
            }
            if writes.needs_place {
                *out += "-- pgwarden's UPDATE and DELETE name a row by its place.\n";
                let _ = writeln!(out, "GRANT SELECT (ctid, tableoid) ON {name} TO {role};");
            }
        }
        for routine in &self.routines {
            let _ = writeln!(out, "GRANT EXECUTE ON ROUTINE {} TO {role};", routine.signature());
        }
    }

    fn filters(&self, out: &mut String) {
        if self.reads.values().any(|read| !read.filters.is_empty()) {
            *out += "\n-- Row filters. Where row security was off, it is turned on, and a policy for PUBLIC that is always\n\
                     -- true keeps every row there for everybody else. Two things change for others who do not own the\n\
                     -- table: COPY .. FROM into it is refused, and pg_dump needs --enable-row-security.\n\
                     -- Where row security was on, its own policies go on deciding, and the filter narrows them.\n";
        }
        let mut told = BTreeSet::new();
        for (name, read) in &self.reads {
            self.filters_of(name, read, &mut told, out);
        }
        let kept = self.reads.iter().flat_map(|(name, read)| {
            let filters = read.filters.iter().filter(|_| read.can_filter());
            filters.map(move |filter| format!("{} {}.{}", filter.policy, name.schema, name.name))
        });
        let kept: Vec<String> = kept.collect();
        let kept = array(kept.iter().map(String::as_str));
        *out += "\n-- Filters of an earlier policy go.\n";
        let _ = writeln!(out, "CALL pg_temp.pgwarden_stale({}, {kept});", literal(self.role()));
    }

    /// `told` are the rules whose reach is explained already: partitions repeat them.
    fn filters_of<'p>(
        &'p self,
        name: &QualifiedName,
        read: &'p Read,
        told: &mut BTreeSet<&'p str>,
        out: &mut String,
    ) {
        let shown = comment(&name.to_string());
        for filter in &read.filters {
            let (rule, condition) = (&filter.rule, comment(&filter.condition));
            let _ = writeln!(out, "\n-- {rule} on {shown}: {condition}");
            if !read.can_filter() {
                let _ = writeln!(
                    out,
                    "-- NOT ENFORCED HERE: a {} has no row security. Only pgwarden holds this filter.",
                    read.kind.words()
                );
                continue;
            }
            if read.has_row_security {
                *out += "-- Row security was on already: where no policy of its own lets this login see rows, it sees none.\n";
            }
            if !filter.cut.claims.is_empty() && told.insert(rule) {
                *out += "-- pgwarden sets the caller's claims for each statement. Whoever logs in without pgwarden can set\n\
                         -- them as well: against such a session this filter needs a login for each tenant.\n";
            }
            for unread in &filter.unread {
                let _ = writeln!(
                    out,
                    "-- It reads a relation that the policy does not show, with the rights of the login, and fails without:\n\
                     -- GRANT SELECT ON {} TO {};",
                    comment(&unread.quoted()),
                    comment(&quote_ident(self.role()))
                );
            }
            let claims: Vec<String> =
                filter.cut.claims.iter().map(|claim| format!("pgwarden.{claim}")).collect();
            let _ = writeln!(
                out,
                "CALL pg_temp.pgwarden_filter({}, {}, {}, {}, {});",
                literal(&name.quoted()),
                literal(&filter.policy),
                literal(self.role()),
                array(filter.cut.parts.iter().map(String::as_str)),
                array(claims.iter().map(String::as_str)),
            );
        }
    }

    fn public(&self, out: &mut String) {
        *out += "\n-- What PUBLIC may do, this login may do too, unless it is taken from PUBLIC. Roles that can log in here now\n\
                 -- keep it by a grant of their own; a role that is made later needs one.\n";
        let routines: Vec<String> = self.denied_routines.iter().map(RoutineOf::plain).collect();
        let routines = array(routines.iter().map(String::as_str));
        let calls = format!(
            "CALL pg_temp.pgwarden_take_creation({role});\n\
             CALL pg_temp.pgwarden_take_routines({role}, ARRAY[]::text[], {routines});\n",
            role = literal(self.role())
        );
        if self.options.revoke_public {
            *out += &calls;
        } else {
            *out += "-- Not asked for: --revoke-public writes it.\n";
        }
    }

    fn superuser(&self, role: &str, out: &mut String) {
        let database = quote_ident(&self.database);
        let (name, value) = TEMP_FILE_LIMIT;
        *out += "\n\n-- ==== Needs a superuser; managed databases refuse this part. ====\n\
                 -- Without it the login can still call functions of PostgreSQL itself that make large objects, notify,\n\
                 -- or hold locks; not through pgwarden, which refuses them.\n\
                 \nBEGIN;\nSET LOCAL client_min_messages = warning;\n\n";
        let _ = writeln!(out, "ALTER ROLE {role} WITH NOSUPERUSER NOREPLICATION NOBYPASSRLS;");
        *out += "-- A session cannot raise this one.\n";
        let _ = writeln!(out, "ALTER ROLE {role} IN DATABASE {database} SET {name} = '{value}';");
        let builtins = array(DANGEROUS_BUILTINS.iter().copied());
        let _ = writeln!(
            out,
            "CALL pg_temp.pgwarden_take_routines({}, {builtins}, ARRAY[]::text[]);",
            literal(self.role())
        );
        *out += "\nCOMMIT;\n";
    }
}

impl RoutineOf {
    /// For GRANT: the arguments as PostgreSQL prints them, without the ORDER BY of an ordered-set aggregate.
    pub(super) fn signature(&self) -> String {
        let arguments = self.arguments.replace(" ORDER BY ", ", ");
        let arguments = arguments.strip_prefix("ORDER BY ").unwrap_or(&arguments);
        format!("{}({arguments})", self.name.quoted())
    }

    /// As `pgwarden_take_routines` compares it.
    fn plain(&self) -> String {
        format!("{}.{}({})", self.name.schema, self.name.name, self.arguments)
    }
}

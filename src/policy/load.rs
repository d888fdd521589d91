//! From a policy's text, and those it includes, to a [`Policy`]. What is not understood is an error with its place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use toml::Spanned;

use super::document::{self, Document, Text};
use super::limits::{CallerLimits, Limits, PlannerLimits, smaller};
use super::mask::{DatePart, MaskKey, MaskKind};
use super::pattern::Pattern;
use super::rule::{Action, Check, Denial, Filter, Grant, Mask, Policy};
use super::tool_group::ToolGroup;
use super::writes::Writes;
use super::{Expression, Place, PolicyError, extensions, functions};

/// What loading needs of the world.
pub struct Sources<'s> {
    /// The text of an included file. `Err` says why there is none.
    pub read: &'s dyn Fn(&Path) -> Result<String, String>,
    /// The secret in an environment variable, for keyed hashes.
    pub secret: &'s dyn Fn(&str) -> Option<String>,
}

impl Policy {
    /// Reads a policy that stands alone; `file` only serves messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, PolicyError> {
        let sources = Sources {
            read: &|path| Err(format!("`{}` cannot be included from here", path.display())),
            secret: &|_| None,
        };
        Self::load(text, Path::new(file), &sources)
    }

    /// Reads a policy and what it includes, relative to `file`.
    pub fn load(text: &str, file: &Path, sources: &Sources<'_>) -> Result<Self, PolicyError> {
        let mut policy = Self::empty();
        let mut loading =
            Loading { policy: &mut policy, sources, seen: BTreeSet::new(), digest: Sha256::new() };
        loading.file(text, file, "")?;
        let digest = loading.digest.finalize();
        policy.version = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Ok(policy)
    }
}

struct Loading<'l, 's> {
    policy: &'l mut Policy,
    sources: &'l Sources<'s>,
    seen: BTreeSet<PathBuf>,
    digest: Sha256,
}

/// One file while it is read.
struct Reading<'r> {
    file: Arc<str>,
    text: &'r str,
    /// Stands before the names of an included file's rules.
    prefix: String,
}

impl Loading<'_, '_> {
    fn file(&mut self, text: &str, path: &Path, prefix: &str) -> Result<(), PolicyError> {
        let reading =
            Reading { file: Arc::from(path.display().to_string()), text, prefix: prefix.to_owned() };
        self.seen.insert(path.to_owned());
        self.digest.update(text);
        self.digest.update([0]);
        let document: Document = toml::from_str(text)
            .map_err(|e| reading.error(e.span().map_or(0, |span| span.start), explain(e.message())))?;
        if *document.version.get_ref() != 1 {
            let found = document.version.get_ref();
            let message = format!("version {found} is not known; write version = 1");
            return Err(reading.error(document.version.span().start, message));
        }
        if prefix.is_empty() {
            self.policy.description.clone_from(&document.description);
        }
        for included in &document.include {
            self.include(included, path, &reading)?;
        }
        for extension in &document.extensions {
            let name = extension.get_ref();
            extensions::reviewed(name).map_err(|message| reading.error_at(extension, message))?;
            self.policy.extensions.insert(name.clone(), reading.place(extension.span().start));
        }
        self.policy.query_texts |= document.query_texts;
        if let Some(named) = &document.tools {
            let groups = named.iter().map(|word| {
                ToolGroup::read(word.get_ref()).map_err(|message| reading.error_at(word, message))
            });
            self.policy.tools.narrow(&groups.collect::<Result<_, _>>()?);
        }
        self.policy.explain_analyze |= document.explain_analyze;
        if let Some(written) = &document.writes {
            let writes =
                Writes::read(written.get_ref()).map_err(|message| reading.error_at(written, message))?;
            self.policy.writes = smaller(self.policy.writes.take(), Some(writes), Writes::stricter);
        }
        self.rules(&document, &reading)
    }

    fn include(&mut self, included: &Text, from: &Path, reading: &Reading<'_>) -> Result<(), PolicyError> {
        let path = from.parent().unwrap_or(Path::new("")).join(included.get_ref());
        if self.seen.contains(&path) {
            let message = format!("`{}` is included already", included.get_ref());
            return Err(reading.error_at(included, message));
        }
        let text = (self.sources.read)(&path).map_err(|message| reading.error_at(included, message))?;
        let stem = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        self.file(&text, &path, &format!("{stem}/"))
    }

    fn rules(&mut self, document: &Document, reading: &Reading<'_>) -> Result<(), PolicyError> {
        for (at, allow) in document.allow.iter().enumerate() {
            self.policy.allow.push(reading.grant(at, allow)?);
        }
        for (at, deny) in document.deny.iter().enumerate() {
            self.policy.deny.push(reading.denial(at, deny)?);
        }
        for (at, mask) in document.mask.iter().enumerate() {
            self.policy.masks.push(reading.mask(at, mask, self.sources)?);
        }
        for (at, filter) in document.filter.iter().enumerate() {
            self.policy.filters.push(Filter {
                name: reading.name("filter", at),
                relations: reading.relations(&filter.relations)?,
                condition: Expression::new(filter.condition.get_ref()),
                place: reading.place(filter.condition.span().start),
                optional: filter.optional,
            });
        }
        for (at, check) in document.check.iter().enumerate() {
            self.policy.checks.push(Check {
                name: reading.name("check", at),
                relations: reading.relations(&check.relations)?,
                condition: Expression::new(check.condition.get_ref()),
                place: reading.place(check.condition.span().start),
                optional: check.optional,
            });
        }
        self.limits(document.limits.as_ref(), reading)
    }

    fn limits(
        &mut self,
        limits: Option<&document::Limits>,
        reading: &Reading<'_>,
    ) -> Result<(), PolicyError> {
        let Some(found) = limits else { return Ok(()) };
        found
            .are_possible()
            .map_err(|message| reading.error(reading.text.find("[limits").unwrap_or(0), message))?;
        let document::Limits { rows, characters, seconds, joins, planner, caller } = found;
        let call = Limits { rows: *rows, characters: *characters, seconds: *seconds, joins: *joins };
        let planner = planner.as_ref().map(|p| PlannerLimits { cost: p.cost, rows: p.rows });
        let caller =
            caller.as_ref().map(|c| CallerLimits { concurrent: c.concurrent, per_minute: c.per_minute });
        let policy = &mut *self.policy;
        policy.limits = smaller(policy.limits, Some(call), Limits::smaller);
        policy.planner = smaller(policy.planner, planner, PlannerLimits::smaller);
        policy.caller = smaller(policy.caller, caller, CallerLimits::smaller);
        Ok(())
    }
}

impl Reading<'_> {
    fn place(&self, at: usize) -> Place {
        Place::of(&self.file, self.text, at)
    }

    fn error(&self, at: usize, message: impl Into<String>) -> PolicyError {
        PolicyError::new(&self.place(at), message)
    }

    fn error_at<T>(&self, spanned: &Spanned<T>, message: impl Into<String>) -> PolicyError {
        self.error(spanned.span().start, message)
    }

    fn name(&self, kind: &str, at: usize) -> String {
        format!("{}{kind}[{}]", self.prefix, at + 1)
    }

    fn grant(&self, at: usize, spanned: &Spanned<document::Allow>) -> Result<Grant, PolicyError> {
        let document::Allow { select, insert, update, delete, execute, security_definer, trust, optional } =
            spanned.get_ref();
        let (action, names) =
            self.one_action(spanned, "an allow", [select, insert, update, delete, execute])?;
        if *trust && action != Action::Select || *security_definer && action != Action::Execute {
            return Err(self.error_at(spanned, "`trust` is for `select`, `security_definer` for `execute`"));
        }
        let mut targets = Vec::new();
        for name in names {
            let pattern = self.target(action, name)?;
            if *trust && pattern.exact().is_none() {
                return Err(self.error_at(name, "a view that is trusted is named without `*`"));
            }
            if action == Action::Execute {
                functions::may_be_named(&pattern).map_err(|message| self.error_at(name, message))?;
            }
            targets.push((action, pattern));
        }
        Ok(Grant {
            name: self.name("allow", at),
            targets,
            security_definer: *security_definer,
            trust: *trust,
            optional: *optional,
        })
    }

    fn denial(&self, at: usize, spanned: &Spanned<document::Deny>) -> Result<Denial, PolicyError> {
        let document::Deny { select, insert, update, delete, execute, reason, optional } = spanned.get_ref();
        let (action, names) =
            self.one_action(spanned, "a deny", [select, insert, update, delete, execute])?;
        let targets = names.iter().map(|name| self.target(action, name)).collect::<Result<Vec<_>, _>>()?;
        let name = self.name("deny", at);
        Ok(Denial { name, action, targets, reason: reason.clone(), optional: *optional })
    }

    /// Of two, one could get lost, or belong to another rule whose first line did.
    fn one_action<'d, T>(
        &self,
        rule: &Spanned<T>,
        what: &str,
        [select, insert, update, delete, execute]: [&'d Option<Vec<Text>>; 5],
    ) -> Result<(Action, &'d [Text]), PolicyError> {
        let lists = [
            (Action::Select, select),
            (Action::Insert, insert),
            (Action::Update, update),
            (Action::Delete, delete),
            (Action::Execute, execute),
        ];
        let mut given = lists.into_iter().filter_map(|(action, names)| Some((action, names.as_ref()?)));
        let (Some((action, names)), None) = (given.next(), given.next()) else {
            let message = format!(
                "{what} names one action: `select`, `insert`, `update`, `delete` or `execute`; write a rule for each"
            );
            return Err(self.error_at(rule, message));
        };
        if names.is_empty() {
            return Err(
                self.error_at(rule, format!("{what} that names nothing does nothing: name something"))
            );
        }
        Ok((action, names))
    }

    fn mask(
        &self,
        at: usize,
        spanned: &Spanned<document::Mask>,
        sources: &Sources<'_>,
    ) -> Result<Mask, PolicyError> {
        let document::Mask { columns, with, predicates, optional } = spanned.get_ref();
        let mut patterns = Vec::new();
        for name in columns {
            let pattern = self.pattern(name)?;
            if !pattern.is_of_columns() {
                let message = format!("`{pattern}` is no column: write `schema.relation.column`");
                return Err(self.error_at(name, message));
            }
            patterns.push(pattern);
        }
        if patterns.is_empty() {
            return Err(self.error_at(spanned, "this rule masks nothing: name columns"));
        }
        let kind = mask_kind(with.get_ref(), sources).map_err(|message| self.error_at(with, message))?;
        Ok(Mask {
            name: self.name("mask", at),
            columns: patterns,
            kind,
            predicates: *predicates,
            place: self.place(with.span().start),
            optional: *optional,
        })
    }

    /// Relations as wholes.
    fn relations(&self, names: &[Text]) -> Result<Vec<Pattern>, PolicyError> {
        let mut patterns = Vec::new();
        for name in names {
            let pattern = self.pattern(name)?;
            if pattern.is_of_columns() {
                return Err(
                    self.error_at(name, format!("`{pattern}` is a column; a relation is needed here"))
                );
            }
            patterns.push(pattern);
        }
        if patterns.is_empty() {
            return Err(self.error(0, "a filter or check names no relation"));
        }
        Ok(patterns)
    }

    fn target(&self, action: Action, name: &Text) -> Result<Pattern, PolicyError> {
        let pattern = self.pattern(name)?;
        let no_columns = matches!(action, Action::Execute | Action::Delete);
        if no_columns && pattern.is_of_columns() {
            return Err(self.error_at(name, format!("`{action}` is not for columns")));
        }
        Ok(pattern)
    }

    fn pattern(&self, name: &Text) -> Result<Pattern, PolicyError> {
        Pattern::parse(name.get_ref(), self.place(name.span().start))
            .map_err(|message| self.error_at(name, message))
    }
}

fn mask_kind(with: &toml::Value, sources: &Sources<'_>) -> Result<MaskKind, String> {
    const FORMS: &str = "`with` is \"null\", \"email\", or one of { text = \"..\" }, { keep_first = n }, \
        { keep_last = n }, { hash = \"VARIABLE\" }, { date = \"month\" }, { bucket = n }, { expression = \"..\" }";
    let table = match with {
        toml::Value::String(word) if word == "null" => return Ok(MaskKind::Null),
        toml::Value::String(word) if word == "email" => return Ok(MaskKind::Email),
        toml::Value::Table(table) if table.len() == 1 => table,
        _ => return Err(FORMS.to_owned()),
    };
    let number = |value: &toml::Value| {
        value
            .as_integer()
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n > 0)
            .ok_or("a number from 1 is needed here")
    };
    let Some((key, value)) = table.iter().next() else { return Err(FORMS.to_owned()) };
    let text = || value.as_str().ok_or_else(|| format!("`{key}` is a text"));
    match key.as_str() {
        "text" => Ok(MaskKind::Text(text()?.to_owned())),
        "keep_first" => Ok(MaskKind::KeepFirst(number(value)?)),
        "keep_last" => Ok(MaskKind::KeepLast(number(value)?)),
        "bucket" => Ok(MaskKind::Bucket(u64::from(number(value)?))),
        "expression" => Ok(MaskKind::Expression(Expression::new(text()?))),
        "date" => {
            let word = text()?;
            let found = DatePart::ALL.iter().find(|(known, _)| *known == word);
            let words = DatePart::ALL.map(|(word, _)| word).join(", ");
            Ok(MaskKind::Date(
                found.map(|(_, part)| *part).ok_or_else(|| format!("`date` is one of {words}"))?,
            ))
        }
        "hash" => {
            let variable = text()?;
            let secret = (sources.secret)(variable).ok_or_else(|| {
                format!("the environment variable `{variable}`, which keeps the key of this hash, is not set")
            })?;
            if secret.chars().count() < MaskKey::SHORTEST {
                let least = MaskKey::SHORTEST;
                return Err(format!("the key in `{variable}` is shorter than {least} characters"));
            }
            Ok(MaskKind::Hash(MaskKey::new(variable, secret)))
        }
        _ => Err(FORMS.to_owned()),
    }
}

/// serde's words for an unknown key, with the nearest known one.
pub fn explain(message: &str) -> String {
    if message == "missing field `include`" {
        return "`include` is missing: name the files that are part of this policy, or write include = []"
            .to_owned();
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    match (message.starts_with("unknown field"), quoted.next()) {
        (true, Some(unknown)) => match crate::catalog::closest(unknown, quoted) {
            Some(known) => format!("unknown key `{unknown}`: did you mean `{known}`?"),
            None => message.replace("unknown field", "unknown key"),
        },
        _ => message.replace("missing field", "missing key"),
    }
}

#[cfg(test)]
mod tests;

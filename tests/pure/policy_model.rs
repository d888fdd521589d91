//! What a policy lets callers read, against a model written from its documentation alone, over random policies and
//! catalogs; and: another deny, mask or filter never allows more, and the order of rules does not matter.

use std::collections::BTreeSet;

use pgwarden::catalog::{Catalog, CatalogContents, Column, Relation, RelationKind, Schema};
use pgwarden::pg::{Oid, QualifiedName};
use pgwarden::policy::{ColumnAccess, Policy};

pub const ROUNDS: u64 = 4_000;

/// xorshift64*: the same numbers on every machine.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % most
    }

    pub fn one<'c>(&mut self, choices: &[&'c str]) -> &'c str {
        choices[self.below(choices.len())]
    }
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub kind: &'static str,
    pub names: Vec<String>,
    /// Tells a mask or filter from another.
    pub mark: String,
}

impl Rule {
    fn text(&self) -> String {
        let names = &self.names;
        let mark = &self.mark;
        match self.kind {
            "mask" => format!("[[mask]]\ncolumns = {names:?}\nwith = {{ text = \"{mark}\" }}\n"),
            "filter" => format!("[[filter]]\nrelations = {names:?}\nwhere = \"{mark}\"\n"),
            "check" => format!("[[check]]\nrelations = {names:?}\ncondition = \"{mark}\"\n"),
            "allow update" => format!("[[allow]]\nupdate = {names:?}\n"),
            "deny update" => format!("[[deny]]\nupdate = {names:?}\n"),
            kind => format!("[[{kind}]]\nselect = {names:?}\n"),
        }
    }
}

pub const RELATIONS: [&str; 6] = ["*.*", "a.*", "a.t1", "*.t2", "a.t*", "b.t3"];
pub const COLUMNS: [&str; 7] = ["a.t1.c1", "*.*.c1", "a.*.c*", "*.t2.c2", "b.*.c3", "*.t3.*3", "a.t1.*"];

fn rule(dice: &mut Dice, number: usize) -> Rule {
    let kind = dice.one(&["allow", "allow", "allow", "deny", "mask", "filter"]);
    let names = (0..=dice.below(2)).map(|_| match kind {
        "mask" => dice.one(&COLUMNS),
        "filter" => dice.one(&RELATIONS),
        _ if dice.below(2) == 0 => dice.one(&COLUMNS),
        _ => dice.one(&RELATIONS),
    });
    Rule { kind, names: names.map(str::to_owned).collect(), mark: format!("m{number}") }
}

pub fn policy(rules: &[Rule]) -> Policy {
    let rules: String = rules.iter().map(Rule::text).collect();
    Policy::parse(&format!("version = 1\ninclude = []\n{rules}"), "random.toml").unwrap()
}

/// Two schemas, up to eight tables, some of them partitions or children of one before.
pub fn catalog(dice: &mut Dice) -> Catalog {
    let mut relations: Vec<Relation> = Vec::new();
    for (schema, table) in ["a", "b"].iter().flat_map(|s| ["t1", "t2", "t3", "t4"].map(|t| (*s, t))) {
        let parent = (!relations.is_empty() && dice.below(3) == 0).then(|| dice.below(relations.len()));
        let numbers: Vec<i32> = (1..=3).filter(|_| dice.below(5) > 0).collect();
        let columns = numbers.into_iter().map(|number| Column {
            name: format!("c{number}"),
            number,
            type_oid: Oid(25),
            type_name: "text".to_owned(),
            not_null: false,
            default: None,
            generated: false,
            identity: false,
            comment: None,
            selectable: dice.below(8) > 0,
            collation: None,
        });
        let columns: Vec<Column> = columns.collect();
        relations.push(Relation {
            oid: Oid(100 + relations.len() as u32),
            name: QualifiedName::new(schema, table),
            kind: RelationKind::Table,
            owner: "owner".to_owned(),
            columns,
            comment: None,
            row_estimate: None,
            row_security: false,
            row_security_binds: false,
            row_policies: Vec::new(),
            row_security_reads: Vec::new(),
            parents: parent.iter().map(|at| relations[*at].oid).collect(),
            is_partition: parent.is_some() && dice.below(2) == 0,
            attached: Vec::new(),
            view: None,
            keys: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
            checks: Vec::new(),
        });
    }
    let schema = |name: &str| Schema {
        oid: Oid(1),
        name: name.to_owned(),
        comment: None,
        usable: true,
        creators: Vec::new(),
    };
    let schemas = vec![schema("a"), schema("b")];
    Catalog::new(CatalogContents { schemas, relations, ..CatalogContents::default() })
}

/// What is seen of one relation: is it there, each column (2 clear, 1 masked by what, 0 not there), the filters.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Seen {
    allowed: bool,
    columns: Vec<(u8, String)>,
    filters: BTreeSet<String>,
}

fn seen(policy: &Policy, catalog: &Catalog) -> Vec<Seen> {
    let one = |relation: &Relation| {
        let access = policy.access(relation, catalog);
        let columns = access.columns.iter().map(|column| match column {
            ColumnAccess::Clear => (2, String::new()),
            ColumnAccess::Masked(mask) => (1, mask.kind.to_string()),
            ColumnAccess::Denied(_) | ColumnAccess::Unreadable => (0, String::new()),
        });
        let columns = columns.collect();
        let filters = access.filters.iter().map(|filter| filter.condition.to_string()).collect();
        Seen { allowed: access.decision.allowed, columns, filters }
    };
    catalog.relations().iter().map(one).collect()
}

/// The model: rules over lists of names, no cleverness.
pub struct Model<'m> {
    pub rules: &'m [Rule],
    pub catalog: &'m Catalog,
}

pub fn glob(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => {
            name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
        }
    }
}

impl Model<'_> {
    pub fn names<'r>(&'r self, kind: &'r str) -> impl Iterator<Item = (&'r Rule, Vec<&'r str>)> {
        let rules = self.rules.iter().filter(move |rule| rule.kind == kind);
        rules.flat_map(|rule| rule.names.iter().map(move |name| (rule, name.split('.').collect())))
    }

    /// The relation and everything above it.
    pub fn line(&self, relation: &Relation) -> Vec<QualifiedName> {
        let mut line = vec![relation.name.clone()];
        for parent in &relation.parents {
            line.extend(self.line(self.catalog.relation_by_oid(*parent).unwrap()));
        }
        line
    }

    pub fn below(&self, relation: &Relation) -> Vec<&Relation> {
        let all = self.catalog.relations().iter();
        all.filter(|other| other.oid != relation.oid && self.line(other).contains(&relation.name)).collect()
    }

    pub fn whole(parts: &[&str], names: &[QualifiedName]) -> bool {
        names.iter().any(|name| glob(parts[0], &name.schema) && glob(parts[1], &name.name))
    }

    fn denied_whole(&self, names: &[QualifiedName]) -> bool {
        self.names("deny").any(|(_, parts)| parts.len() == 2 && Self::whole(&parts, names))
    }

    fn granted(&self, relation: &Relation) -> bool {
        if self.denied_whole(&self.line(relation)) {
            return false;
        }
        for parent in &relation.parents {
            let parent = self.granted(self.catalog.relation_by_oid(*parent).unwrap());
            if !parent || relation.is_partition {
                return parent;
            }
        }
        self.names("allow").any(|(_, parts)| Self::whole(&parts, std::slice::from_ref(&relation.name)))
    }

    /// Rules that touch a column of these names: (rule, of the column alone).
    pub fn of_column(
        &self,
        kind: &str,
        names: &[QualifiedName],
        column: &str,
        alone: bool,
    ) -> BTreeSet<String> {
        let touches = self.names(kind).filter(|(_, parts)| {
            Self::whole(parts, names) && if parts.len() == 3 { glob(parts[2], column) } else { !alone }
        });
        touches.map(|(rule, _)| rule.mark.clone()).collect()
    }

    pub fn filters(&self, names: &[QualifiedName]) -> BTreeSet<String> {
        let touch = self.names("filter").filter(|(_, parts)| Self::whole(parts, names));
        touch.map(|(rule, _)| rule.mark.clone()).collect()
    }

    fn seen(&self, relation: &Relation) -> Seen {
        let line = self.line(relation);
        let below_stricter = self.below(relation).into_iter().any(|child| {
            let theirs = self.line(child);
            self.denied_whole(std::slice::from_ref(&child.name))
                || !self.filters(&theirs).is_subset(&self.filters(&line))
                || child.columns.iter().any(|column| {
                    ["mask", "deny"].iter().any(|kind| {
                        let of = |names: &[QualifiedName]| self.of_column(kind, names, &column.name, false);
                        !of(&theirs).is_subset(&of(&line))
                    })
                })
        });
        let columns = relation.columns.iter().map(|column| {
            let granted = if relation.is_partition { &line[..] } else { &line[..1] };
            if !column.selectable
                || !self.of_column("deny", &line, &column.name, true).is_empty()
                || self.of_column("allow", granted, &column.name, false).is_empty()
            {
                return (0, String::new());
            }
            let masks = self.of_column("mask", &line, &column.name, false);
            match masks.first() {
                None => (2, String::new()),
                Some(mask) if masks.len() == 1 => (1, format!("the text {mask:?}")),
                Some(_) => (0, String::new()),
            }
        });
        Seen {
            allowed: self.granted(relation) && !below_stricter,
            columns: columns.collect(),
            filters: self.filters(&line),
        }
    }
}

fn no_more(before: &Seen, after: &Seen) -> bool {
    let columns = before.columns.iter().zip(&after.columns);
    !after.allowed
        || before.allowed
            && before.filters.is_subset(&after.filters)
            && columns.into_iter().all(|(one, other)| other.0 < one.0 || one == other)
}

#[test]
fn random_policies_mean_what_a_simple_model_says() {
    let (mut allowed, mut masked, mut filtered, mut hidden) = (0, 0, 0, 0);
    for seed in 1..=ROUNDS {
        let mut dice = Dice(seed * 7919);
        let catalog = catalog(&mut dice);
        let rules: Vec<Rule> = (0..1 + dice.below(7)).map(|number| rule(&mut dice, number)).collect();
        let found = seen(&policy(&rules), &catalog);
        let model = Model { rules: &rules, catalog: &catalog };
        for (relation, found) in catalog.relations().iter().zip(&found) {
            let expected = model.seen(relation);
            assert_eq!(*found, expected, "seed {seed}: {} under {rules:#?}", relation.name);
            allowed += usize::from(found.allowed);
            masked += found.columns.iter().filter(|column| column.0 == 1).count();
            hidden += found.columns.iter().filter(|column| column.0 == 0).count();
            filtered += usize::from(!found.filters.is_empty());
        }
    }
    // The dice reach every kind of answer.
    assert!(
        [allowed, masked, filtered, hidden].iter().all(|count| *count > 1_000),
        "{allowed} {masked} {filtered} {hidden}"
    );
}

#[test]
fn another_deny_mask_or_filter_never_allows_more() {
    let mut less = 0;
    for seed in 1..=ROUNDS {
        let mut dice = Dice(seed * 104_729);
        let catalog = catalog(&mut dice);
        let mut rules: Vec<Rule> = (0..1 + dice.below(6)).map(|number| rule(&mut dice, number)).collect();
        let before = seen(&policy(&rules), &catalog);
        let added = loop {
            let added = rule(&mut dice, 99);
            if added.kind != "allow" {
                break added;
            }
        };
        rules.insert(dice.below(rules.len() + 1), added.clone());
        let after = seen(&policy(&rules), &catalog);
        for (before, after) in before.iter().zip(&after) {
            assert!(no_more(before, after), "seed {seed}: {added:?} gives {after:?} for {before:?}");
        }
        less += usize::from(before != after);
    }
    assert!(less > 500, "{less}: the added rules change too little");
}

#[test]
fn the_order_of_rules_does_not_matter() {
    for seed in 1..=ROUNDS {
        let mut dice = Dice(seed * 15_485_863);
        let catalog = catalog(&mut dice);
        let mut rules: Vec<Rule> = (0..2 + dice.below(6)).map(|number| rule(&mut dice, number)).collect();
        let before = seen(&policy(&rules), &catalog);
        for at in (1..rules.len()).rev() {
            rules.swap(at, dice.below(at + 1));
        }
        assert_eq!(seen(&policy(&rules), &catalog), before, "seed {seed}: {rules:#?}");
    }
}

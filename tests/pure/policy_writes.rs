//! What a policy lets callers write, against a model written from its documentation alone, over the random policies and
//! catalogs of `policy_model`; and: another deny, mask, filter or check never allows more.

use std::collections::BTreeSet;

use pgwarden::catalog::{Catalog, Relation};
use pgwarden::pg::QualifiedName;
use pgwarden::policy::{Action, Policy};

use super::policy_model::{COLUMNS, Dice, Model, RELATIONS, ROUNDS, Rule, catalog, policy};

fn rule(dice: &mut Dice, number: usize) -> Rule {
    let kind = dice.one(&[
        "allow update",
        "allow update",
        "allow update",
        "deny update",
        "deny",
        "mask",
        "filter",
        "check",
    ]);
    let names = (0..=dice.below(2)).map(|_| match kind {
        "mask" => dice.one(&COLUMNS),
        "filter" | "check" => dice.one(&RELATIONS),
        _ if dice.below(2) == 0 => dice.one(&COLUMNS),
        _ => dice.one(&RELATIONS),
    });
    let kind = ["allow update", "deny update", "deny", "mask", "filter", "check"]
        .into_iter()
        .find(|k| *k == kind)
        .unwrap();
    Rule { kind, names: names.map(str::to_owned).collect(), mark: format!("m{number}") }
}

/// May the relation be written to, which of its columns, and what is asked of its rows.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Written {
    allowed: bool,
    columns: Vec<bool>,
    checks: BTreeSet<String>,
}

fn written(policy: &Policy, catalog: &Catalog) -> Vec<Written> {
    let one = |relation: &Relation| {
        let column = |name| policy.decide_write_column(Action::Update, relation, name, catalog).allowed;
        Written {
            allowed: policy.decide_write(Action::Update, relation, catalog).allowed,
            columns: relation.columns.iter().map(|known| column(&known.name)).collect(),
            checks: policy
                .checks_of(relation, catalog)
                .iter()
                .map(|check| check.condition.to_string())
                .collect(),
        }
    };
    catalog.relations().iter().map(one).collect()
}

fn denied_whole(model: &Model<'_>, names: &[QualifiedName]) -> bool {
    model.names("deny update").any(|(_, parts)| parts.len() == 2 && Model::whole(&parts, names))
}

fn granted(model: &Model<'_>, relation: &Relation) -> bool {
    if denied_whole(model, &model.line(relation)) {
        return false;
    }
    for parent in &relation.parents {
        let parent = granted(model, model.catalog.relation_by_oid(*parent).unwrap());
        if !parent || relation.is_partition {
            return parent;
        }
    }
    model.names("allow update").any(|(_, parts)| Model::whole(&parts, std::slice::from_ref(&relation.name)))
}

fn checks(model: &Model<'_>, names: &[QualifiedName]) -> BTreeSet<String> {
    let touch = model.names("check").filter(|(_, parts)| Model::whole(parts, names));
    touch.map(|(rule, _)| rule.mark.clone()).collect()
}

fn expected(model: &Model<'_>, relation: &Relation) -> Written {
    let line = model.line(relation);
    let below = model.below(relation);
    let stricter = below.iter().any(|child| {
        let theirs = model.line(child);
        denied_whole(model, std::slice::from_ref(&child.name))
            || !model.filters(&theirs).is_subset(&model.filters(&line))
            || !checks(model, &theirs).is_subset(&checks(model, &line))
            || child.columns.iter().any(|column| {
                ["mask", "deny"].iter().any(|kind| {
                    let of = |names: &[QualifiedName]| model.of_column(kind, names, &column.name, false);
                    !of(&theirs).is_subset(&of(&line))
                })
            })
    });
    let allowed = granted(model, relation) && !stricter;
    let own = if relation.is_partition { &line[..] } else { &line[..1] };
    let denied = |column: &str| {
        let of = |names: &[QualifiedName]| !model.of_column("deny update", names, column, false).is_empty();
        of(&line) || below.iter().any(|child| of(&model.line(child)))
    };
    let may =
        |column: &str| !denied(column) && !model.of_column("allow update", own, column, false).is_empty();
    Written {
        allowed,
        columns: relation.columns.iter().map(|column| allowed && may(&column.name)).collect(),
        checks: checks(model, &line),
    }
}

#[test]
fn random_policies_grant_what_a_simple_model_says() {
    let (mut allowed, mut refused, mut columns) = (0, 0, 0);
    for seed in 1..=ROUNDS {
        let mut dice = Dice(seed * 7919);
        let catalog = catalog(&mut dice);
        let rules: Vec<Rule> = (0..1 + dice.below(7)).map(|number| rule(&mut dice, number)).collect();
        let found = written(&policy(&rules), &catalog);
        let model = Model { rules: &rules, catalog: &catalog };
        for (relation, found) in catalog.relations().iter().zip(&found) {
            assert_eq!(*found, expected(&model, relation), "seed {seed}: {} under {rules:#?}", relation.name);
            allowed += usize::from(found.allowed);
            refused += usize::from(!found.allowed);
            columns += found.columns.iter().filter(|may| **may).count();
        }
    }
    assert!([allowed, refused, columns].iter().all(|count| *count > 1_000), "{allowed} {refused} {columns}");
}

#[test]
fn another_deny_mask_filter_or_check_never_allows_more() {
    let mut less = 0;
    for seed in 1..=ROUNDS {
        let mut dice = Dice(seed * 104_729);
        let catalog = catalog(&mut dice);
        let mut rules: Vec<Rule> = (0..1 + dice.below(6)).map(|number| rule(&mut dice, number)).collect();
        let before = written(&policy(&rules), &catalog);
        let added = loop {
            let added = rule(&mut dice, 99);
            if added.kind != "allow update" {
                break added;
            }
        };
        rules.insert(dice.below(rules.len() + 1), added.clone());
        let after = written(&policy(&rules), &catalog);
        for (before, after) in before.iter().zip(&after) {
            let columns = before.columns.iter().zip(&after.columns).all(|(one, other)| *one || !*other);
            let no_more =
                (before.allowed || !after.allowed) && columns && before.checks.is_subset(&after.checks);
            assert!(no_more, "seed {seed}: {added:?} gives {after:?} for {before:?}");
        }
        less += usize::from(before != after);
    }
    assert!(less > 500, "{less}: the added rules change too little");
}

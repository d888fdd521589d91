//! How well a relation answers a question.

use std::collections::{BTreeSet, HashMap};

use super::RelationHit;
use super::index::{Entry, Index, Meant};
use super::lookalikes::Lookalikes;
use super::words::asked;
use crate::catalog::Relation;
use crate::gateway::visible::Visible;
use crate::pg::Oid;

/// Of the scores of the relations that a foreign key leads to or comes from: what a question asks of hangs together.
const NEIGHBOURS: f64 = 0.12;
/// Neighbours that count.
const COUNTED: usize = 3;
/// Left of what a better hit says already: a question is about several things.
const SAID: f64 = 0.3;
/// Hits that are ordered by what they add to those before them.
const VARIED: usize = 12;
/// Hits whose foreign keys are followed to relations that say nothing themselves.
const FOLLOWED: usize = 3;

/// One relation that says some of the words.
struct Scored<'i, 'c> {
    entry: &'i Entry<'c>,
    /// Of each word, how much it says of it, as rare as that is.
    says: Vec<f64>,
    /// How much it counts by its name, by its neighbours, and by how much of the question it is about.
    weight: f64,
    similar: Vec<&'c str>,
}

impl<'c> Scored<'_, 'c> {
    fn schema(&self) -> &'c str {
        &self.entry.relation.name.schema
    }

    fn score(&self) -> f64 {
        self.says.iter().sum::<f64>() * self.weight
    }

    fn adds(&self, said: &[f64]) -> f64 {
        let added =
            self.says.iter().zip(said).map(|(says, said)| (says - said).max(0.0) + SAID * says.min(*said));
        added.sum::<f64>() * self.weight
    }
}

/// The best first. A word that is nowhere stands for what it begins, is part of, or is a typing error of.
pub(super) fn rank<'c>(
    visible: &Visible<'c>,
    relations: &[&'c Relation],
    question: &str,
) -> Vec<RelationHit<'c>> {
    let index = Index::new(visible, relations);
    let meant: Vec<Meant> = asked(question).into_iter().map(|word| index.meant(&word)).collect();
    let mut scored = scored(&index, &meant);
    fold_lookalikes(&mut scored, &meant);
    lift_neighbours(visible, &mut scored);
    scored.sort_by(|a, b| {
        b.score().total_cmp(&a.score()).then_with(|| a.entry.relation.name.cmp(&b.entry.relation.name))
    });
    vary(&mut scored, meant.len());
    // One word names what it wants.
    let followed = if meant.len() > 1 { followed(visible, &index, &scored) } else { Vec::new() };
    let hit = |scored: Scored<'_, 'c>| RelationHit {
        relation: scored.entry.relation,
        columns: scored.entry.columns_of(&meant),
        similar: scored.similar,
    };
    let behind = followed.into_iter().map(|relation| RelationHit {
        relation,
        columns: Vec::new(),
        similar: Vec::new(),
    });
    scored.into_iter().map(hit).chain(behind).collect()
}

fn scored<'i, 'c>(index: &'i Index<'c>, meant: &[Meant]) -> Vec<Scored<'i, 'c>> {
    let all: f64 = meant.iter().map(|meant| meant.rarity).sum();
    let of = |entry: &'i Entry<'c>| {
        let says: Vec<f64> = meant.iter().map(|meant| entry.says(meant) * meant.rarity).collect();
        let found: f64 =
            says.iter().zip(meant).filter(|(says, _)| **says > 0.0).map(|(_, meant)| meant.rarity).sum();
        // A relation whose whole name was asked for is meant; one that has all the words tells more than one of them.
        let weight = (0.5 + found / all) * (0.25 + entry.named(meant));
        (found > 0.0).then_some(Scored { entry, says, weight, similar: Vec::new() })
    };
    index.entries.iter().filter_map(of).collect()
}

/// Where a relation's name goes on from another's with words that nobody asked for, and it says nothing of the question
/// that the other does not, the other is meant.
fn fold_lookalikes<'i, 'c>(scored: &mut Vec<Scored<'i, 'c>>, meant: &[Meant]) {
    let lookalikes = Lookalikes::new(scored.iter().map(|one| (one.schema(), one.entry.name.as_slice())));
    let base_of = |one: &Scored<'i, 'c>| -> Option<usize> {
        let mut bases = lookalikes.bases(one.schema(), &one.entry.name);
        let adds = |base: usize| {
            let base = scored.get(base).map_or(&[][..], |base| &base.says);
            one.says.iter().zip(base).any(|(says, base)| *says > 0.0 && *base <= 0.0)
        };
        let (base, _) =
            bases.find(|(base, more)| !meant.iter().any(|meant| meant.is_one_of(more)) && !adds(*base))?;
        Some(base)
    };
    let bases: Vec<Option<usize>> = scored.iter().map(base_of).collect();
    let mut similar: HashMap<usize, Vec<&'c str>> = HashMap::new();
    for (one, base) in scored.iter().zip(&bases).filter_map(|(one, base)| Some((one, (*base)?))) {
        // The first of the bases that is none's lookalike: shorter names were tried first.
        similar.entry(base).or_default().push(&one.entry.relation.name.name);
    }
    for (at, names) in similar {
        if let Some(base) = scored.get_mut(at) {
            base.similar = names;
        }
    }
    let mut bases = bases.into_iter();
    scored.retain(|_| bases.next().flatten().is_none());
}

/// What the best hits refer to and nobody named: `who` is in no name.
fn followed<'c>(visible: &Visible<'c>, index: &Index<'c>, scored: &[Scored<'_, 'c>]) -> Vec<&'c Relation> {
    let mut followed: Vec<&'c Relation> = Vec::new();
    let searched: BTreeSet<Oid> = index.entries.iter().map(|entry| entry.relation.oid).collect();
    let keys = scored.iter().take(FOLLOWED).flat_map(|one| visible.foreign_keys(one.entry.relation));
    for (_, relation) in keys {
        let is_hit = scored.iter().any(|one| one.entry.relation.oid == relation.oid);
        if searched.contains(&relation.oid) && !is_hit && !followed.contains(&relation) {
            followed.push(relation);
        }
    }
    followed
}

/// By foreign keys between relations that say something, from both ends.
fn lift_neighbours<'c>(visible: &Visible<'c>, scored: &mut [Scored<'_, 'c>]) {
    let scores: HashMap<Oid, f64> = scored.iter().map(|one| (one.entry.relation.oid, one.score())).collect();
    let mut links: HashMap<Oid, BTreeSet<Oid>> = HashMap::new();
    for from in scored.iter().map(|one| one.entry.relation) {
        let to = visible.foreign_keys(from).map(|(_, to)| to.oid);
        for to in to.filter(|to| *to != from.oid && scores.contains_key(to)) {
            links.entry(from.oid).or_default().insert(to);
            links.entry(to).or_default().insert(from.oid);
        }
    }
    for one in scored {
        let own = one.score();
        let linked = links.get(&one.entry.relation.oid).into_iter().flatten();
        let mut near: Vec<f64> = linked.filter_map(|oid| scores.get(oid).copied()).collect();
        near.sort_by(|a, b| b.total_cmp(a));
        // However much they say, a neighbour is not more than what it says itself.
        let lift: f64 = near.iter().take(COUNTED).map(|score| (score / own).min(1.0)).sum();
        one.weight *= 1.0 + NEIGHBOURS * lift;
    }
}

/// Puts first what says most that those before it do not (Carbonell and Goldstein 1998, maximal marginal relevance).
fn vary(scored: &mut [Scored<'_, '_>], words: usize) {
    let mut said = vec![0.0; words];
    for at in 0..scored.len().min(VARIED) {
        let rest = scored.iter().enumerate().skip(at);
        let best = rest.max_by(|(a, left), (b, right)| {
            left.adds(&said).total_cmp(&right.adds(&said)).then_with(|| b.cmp(a))
        });
        let Some((best, _)) = best else { return };
        if let Some(rest) = scored.get_mut(at..=best) {
            rest.rotate_right(1);
        }
        for (said, says) in said.iter_mut().zip(scored.get(at).map_or(&[][..], |one| &one.says)) {
            *said = said.max(*says);
        }
    }
}

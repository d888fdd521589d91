//! The greedy search: the index that saves most first, then the next one beside it, as long as it pays and there is room and
//! time. What it has found at any moment is an answer.

use std::time::Instant;

use super::costs::Costs;
use super::workload::{Query, Workload};
use crate::gateway::tuning::hypothetical::Hypothetical;
use crate::pg::{Diagnostic, SqlState};

/// A further index has to save this part of the workload's cost.
const WORTH: f64 = 0.01;
/// An index that saves this part of what the best one does is taken for it, if it is smaller.
const AS_GOOD: f64 = 0.98;
/// Indexes of one answer.
const MOST: usize = 10;

pub(super) struct Budget {
    pub bytes: Option<u64>,
    pub ends: Instant,
}

/// An index that could be.
#[derive(Clone, Debug)]
struct Candidate {
    index: Hypothetical,
    bytes: u64,
    /// What it saved when it was last looked at: not less than what it would save beside more indexes, mostly.
    saves: f64,
}

/// An index that is proposed.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    pub index: Hypothetical,
    pub bytes: u64,
    /// Of the workload's cost, beside those before it.
    pub saves: f64,
    /// The queries that it made cheaper then.
    pub serves: Vec<usize>,
}

pub(super) struct Search<'w> {
    workload: &'w Workload,
    candidates: Vec<Candidate>,
    /// Candidates at the beginning.
    pub tried: usize,
    budget: Budget,
    pub proposals: Vec<Proposal>,
    /// Of one call of each query, with the proposals.
    pub costs: Vec<f64>,
    /// Sets of indexes that were costed.
    pub looks: usize,
    pub complete: bool,
    /// Something would have helped and had no room.
    pub no_room: bool,
}

impl<'w> Search<'w> {
    pub fn new(workload: &'w Workload, indexes: Vec<Hypothetical>, budget: Budget) -> Self {
        let candidates: Vec<Candidate> =
            indexes.into_iter().map(|index| Candidate { index, bytes: 0, saves: 0.0 }).collect();
        Self {
            tried: candidates.len(),
            costs: workload.queries.iter().map(Query::cost).collect(),
            workload,
            candidates,
            budget,
            proposals: Vec::new(),
            looks: 0,
            complete: true,
            no_room: false,
        }
    }

    pub async fn run(&mut self, costs: &mut Costs<'_>) -> Result<(), Diagnostic> {
        let outcome = self.search(costs).await;
        match outcome {
            // Out of time in the middle of a look: what was found before stands.
            Err(late) if late.sqlstate == SqlState::QUERY_CANCELED => {
                self.complete = false;
                Ok(())
            }
            ended => ended,
        }
    }

    async fn search(&mut self, costs: &mut Costs<'_>) -> Result<(), Diagnostic> {
        let least = self.workload.cost() * WORTH;
        if !self.first_look(costs).await? {
            return Ok(());
        }
        while self.proposals.len() < MOST {
            let Some(at) = self.next(costs, least).await? else { break };
            let Candidate { index, bytes, saves } = self.candidates.swap_remove(at);
            self.proposals.push(Proposal { index, bytes, saves, serves: Vec::new() });
            let with = self.cost_with(None, costs).await?;
            let cheaper = self.workload.queries.iter().zip(self.costs.iter().zip(&with));
            let serves = cheaper.filter(|(_, (before, after))| **after < **before * (1.0 - WORTH));
            if let Some(proposal) = self.proposals.last_mut() {
                proposal.serves = serves.map(|(query, _)| query.number).collect();
            }
            self.costs = with;
        }
        if self.is_late() {
            self.complete = false;
            return Ok(());
        }
        self.drop_idle(costs, least).await
    }

    /// Each candidate alone. `false`: no time is left.
    async fn first_look(&mut self, costs: &mut Costs<'_>) -> Result<bool, Diagnostic> {
        let mut kept = Vec::new();
        for mut candidate in std::mem::take(&mut self.candidates) {
            if self.is_late() {
                self.complete = false;
                break;
            }
            // An index that PostgreSQL does not take is none.
            let sizes = match costs.sizes(&[&candidate.index]).await {
                Err(refused) if matches!(refused.sqlstate.class(), "42" | "0A" | "54") => continue,
                sizes => sizes?,
            };
            candidate.bytes = sizes.iter().sum();
            candidate.saves = self.saving(&candidate, costs).await?;
            if candidate.saves > 0.0 {
                kept.push(candidate);
            }
        }
        self.candidates = kept;
        Ok(self.complete)
    }

    /// The candidate to take next. Looks again at the most promising until one keeps its promise.
    async fn next(&mut self, costs: &mut Costs<'_>, least: f64) -> Result<Option<usize>, Diagnostic> {
        let used: u64 = self.proposals.iter().map(|proposal| proposal.bytes).sum();
        let room = self.budget.bytes.map(|bytes| bytes.saturating_sub(used));
        let (roomy, large): (Vec<_>, Vec<_>) = std::mem::take(&mut self.candidates)
            .into_iter()
            .partition(|candidate| room.is_none_or(|room| candidate.bytes <= room));
        self.no_room |= large.iter().any(|candidate| candidate.saves >= least);
        self.candidates = roomy;
        let mut fresh = vec![false; self.candidates.len()];
        loop {
            if self.is_late() {
                self.complete = false;
                return Ok(None);
            }
            let best = (0..self.candidates.len())
                .max_by(|one, other| self.saves(*one).total_cmp(&self.saves(*other)));
            let Some(best) = best.filter(|best| self.saves(*best) >= least) else { return Ok(None) };
            let good = self.saves(best) * AS_GOOD;
            // Those that may be taken for it are looked at as well.
            let stale = (0..self.candidates.len())
                .filter(|at| !fresh.get(*at).copied().unwrap_or(true) && self.saves(*at) >= good)
                .max_by(|one, other| self.saves(*one).total_cmp(&self.saves(*other)));
            let Some(stale) = stale else {
                let as_good = (0..self.candidates.len()).filter(|at| self.saves(*at) >= good);
                return Ok(
                    as_good.min_by_key(|at| self.candidates.get(*at).map_or(0, |candidate| candidate.bytes))
                );
            };
            let Some(candidate) = self.candidates.get(stale).cloned() else { return Ok(None) };
            let saves = if self.proposals.is_empty() {
                candidate.saves
            } else {
                self.saving(&candidate, costs).await?
            };
            if let (Some(candidate), Some(fresh)) = (self.candidates.get_mut(stale), fresh.get_mut(stale)) {
                candidate.saves = saves;
                *fresh = true;
            }
        }
    }

    fn saves(&self, at: usize) -> f64 {
        self.candidates.get(at).map_or(0.0, |candidate| candidate.saves)
    }

    async fn saving(&mut self, candidate: &Candidate, costs: &mut Costs<'_>) -> Result<f64, Diagnostic> {
        let with = self.cost_with(Some(&candidate.index), costs).await?;
        let saved = self.workload.queries.iter().zip(&self.costs).zip(&with);
        Ok(saved.map(|((query, before), after)| (before - after) * query.calls).sum())
    }

    /// Of each query, with the proposals and one index more. Only those that read its table are planned again.
    async fn cost_with(
        &mut self,
        more: Option<&Hypothetical>,
        costs: &mut Costs<'_>,
    ) -> Result<Vec<f64>, Diagnostic> {
        self.looks += 1;
        let indexes: Vec<&Hypothetical> =
            self.proposals.iter().map(|proposal| &proposal.index).chain(more).collect();
        let reads = |query: &Query| {
            let changed = more.or(indexes.last().copied());
            changed.is_some_and(|index| {
                query.explained.tables().iter().any(|table| table.relation == index.definition.relation)
            })
        };
        let planned: Vec<&Query> = self.workload.queries.iter().filter(|query| reads(query)).collect();
        let mut anew = costs.of(&planned, &indexes).await?.into_iter();
        let all = self.workload.queries.iter().zip(&self.costs);
        Ok(all
            .map(|(query, before)| if reads(query) { anew.next().unwrap_or(*before) } else { *before })
            .collect())
    }

    /// Those that later ones made idle.
    async fn drop_idle(&mut self, costs: &mut Costs<'_>, least: f64) -> Result<(), Diagnostic> {
        let mut at = 0;
        while self.proposals.len() > 1 && at + 1 < self.proposals.len() {
            let mut without = self.proposals.clone();
            without.remove(at);
            let indexes: Vec<&Hypothetical> = without.iter().map(|proposal| &proposal.index).collect();
            let queries: Vec<&Query> = self.workload.queries.iter().collect();
            let anew = costs.of(&queries, &indexes).await?;
            self.looks += 1;
            let loss = self.workload.queries.iter().zip(&self.costs).zip(&anew);
            let loss: f64 = loss.map(|((query, with), without)| (without - with) * query.calls).sum();
            if loss < least {
                self.proposals = without;
                self.costs = anew;
            } else {
                at += 1;
            }
        }
        Ok(())
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.budget.ends
    }
}

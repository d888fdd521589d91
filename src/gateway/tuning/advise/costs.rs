//! What queries cost with indexes that do not exist: by PostgreSQL's own planner where hypopg is installed, else by a model.

use super::Steps;
use super::existing::Tables;
use super::model;
use super::workload::Query;
use crate::gateway::tuning::hypothetical::Hypothetical;
use crate::gateway::tuning::plan::Plan;
use crate::gateway::tuning::session::Planner;
use crate::pg::Diagnostic;
use crate::sql::{Explained, IndexDefinition};

pub(super) struct Costs<'t> {
    planner: Planner,
    steps: &'t Steps,
    tables: &'t Tables<'t>,
    /// What the session supposes now; `None` after it refused something.
    supposed: Option<Vec<IndexDefinition>>,
    /// Bytes of each of them.
    sizes: Vec<u64>,
}

impl<'t> Costs<'t> {
    pub fn new(planner: Planner, steps: &'t Steps, tables: &'t Tables<'t>) -> Self {
        Self { planner, steps, tables, supposed: Some(Vec::new()), sizes: Vec::new() }
    }

    pub fn can_suppose(&self) -> bool {
        self.planner.planning.can_suppose()
    }

    pub fn method(&self) -> &'static str {
        if self.can_suppose() { "hypopg" } else { "model" }
    }

    /// As things are.
    pub async fn plan_of(&mut self, explained: &Explained) -> Result<Plan, Diagnostic> {
        self.steps.planned();
        let text = self.planner.planning.plan(explained, None).await?;
        Plan::read(&text).map(|(plan, _)| plan)
    }

    /// The cost of one call of each query with `indexes`.
    pub async fn of(
        &mut self,
        queries: &[&Query],
        indexes: &[&Hypothetical],
    ) -> Result<Vec<f64>, Diagnostic> {
        if !self.can_suppose() {
            return Ok(queries.iter().map(|query| model::cost(query, indexes, self.tables)).collect());
        }
        self.suppose(indexes).await?;
        let mut costs = Vec::new();
        for query in queries {
            costs.push(self.plan_of(&query.explained).await?.root.cost);
        }
        Ok(costs)
    }

    /// The bytes of each of `indexes`.
    pub async fn sizes(&mut self, indexes: &[&Hypothetical]) -> Result<Vec<u64>, Diagnostic> {
        if !self.can_suppose() {
            return Ok(indexes.iter().map(|index| model::size(&index.definition, self.tables)).collect());
        }
        self.suppose(indexes).await?;
        let mut sizes = self.sizes.iter();
        Ok(indexes.iter().map(|index| sizes.by_ref().take(index.parts.len()).sum()).collect())
    }

    async fn suppose(&mut self, indexes: &[&Hypothetical]) -> Result<(), Diagnostic> {
        let wanted: Vec<IndexDefinition> =
            indexes.iter().flat_map(|index| index.parts.iter().cloned()).collect();
        if self.supposed.as_ref() != Some(&wanted) {
            self.supposed = None;
            let supposed = self.planner.planning.suppose(&wanted).await?;
            self.sizes = supposed.iter().map(|index| index.bytes).collect();
            self.supposed = Some(wanted);
        }
        Ok(())
    }

    pub fn end(self) {
        self.planner.planning.end();
    }
}

//! What was decided and done of late: a sink of events that forgets.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};

use super::latency::{Latency, Took};
use super::text::{Text, Worded};
use crate::audit::Statements;
use crate::pg::SqlState;
use crate::telemetry::{Act, Event, Outcome, Sink};

/// Refusals that are kept, and as many decisions that let something pass.
const DECISIONS: usize = 60;
/// What was done by operators, and to policies.
const TOLD: usize = 30;
/// Callers that are kept.
const CALLERS: usize = 200;
/// Clients of one of them that are kept.
const CLIENTS: usize = 3;
/// Characters of what others name.
const NAME: usize = 200;

/// A decision on a statement.
#[derive(Debug)]
pub struct RecentDecision {
    pub at: DateTime<Utc>,
    pub issuer: String,
    pub subject: String,
    pub client: Option<String>,
    pub database: String,
    pub kind: String,
    pub policy: String,
    pub query_id: String,
    pub allowed: bool,
    /// Of a refusal.
    pub rule: Option<String>,
    pub sqlstate: Option<SqlState>,
    text: Text,
}

/// Something that is no decision: by whom, and what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    pub at: DateTime<Utc>,
    /// `operator`, `suspension`, `policy` or `approval`.
    pub kind: &'static str,
    /// Empty where nobody is known.
    pub by: String,
    pub what: String,
}

/// A caller who has asked something of late.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallerView {
    pub issuer: String,
    pub subject: String,
    /// As they call themselves, the last first.
    pub clients: Vec<String>,
    pub seen: DateTime<Utc>,
    pub allowed: u64,
    pub refused: u64,
}

/// Issuer and subject. What a client calls itself costs nothing: with it, one caller could push the others out.
type Asking = (String, String);

/// Bounded, and of this process alone.
#[derive(Debug)]
pub struct Recent {
    statements: ArcSwap<Statements>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    allowed: VecDeque<Arc<RecentDecision>>,
    refused: VecDeque<Arc<RecentDecision>>,
    told: VecDeque<Told>,
    callers: HashMap<Asking, CallerView>,
    took: HashMap<String, Took>,
}

impl RecentDecision {
    pub fn statement(&self) -> &Worded {
        self.text.worded()
    }
}

impl Recent {
    /// `statements`: what may be shown of them.
    pub fn new(statements: Statements) -> Self {
        Self { statements: ArcSwap::from_pointee(statements), kept: Mutex::default() }
    }

    /// From here on that much of statements may be shown; decisions that were kept with another are forgotten.
    pub fn show_statements(&self, statements: Statements) {
        let before = self.statements.swap(Arc::new(statements));
        if *before != statements {
            let mut kept = self.kept();
            kept.allowed.clear();
            kept.refused.clear();
        }
    }

    pub(in crate::gateway) fn statements(&self) -> Statements {
        **self.statements.load()
    }

    /// The newest first: refusals and what passed together.
    pub(super) fn decisions(&self) -> Vec<Arc<RecentDecision>> {
        let kept = self.kept();
        let mut all: Vec<_> = kept.allowed.iter().chain(&kept.refused).cloned().collect();
        drop(kept);
        all.sort_by_key(|one| std::cmp::Reverse(one.at));
        all
    }

    pub(super) fn told(&self) -> Vec<Told> {
        self.kept().told.iter().rev().cloned().collect()
    }

    /// Those who asked last first.
    pub(super) fn callers(&self) -> Vec<CallerView> {
        let mut all: Vec<CallerView> = self.kept().callers.values().cloned().collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.seen));
        all
    }

    pub(super) fn latency(&self, database: &str) -> Latency {
        self.kept().took.get(database).map(Took::latency).unwrap_or_default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, kind: &'static str, by: &str, what: &str) {
        let told = Told { at: Utc::now(), kind, by: short(by), what: short(what) };
        push(&mut self.kept().told, told, TOLD);
    }
}

impl Kept {
    fn saw(&mut self, one: &RecentDecision) {
        let key = (one.issuer.clone(), one.subject.clone());
        if self.callers.len() >= CALLERS && !self.callers.contains_key(&key) {
            let oldest = self.callers.iter().min_by_key(|(_, view)| view.seen).map(|(key, _)| key.clone());
            oldest.map(|key| self.callers.remove(&key));
        }
        let view = self.callers.entry(key).or_insert_with(|| CallerView {
            issuer: one.issuer.clone(),
            subject: one.subject.clone(),
            clients: Vec::new(),
            seen: one.at,
            allowed: 0,
            refused: 0,
        });
        view.seen = one.at;
        if let Some(client) = &one.client {
            view.clients.retain(|known| known != client);
            view.clients.insert(0, client.clone());
            view.clients.truncate(CLIENTS);
        }
        *(if one.allowed { &mut view.allowed } else { &mut view.refused }) += 1;
    }
}

impl Sink for Recent {
    fn take(&self, event: &Event<'_>) {
        match event {
            Event::Decision {
                query_id,
                who,
                database,
                statement,
                kind,
                policy,
                allowed,
                rule,
                sqlstate,
                relations: _,
                rules: _,
                took: _,
            } => {
                // RACE: what is kept under a setting is forgotten after it has become another one.
                let mut kept = self.kept();
                let one = Arc::new(RecentDecision {
                    at: Utc::now(),
                    issuer: short(who.issuer),
                    subject: short(who.subject),
                    client: who.client.map(short),
                    database: (*database).to_owned(),
                    kind: short(kind),
                    policy: short(policy),
                    query_id: (*query_id).to_owned(),
                    allowed: *allowed,
                    rule: rule.map(short),
                    sqlstate: *sqlstate,
                    text: Text::new(statement, self.statements()),
                });
                kept.saw(&one);
                let ring = if *allowed { &mut kept.allowed } else { &mut kept.refused };
                push(ring, one, DECISIONS);
            }
            Event::Run { database, outcome, took, .. } => {
                let failed = *outcome != Outcome::Completed;
                self.kept().took.entry((*database).to_owned()).or_default().add(*took, failed);
            }
            Event::Suspension { of, resumed, reason, by, until: _ } => {
                let what =
                    if *resumed { format!("resumed {of}") } else { format!("suspended {of}: {reason}") };
                // Who resumed it, an event of theirs says.
                self.tell("suspension", if *resumed { "" } else { by }, &what);
            }
            // What came of it is told.
            Event::Operator { act: Act::Announced, .. } => {}
            Event::Operator { who, action, act, of, reason: _ } => {
                let refused = if *act == Act::Refused { ": refused" } else { "" };
                self.tell("operator", who.subject, &format!("{action} {of}{refused}"));
            }
            Event::Policy { database, file: _, before, now, fault } => {
                let what = match fault {
                    None => format!("policy of {database}: {before} became {now}"),
                    Some(fault) => format!("policy of {database} not taken, {now} stays: {fault}"),
                };
                self.tell("policy", "", &what);
            }
            Event::Approval { step, database, relation, requester, by, .. } => {
                let what = format!("{} for {requester}: {relation} of {database}", step.word());
                self.tell("approval", by.unwrap_or_default(), &what);
            }
            Event::Write { .. }
            | Event::SavedQueries { .. }
            | Event::Authorization(_)
            | Event::Operation { .. }
            | Event::Stopped { .. }
            | Event::Truncated(_)
            | Event::Http { .. }
            | Event::Reload { .. } => {}
        }
    }
}

fn push<T>(ring: &mut VecDeque<T>, one: T, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(one);
}

fn short(text: &str) -> String {
    match text.char_indices().nth(NAME) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}..", text.get(..at).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::telemetry::{Statement, Who};

    fn decide(recent: &Recent, subject: &str, allowed: bool) {
        decide_by(recent, subject, None, allowed);
    }

    fn decide_by(recent: &Recent, subject: &str, client: Option<&str>, allowed: bool) {
        recent.take(&Event::Decision {
            query_id: "1",
            who: Who { subject, client, ..Who::default() },
            database: "shop",
            statement: Statement::Asked("SELECT 'canary'"),
            kind: "query",
            policy: "v1",
            allowed,
            rule: None,
            sqlstate: None,
            relations: &[],
            rules: &[],
            took: Duration::ZERO,
        });
    }

    #[test]
    fn a_flood_of_what_passes_washes_no_refusal_away_and_everything_is_bounded() {
        let recent = Recent::new(Statements::Redacted);
        decide(&recent, "mallory", false);
        for number in 0..3 * CALLERS {
            decide(&recent, &number.to_string(), true);
        }
        let decisions = recent.decisions();
        assert_eq!(decisions.len(), DECISIONS + 1);
        assert_eq!(decisions.iter().filter(|one| !one.allowed && one.subject == "mallory").count(), 1);
        assert!(!format!("{decisions:?}").contains("canary"));
        assert_eq!(recent.callers().len(), CALLERS);
        (0..2 * TOLD).for_each(|_| recent.tell("operator", "", &"x".repeat(2 * NAME)));
        let told = recent.told();
        assert_eq!((told.len(), told.first().unwrap().what.len()), (TOLD, NAME + 2));
    }

    #[test]
    fn one_caller_of_many_names_of_clients_pushes_no_other_out() {
        let recent = Recent::new(Statements::Redacted);
        decide(&recent, "anna", true);
        for number in 0..2 * CALLERS {
            decide_by(&recent, "mallory", Some(&format!("client/{number}")), true);
        }
        let callers = recent.callers();
        assert_eq!(callers.iter().map(|one| &*one.subject).collect::<Vec<_>>(), ["mallory", "anna"]);
        assert_eq!(callers.first().unwrap().clients, ["client/399", "client/398", "client/397"]);
    }
}

//! As whom the database sees a caller: the one place where callers become identities.

mod seats;

use std::sync::Arc;
use std::time::Duration;

use seats::{Key, Seats};

use super::share::Shares;
use super::{Gateway, Served};
use crate::auth::{Caller, OwnLogin};
use crate::db::{Database, Identity};
use crate::pg::{Diagnostic, SqlState};
use crate::policy::Claims;

/// As whom callers' statements run, where their policy has no login of its own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum RunAs {
    /// The login of the configuration.
    #[default]
    Login,
    /// The first of `roles` that the caller's claim has, taken by SET LOCAL ROLE.
    Role { claim: String, roles: Vec<String> },
    /// The login that the caller has proved.
    OwnLogin(OwnLogins),
}

impl RunAs {
    /// What the entry's own login is there for.
    pub fn of_entry(&self) -> Identity {
        match self {
            Self::Login => Identity::Login,
            Self::Role { .. } => Identity::Gate,
            Self::OwnLogin(_) => Identity::Outside,
        }
    }
}

/// Bounds of connections under callers' own logins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnLogins {
    /// Logins that have connections at the same time; three each at the most.
    pub most: usize,
    /// Connections of a login that nobody used for so long are closed.
    pub idle: Duration,
}

impl Default for OwnLogins {
    fn default() -> Self {
        Self { most: 20, idle: Duration::from_secs(300) }
    }
}

/// Of one database in one process.
#[derive(Debug, Default)]
pub(super) struct Identities {
    run_as: RunAs,
    /// Logins of the login page were proved at another database: they are not shown to this one.
    asks_itself: bool,
    seats: Arc<Seats>,
}

impl Identities {
    pub(super) fn new(run_as: RunAs) -> Self {
        let seats = match &run_as {
            RunAs::Login => Seats::default(),
            RunAs::Role { roles, .. } => Seats::new(roles.len(), None),
            RunAs::OwnLogin(bounds) => Seats::new(bounds.most, Some(bounds.idle)),
        };
        Self { run_as, asks_itself: false, seats: Arc::new(seats) }
    }

    /// Callers are seen as the same by both.
    pub(super) fn are_alike(one: &Self, other: &Self) -> bool {
        one.run_as == other.run_as && one.asks_itself == other.asks_itself
    }
}

impl Served {
    pub fn running_as(self, run_as: RunAs) -> Self {
        Self { identities: Arc::new(Identities::new(run_as)), ..self }
    }

    /// People log in to pgwarden at another database, whose passwords this one must not get: it has logins of its own alone.
    pub fn asking_itself(self) -> Self {
        let Identities { run_as, seats, .. } = &*self.identities;
        let identities = Identities { run_as: run_as.clone(), asks_itself: true, seats: Arc::clone(seats) };
        Self { identities: Arc::new(identities), ..self }
    }

    /// The caller's own login to this database.
    fn login_of<'c>(&self, caller: &'c Caller) -> Option<&'c Arc<OwnLogin>> {
        let logged_in = caller.login.as_ref().filter(|_| !self.identities.asks_itself);
        caller.given.get(self.name()).or(logged_in)
    }

    /// The same database as PostgreSQL shows it to this caller. Does not connect.
    pub(super) fn seen_by(&self, caller: &Caller) -> Result<Self, Diagnostic> {
        if let Some((database, shares)) = self.policies.of(caller)?.login() {
            return Ok(self.over(Arc::clone(database), Arc::clone(shares)));
        }
        match &self.identities.run_as {
            RunAs::Login => Ok(self.clone()),
            RunAs::Role { claim, roles } => {
                let role = role_of(&caller.claims, claim, roles)?;
                Ok(self.over(self.under_role(role)?, Arc::clone(&self.shares)))
            }
            RunAs::OwnLogin(_) => {
                let login = self.login_of(caller).ok_or_else(no_login)?;
                let key = Key::of_login(caller, login);
                let seated = self
                    .identities
                    .seats
                    .take(key, &caller.key(), || self.database.under_login(&login.role, &login.password))?;
                Ok(self.over(seated.database, seated.shares))
            }
        }
    }

    /// Callers' statements run as the entry's own login.
    pub(super) fn runs_as_login(&self) -> bool {
        self.identities.run_as == RunAs::Login
    }

    /// This caller's statements run under their own login.
    pub(super) fn needs_login(&self, caller: &Caller) -> bool {
        let by_policy = self.policies.of(caller).is_ok_and(|policy| policy.login().is_some());
        matches!(self.identities.run_as, RunAs::OwnLogin(_)) && !by_policy
    }

    /// The same, and there is none.
    fn lacks_login(&self, caller: &Caller) -> bool {
        self.policies.of(caller).is_ok() && self.needs_login(caller) && self.login_of(caller).is_none()
    }

    /// Every identity that the configuration names: the entry's login, those of its policies, and the roles to take.
    pub fn identities(&self) -> Vec<Arc<Database>> {
        let mut found = self.logins();
        if let RunAs::Role { roles, .. } = &self.identities.run_as {
            found.extend(roles.iter().filter_map(|role| self.under_role(role).ok()));
        }
        found
    }

    /// The entry's login, and those of its policies.
    pub fn logins(&self) -> Vec<Arc<Database>> {
        let of_policies = self.policies.iter().filter_map(|source| source.login());
        std::iter::once(&self.database).chain(of_policies.map(|(database, _)| database)).cloned().collect()
    }

    /// People's own logins that are in use now.
    pub(super) fn own_logins(&self) -> Vec<Arc<Database>> {
        let databases = self.identities.seats.databases().into_iter();
        databases.filter(|database| *database.identity() == Identity::Own).collect()
    }

    /// Ends what runs under a person's own logins, and their connections.
    pub(super) fn close_logins(&self, person: &str) {
        self.identities.seats.leave(person);
    }

    /// Ends all connections.
    pub async fn close(&self) {
        self.identities.seats.close().await;
        for login in self.logins() {
            login.close().await;
        }
    }

    /// Ends the connections that nothing of `kept` has.
    pub(super) async fn close_but_for(&self, kept: &[Self]) {
        if !kept.iter().any(|kept| Arc::ptr_eq(&kept.identities, &self.identities)) {
            self.identities.seats.close().await;
        }
        for login in self.logins_but_for(kept) {
            login.close().await;
        }
    }

    /// It has connections that nothing of `others` has.
    pub(super) fn is_more_than(&self, others: &[Self]) -> bool {
        !others.iter().any(|other| Arc::ptr_eq(&other.identities, &self.identities))
            || !self.logins_but_for(others).is_empty()
    }

    fn logins_but_for(&self, kept: &[Self]) -> Vec<Arc<Database>> {
        let kept: Vec<Arc<Database>> = kept.iter().flat_map(Self::logins).collect();
        let is_kept = |login: &Arc<Database>| kept.iter().any(|kept| Arc::ptr_eq(kept, login));
        self.logins().into_iter().filter(|login| !is_kept(login)).collect()
    }

    fn under_role(&self, role: &str) -> Result<Arc<Database>, Diagnostic> {
        let seated = self.identities.seats.take(Key::of_role(role), "", || self.database.under_role(role));
        seated.map(|seated| seated.database)
    }

    fn over(&self, database: Arc<Database>, shares: Arc<Shares>) -> Self {
        Self { database, shares, ..self.clone() }
    }
}

impl Gateway {
    /// The database that a call cannot use before the caller has given their own login to it.
    pub fn lacks_login(&self, caller: &Caller, database: Option<&str>) -> Option<String> {
        let served = self.served(database).ok()?;
        served.lacks_login(caller).then(|| served.name().to_owned())
    }

    /// The first of them, where no database can be used before.
    pub fn lacks_every_login(&self, caller: &Caller) -> Option<String> {
        let first = self.served.first()?;
        self.served.iter().all(|served| served.lacks_login(caller)).then(|| first.name().to_owned())
    }
}

/// The first of the roles that the claim has: their order in the configuration decides, not the caller's.
fn role_of<'r>(claims: &Claims, claim: &str, roles: &'r [String]) -> Result<&'r str, Diagnostic> {
    roles.iter().find(|role| claims.has(claim, role)).map(String::as_str).ok_or_else(|| {
        Diagnostic::refused(SqlState::INVALID_AUTHORIZATION, "no role of this database is for this caller")
            .rule("login.role")
            .hint("ask for one of the roles that the database's `run_as` names")
    })
}

fn no_login() -> Diagnostic {
    Diagnostic::refused(
        SqlState::INVALID_AUTHORIZATION,
        "this database is used under one's own login, and yours is not here: it is kept nowhere but in the process that was asked with it",
    )
    .rule("login.own")
    .hint("log in again at pgwarden's page, or call a tool: its answer says where")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configurations_order_decides_which_of_several_roles_is_taken_and_no_other_ever_is() {
        let roles = ["support".to_owned(), "analyst".to_owned()];
        let of = |claim: &str| {
            let claims: Claims = [("role", claim)].into_iter().collect();
            role_of(&claims, "role", &roles).map(str::to_owned).map_err(|refusal| refusal.rule.unwrap())
        };
        assert_eq!(of("analyst support").unwrap(), "support");
        assert_eq!(of("analyst,boss").unwrap(), "analyst");
        for none in ["", "boss", "Support", "supp", "none", "\"support\"", "support'; --"] {
            assert_eq!(of(none).unwrap_err(), "login.role", "{none}");
        }
        assert_eq!(role_of(&Claims::none(), "role", &roles).unwrap_err().sqlstate.as_str(), "28000");
    }
}

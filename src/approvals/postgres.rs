//! The store of several processes: a table in PostgreSQL, its contents sealed. Times are those of its clock.

mod seal;
mod statements;

use futures_util::FutureExt as _;
use tokio::sync::broadcast;
use tracing::warn;

use super::store::{ApprovalStore, Reply};
use super::{Approval, ApprovalId, ApprovalSettings, NewApproval, Person, Word};
use crate::db::ConnectionSettings;
use crate::db::fixed::{Fixed, Heard, Listening, Record, Value};
use crate::pg::Diagnostic;
use crate::store::{MasterKey, altered, fault, migrate};
use seal::{Kind, Refusal, Seal};
use statements::{APPROVE, CREATE, EXPIRE, FIND, FORGET, LISTEN, OPEN, PENDING, REFUSE, TAKE, TURN};

/// Connections of one process.
const CONNECTIONS: usize = 4;
/// Changes that a slow listener may fall behind.
const CHANGES: usize = 1024;

#[derive(Debug)]
pub struct PostgresApprovals {
    settings: ApprovalSettings,
    fixed: Fixed,
    seal: Seal,
    changes: broadcast::Sender<ApprovalId>,
    _listening: Listening,
}

impl PostgresApprovals {
    /// Refuses a database that [`crate::store::migrate`] has not made ready.
    pub async fn open(
        connection: ConnectionSettings,
        settings: ApprovalSettings,
        key: &MasterKey,
    ) -> Result<Self, Diagnostic> {
        let fixed = Fixed::new("the store", connection, CONNECTIONS);
        migrate::check(&fixed).await?;
        let (changes, _) = broadcast::channel(CHANGES);
        let told = changes.clone();
        let hear = move |heard| {
            // What was missed in a gap, those who wait see when they look by themselves.
            if let Heard::Payload(payload) = heard
                && let Ok(id) = payload.parse()
            {
                let _ = told.send(id);
            }
        };
        let listening = fixed.listen(LISTEN, hear).await.map_err(fault)?;
        Ok(Self { settings, fixed, seal: Seal::new(key), changes, _listening: listening })
    }

    /// Ends the connections.
    pub async fn close(&self) {
        self.fixed.close().await;
    }

    async fn create_one(&self, new: NewApproval) -> Result<Approval, Diagnostic> {
        self.settings.fits(&new)?;
        let id = new.id.to_bytes();
        let binding = &new.asked.binding;
        let person = &binding.requester.person;
        let (issuer, subject) = (Value::Text(&person.issuer), Value::Text(&person.subject));
        let digest = self.seal.digest(&binding.digest());
        let asked = self.seal.seal(new.id, Kind::Asked, &new.asked)?;
        let values = [
            Value::Bytes(&id),
            issuer,
            subject,
            Value::Bytes(&digest),
            Value::Bytes(&asked),
            Value::Int(int(new.asked.rule.people())),
            Value::Int(int(self.settings.ttl.as_millis())),
        ];
        let created = async {
            let mut transaction = self.fixed.begin().await.map_err(fault)?;
            transaction.script(TURN).await.map_err(fault)?;
            let open = transaction.run(OPEN, &[issuer, subject]).await.map_err(fault)?;
            let open = open.first().ok_or_else(altered)?;
            self.settings.room(count(open, 0)?, count(open, 1)?)?;
            let created = transaction.run(CREATE, &values).await.map_err(fault)?;
            transaction.commit().await.map_err(fault)?;
            self.seal.approval(created.first().ok_or_else(altered)?)
        };
        created.await
    }

    async fn run(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Record>, Diagnostic> {
        self.fixed.run(sql, values).await.map_err(fault)
    }

    async fn read(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Approval>, Diagnostic> {
        Ok(self.opened(&self.fixed.read(sql, values).await.map_err(fault)?))
    }

    /// One that was altered, or that another key has sealed, must not hide the others.
    fn opened(&self, records: &[Record]) -> Vec<Approval> {
        let opened = records.iter().map(|record| self.seal.approval(record));
        opened.filter_map(|opened| opened.inspect_err(|error| warn!("{}", error.message)).ok()).collect()
    }

    async fn find_one(&self, id: ApprovalId) -> Result<Option<Approval>, Diagnostic> {
        let found = self.fixed.read(FIND, &[Value::Bytes(&id.to_bytes())]).await.map_err(fault)?;
        found.first().map(|record| self.seal.approval(record)).transpose()
    }

    async fn decide_one(&self, id: ApprovalId, by: &Person, word: &Word) -> Result<bool, Diagnostic> {
        let bytes = id.to_bytes();
        let records = match word {
            Word::Approve => {
                let (key, person) = (self.seal.person(id, by)?, self.seal.seal(id, Kind::Approved, by)?);
                let values = [Value::Bytes(&bytes), Value::Bytes(&key), Value::Bytes(&person)];
                self.run(APPROVE, &values).await?
            }
            Word::Refuse { reason } => {
                let refusal = Refusal { by: by.clone(), reason: reason.clone() };
                let refusal = self.seal.seal(id, Kind::Refused, &refusal)?;
                self.run(REFUSE, &[Value::Bytes(&bytes), Value::Bytes(&refusal)]).await?
            }
        };
        Ok(!records.is_empty())
    }

    async fn take_one(&self, id: ApprovalId, digest: [u8; 32]) -> Result<bool, Diagnostic> {
        // Opens it: the people who approved it have sealed their words.
        if !self.find_one(id).await?.is_some_and(|approval| approval.is_approved()) {
            return Ok(false);
        }
        let digest = self.seal.digest(&digest);
        let values = [Value::Bytes(&id.to_bytes()), Value::Bytes(&digest)];
        Ok(!self.run(TAKE, &values).await?.is_empty())
    }

    async fn expire_all(&self) -> Result<Vec<Approval>, Diagnostic> {
        let expired = self.run(EXPIRE, &[]).await?;
        self.run(FORGET, &[Value::Int(int(self.settings.kept.as_millis()))]).await?;
        Ok(self.opened(&expired))
    }
}

impl ApprovalStore for PostgresApprovals {
    fn settings(&self) -> &ApprovalSettings {
        &self.settings
    }

    fn create(&self, new: NewApproval) -> Reply<'_, Approval> {
        self.create_one(new).boxed()
    }

    fn find(&self, id: ApprovalId) -> Reply<'_, Option<Approval>> {
        self.find_one(id).boxed()
    }

    fn pending<'a>(&'a self, requester: Option<&'a Person>) -> Reply<'a, Vec<Approval>> {
        async move {
            let (issuer, subject) =
                requester.map_or(("", ""), |person| (person.issuer.as_str(), person.subject.as_str()));
            let values = [Value::Text(issuer), Value::Text(subject), Value::Bool(requester.is_none())];
            self.read(PENDING, &values).await
        }
        .boxed()
    }

    fn decide<'a>(&'a self, id: ApprovalId, by: &'a Person, word: &'a Word) -> Reply<'a, bool> {
        self.decide_one(id, by, word).boxed()
    }

    fn take(&self, id: ApprovalId, digest: [u8; 32]) -> Reply<'_, bool> {
        self.take_one(id, digest).boxed()
    }

    fn expire(&self) -> Reply<'_, Vec<Approval>> {
        self.expire_all().boxed()
    }

    fn changes(&self) -> broadcast::Receiver<ApprovalId> {
        self.changes.subscribe()
    }
}

fn count(record: &Record, column: usize) -> Result<usize, Diagnostic> {
    Ok(usize::try_from(record.int(column).map_err(fault)?).unwrap_or(usize::MAX))
}

fn int(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

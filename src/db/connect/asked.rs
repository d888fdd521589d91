//! A connection by a password that is asked for when it is opened.

use super::Connector;
use crate::db::conninfo::{Password, PasswordFrom};
use crate::db::link::Link;
use crate::pg::Diagnostic;
use crate::secrets::Other;

impl Connector {
    /// A password that PostgreSQL refuses is asked for anew, and the new one tried, once.
    pub async fn open(&self) -> Result<Link, Diagnostic> {
        let PasswordFrom::Asked(passwords) = self.settings.password_from() else {
            return self.open_once().await;
        };
        let first = passwords.current().await?;
        let opened = self.by(&first).await;
        if !opened.as_ref().is_err_and(is_refused) {
            return opened;
        }
        match passwords.instead_of(&first).await? {
            None => opened,
            Some(Other::Newer(newer)) => self.by(&newer).await,
            Some(Other::Before(before)) => match self.by(&before).await {
                // PostgreSQL has come to know of it meanwhile.
                Err(refused) if is_refused(&refused) && before != first => self.by(&first).await,
                opened => opened,
            },
        }
    }

    async fn by(&self, password: &Password) -> Result<Link, Diagnostic> {
        let connector = Self { own: self.own.clone(), ..self.with(self.settings.with_password(password)) };
        let opened = connector.open_once().await;
        if let (Ok(_), PasswordFrom::Asked(passwords)) = (&opened, self.settings.password_from()) {
            passwords.took(password);
        }
        opened
    }
}

/// 28P01 and 28000.
fn is_refused(error: &Diagnostic) -> bool {
    error.sqlstate.class() == "28"
}

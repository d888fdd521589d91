//! A database for one test, copied from a template, dropped after the test.

use std::sync::Mutex;

use tokio_postgres::Client;

use super::cluster::{Cluster, Leavings, cluster};
use super::template::Script;
use super::{CORNER_READER, READER, Template, pgbouncer, prepared};

pub struct Database<'c> {
    cluster: &'c Cluster,
    name: String,
    roles: Mutex<Vec<String>>,
}

impl Database<'static> {
    /// In the cluster that all tests share.
    pub async fn create(template: Template) -> Self {
        Self::create_in(cluster(), template).await
    }
}

impl<'c> Database<'c> {
    pub async fn create_in(cluster: &'c Cluster, template: Template) -> Self {
        if let Err(error) = cluster.loaded(template) {
            panic!("the template {template:?} does not load: {error}");
        }
        let name = cluster.next_name();
        let postgres = prepared::connect(&cluster.url("postgres", cluster.superuser())).await;
        // Since 15 the server would write each page to its log; copying files takes half the time.
        let strategy = if cluster.major() >= 15 { "STRATEGY file_copy" } else { "" };
        let create = format!("CREATE DATABASE {name} TEMPLATE {} {strategy}", template.database());
        postgres.batch_execute(&create).await.unwrap();
        if template == Template::Shop {
            // What login.sql does for the database it runs in: the one right that a copy does not inherit.
            let rights = format!(
                "REVOKE ALL ON DATABASE {name} FROM PUBLIC;
                 GRANT CONNECT ON DATABASE {name} TO {READER}, {CORNER_READER}"
            );
            postgres.batch_execute(&rights).await.unwrap();
        }
        Self { cluster, name, roles: Mutex::default() }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn cluster(&self) -> &'c Cluster {
        self.cluster
    }

    /// Until 15 a session tells of what it counted at the end of a statement, but not twice within half a second.
    pub async fn send_counts(&self, session: &Client) {
        let sends = if self.cluster.major() >= 15 {
            "SELECT pg_stat_force_next_flush()"
        } else {
            "SELECT pg_sleep(0.6)"
        };
        session.batch_execute(sends).await.unwrap();
    }

    /// For `--database` and its like; no password is asked.
    pub fn url(&self, role: &str) -> String {
        match pgbouncer::between().filter(|_| std::ptr::eq(self.cluster, cluster())) {
            Some(between) => between.url(&self.name, role),
            None => self.direct_url(role),
        }
    }

    /// Of PostgreSQL itself, whatever stands before it.
    pub fn direct_url(&self, role: &str) -> String {
        self.cluster.url(&self.name, role)
    }

    pub fn admin_url(&self) -> String {
        self.direct_url(self.cluster.superuser())
    }

    /// The superuser.
    pub async fn admin(&self) -> Client {
        prepared::connect(&self.admin_url()).await
    }

    pub async fn connect(&self, role: &str) -> Client {
        prepared::connect(&self.direct_url(role)).await
    }

    /// Roles belong to the whole cluster: one of this test's own gets the database's name in front. Dropped with
    /// the database. `attributes` as in `LOGIN` or `LOGIN BYPASSRLS`.
    pub async fn create_role(&self, name: &str, attributes: &str) -> String {
        let role = self.own_role(name);
        self.admin().await.batch_execute(&format!("CREATE ROLE {role} {attributes}")).await.unwrap();
        role
    }

    /// A login of this test's own with the rights of [`super::READER`], in a database from [`Template::Shop`].
    pub async fn create_login(&self, name: &str) -> String {
        let role = self.own_role(name);
        self.admin().await.batch_execute(&Script::login(&role).text).await.unwrap();
        role
    }

    fn own_role(&self, name: &str) -> String {
        let role = format!("{}_{name}", self.name);
        self.roles.lock().unwrap().push(role.clone());
        role
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        let url = self.cluster.url("postgres", self.cluster.superuser());
        let roles = std::mem::take(&mut *self.roles.lock().unwrap());
        self.cluster.clear(Leavings { url, database: self.name.clone(), roles });
    }
}

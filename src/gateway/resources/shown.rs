//! What the resources say, as numbers to compare: when one is another than before, its reader is told.
//!
//! INVARIANT: what is compared is the text that the caller would read, so that nothing hidden makes a difference. Estimated
//! rows are left out: they change behind the reader's back, and would be noticed only when something hidden changes.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

use super::{by_schema, listed, page};
use crate::catalog::Catalog;
use crate::gateway::visible::Visible;
use crate::gateway::{Notes, resource_uri};
use crate::policy::Policy;

/// Policies of one database that are remembered.
const REMEMBERED: usize = 32;

/// The resources of one database under one policy.
#[derive(Debug)]
pub(in crate::gateway) struct Pages {
    /// Of the list, with its descriptions.
    list: u64,
    /// By URI.
    pages: HashMap<String, u64>,
}

impl Pages {
    fn new(database: &str, catalog: &Catalog, policy: &Policy, notes: &Notes) -> Self {
        let visible = Visible::new(catalog, policy).noted(notes).without_estimates();
        let list: Vec<_> = listed(database, &visible)
            .into_iter()
            .map(|resource| (resource.uri, resource.name, resource.description))
            .collect();
        let schemas = by_schema(&visible);
        let mut pages = HashMap::new();
        pages.insert(resource_uri::uri(&[database]), number(&page::database(database, &visible, &schemas)));
        for (schema, relations) in &schemas {
            pages.insert(
                resource_uri::uri(&[database, schema]),
                number(&page::schema(&visible, schema, relations)),
            );
        }
        for relation in visible.relations() {
            let uri = resource_uri::uri(&[database, &relation.name.schema, &relation.name.name]);
            pages.insert(uri, number(&page::relation(&visible, relation)));
        }
        Self { list: number(&list), pages }
    }
}

/// What a caller is shown of all databases, at one moment.
#[derive(Clone, Debug)]
pub struct Shown(pub(in crate::gateway) BTreeMap<String, Part>);

/// Of one database.
#[derive(Clone, Debug)]
pub(in crate::gateway) enum Part {
    /// It is listed alone, with the reason.
    NotReady,
    Pages(Arc<Pages>),
}

impl Shown {
    /// `resources/list` had other words at the other moment.
    pub fn differs_in_list(&self, other: &Self) -> bool {
        fn list(shown: &Shown) -> impl Iterator<Item = (&String, Option<u64>)> {
            shown.0.iter().map(|(name, part)| match part {
                Part::NotReady => (name, None),
                Part::Pages(pages) => (name, Some(pages.list)),
            })
        }
        !list(self).eq(list(other))
    }

    /// `resources/read` had other words, or none, at the other moment.
    pub fn differs_in(&self, other: &Self, uri: &str) -> bool {
        self.page(uri) != other.page(uri)
    }

    fn page(&self, uri: &str) -> Option<u64> {
        let parts = resource_uri::parts(uri)?;
        match self.0.get(parts.first()?)? {
            Part::NotReady => None,
            // As it is written here: a client may encode it in another way.
            Part::Pages(pages) => {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                pages.pages.get(&resource_uri::uri(&parts)).copied()
            }
        }
    }
}

/// The last pages of one database, worked out once for all who watch.
#[derive(Debug, Default)]
pub(in crate::gateway) struct LastPages(tokio::sync::Mutex<Vec<Known>>);

#[derive(Debug)]
struct Known {
    policy: Arc<Policy>,
    catalog: Arc<Catalog>,
    notes: Arc<Notes>,
    pages: Arc<Pages>,
}

impl LastPages {
    pub(in crate::gateway) async fn of(
        &self,
        database: &str,
        policy: &Arc<Policy>,
        catalog: &Arc<Catalog>,
        notes: &Arc<Notes>,
    ) -> Option<Arc<Pages>> {
        let mut last = self.0.lock().await;
        // What an identity saw before is of no use any more.
        let login = &catalog.contents().login;
        last.retain(|known| {
            let is_old = known.catalog.contents().login == *login && !Arc::ptr_eq(&known.catalog, catalog);
            Arc::ptr_eq(&known.notes, notes) && !is_old
        });
        let is_it =
            |known: &&Known| Arc::ptr_eq(&known.policy, policy) && Arc::ptr_eq(&known.catalog, catalog);
        if let Some(known) = last.iter().find(is_it) {
            return Some(Arc::clone(&known.pages));
        }
        let name = database.to_owned();
        let (policy, catalog, notes) = (Arc::clone(policy), Arc::clone(catalog), Arc::clone(notes));
        // Thousands of pages take a while.
        let working = tokio::task::spawn_blocking({
            let (policy, catalog, notes) = (Arc::clone(&policy), Arc::clone(&catalog), Arc::clone(&notes));
            move || Pages::new(&name, &catalog, &policy, &notes)
        });
        let pages = Arc::new(working.await.ok()?);
        if last.len() >= REMEMBERED {
            last.remove(0);
        }
        last.push(Known { policy, catalog, notes, pages: Arc::clone(&pages) });
        Some(pages)
    }
}

fn number(words: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::CatalogContents;
    use crate::gateway::shop;

    fn shown(change: impl FnOnce(&mut CatalogContents)) -> Shown {
        let mut contents = shop::catalog().contents().clone();
        change(&mut contents);
        let pages = Pages::new("demo", &Catalog::new(contents), &shop::policy(), &Notes::default());
        Shown([("demo".to_owned(), Part::Pages(Arc::new(pages)))].into_iter().collect())
    }

    fn relation<'c>(contents: &'c mut CatalogContents, name: &str) -> &'c mut crate::catalog::Relation {
        contents.relations.iter_mut().find(|relation| relation.name.to_string() == name).unwrap()
    }

    const ORDERS: &str = "postgres://demo/shop/orders";
    const CUSTOMERS: &str = "postgres://demo/shop/customers";

    #[test]
    fn what_a_caller_reads_makes_a_difference() {
        let before = shown(|_| {});
        let commented = shown(|contents| relation(contents, "shop.orders").comment = Some("new".to_owned()));
        assert!(before.differs_in(&commented, ORDERS) && before.differs_in_list(&commented));
        assert!(!before.differs_in(&commented, CUSTOMERS));
        let typed = shown(|contents| {
            relation(contents, "shop.orders").columns.first_mut().unwrap().type_name = "x".to_owned();
        });
        assert!(before.differs_in(&typed, ORDERS) && !before.differs_in_list(&typed));
        let dropped = shown(|contents| contents.relations.retain(|r| r.name.to_string() != "shop.customers"));
        assert!(before.differs_in(&dropped, CUSTOMERS) && before.differs_in_list(&dropped));
        assert!(before.differs_in(&dropped, "postgres://demo/shop"));
        assert!(before.differs_in(&commented, "postgres://demo/shop/%6Frders"), "however it is written");
    }

    #[test]
    fn what_is_hidden_makes_none_and_neither_do_estimates() {
        let before = shown(|_| {});
        let hidden = shown(|contents| {
            relation(contents, "hr.salaries").comment = Some("changed".to_owned());
            let secret = relation(contents, "shop.secret_notes");
            secret.columns.pop();
            secret.comment = Some("changed".to_owned());
            contents.relations.retain(|relation| relation.name.to_string() != "shop.audit");
        });
        let estimated = shown(|contents| {
            contents.relations.iter_mut().for_each(|relation| relation.row_estimate = Some(987_654));
        });
        for other in [hidden, estimated] {
            assert!(!before.differs_in_list(&other));
            for path in
                ["", "/shop", "/shop/orders", "/shop/customers", "/shop/secret_notes", "/hr", "/hr/salaries"]
            {
                assert!(!before.differs_in(&other, &format!("postgres://demo{path}")), "{path}");
            }
        }
    }
}

//! What is shared by all who are pushed to: how many may be, and what they are shown. Subscribers
//! whose documents say the same of an item are shown the same text, made once.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Request, Variables};
use events::words::Actor;
use moka::future::Cache;

use crate::config::LiveSettings;
use crate::error::{ApiError, Code};
use crate::graphql::Caller;
use crate::graphql::pushed::ItemKey;

/// How long a text that was made is kept for others, at the most: personal data may be in it.
const KEPT: Duration = Duration::from_secs(10);

/// Counts who is pushed to, and keeps what they are shown.
pub struct Live {
    settings: LiveSettings,
    began: Instant,
    places: Arc<Mutex<Places>>,
    pushed: AtomicI64,
    shapes: Mutex<HashMap<ShapeKey, Weak<Shape>>>,
    shape_numbers: AtomicU64,
    shown: Cache<(u64, ItemKey), Arc<str>>,
}

/// Who is there.
#[derive(Debug, Default)]
struct Places {
    connections: usize,
    subscriptions: usize,
    by_user: HashMap<Actor, usize>,
}

/// How many are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// WebSockets and event streams.
    pub connections: i64,
    /// Subscriptions.
    pub subscriptions: i64,
    /// Messages that were pushed since the program began.
    pub pushed: i64,
}

/// A place of a connection or a subscription, until it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Mutex<Places>>,
    /// Whose subscription it is; none: it is a connection.
    user: Option<Actor>,
}

impl Live {
    /// Nobody is there yet.
    #[must_use]
    pub fn new(settings: LiveSettings) -> Self {
        let weigh = |_: &(u64, ItemKey), text: &Arc<str>| {
            u32::try_from(text.len() + 200).unwrap_or(u32::MAX)
        };
        let shown = Cache::builder()
            .weigher(weigh)
            .max_capacity(settings.shown_bytes_max)
            .time_to_live(KEPT)
            .build();
        Self {
            settings,
            began: Instant::now(),
            places: Arc::default(),
            pushed: AtomicI64::new(0),
            shapes: Mutex::default(),
            shape_numbers: AtomicU64::new(0),
            shown,
        }
    }

    /// How long it has been there.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.began.elapsed()
    }

    /// How many are there.
    #[must_use]
    pub fn open(&self) -> Open {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Open {
            connections: count(places.connections),
            subscriptions: count(places.subscriptions),
            pushed: self.pushed.load(Ordering::Relaxed),
        }
    }

    /// Messages went out.
    pub(super) fn pushes(&self, count: usize) {
        self.pushed.fetch_add(i64::try_from(count).unwrap_or(i64::MAX), Ordering::Relaxed);
        metrics::counter!("millrace_gateway_pushed_total").increment(count as u64);
    }

    /// A place for one more connection.
    pub(super) fn connect(&self) -> Result<Place, ApiError> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.connections >= self.settings.connections_max {
            return Err(busy("too many connections are open"));
        }
        places.connections += 1;
        metrics::gauge!("millrace_gateway_connections").increment(1.0);
        Ok(Place { places: self.places.clone(), user: None })
    }

    /// A place for one more subscription.
    pub(super) fn subscribe(&self, user: Actor) -> Result<Place, ApiError> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let Places { subscriptions, by_user, .. } = &mut *places;
        if *subscriptions >= self.settings.subscriptions_max {
            return Err(busy("too many subscriptions are open"));
        }
        let own = by_user.entry(user).or_default();
        if *own >= self.settings.subscriptions_per_user_max {
            return Err(busy("you have too many subscriptions open; end some, or"));
        }
        *own += 1;
        *subscriptions += 1;
        metrics::gauge!("millrace_gateway_subscriptions").increment(1.0);
        Ok(Place { places: self.places.clone(), user: Some(user) })
    }

    /// What subscribers with this request are shown the same by.
    pub(super) fn shape(&self, request: &mut Request, caller: &Caller) -> Arc<Shape> {
        let used = request.parsed_query().ok().map(used_below).unwrap_or_default().into_iter();
        let variables = used.map(|name| {
            let value = request.variables.get(&name).map(ToString::to_string);
            (name, value)
        });
        let key = ShapeKey {
            query: request.query.clone(),
            operation: request.operation_name.clone(),
            variables: variables.collect(),
            actor: caller.actor,
            organization: caller.organization.clone(),
        };
        let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        if shapes.len() > 2 * self.settings.subscriptions_max {
            shapes.retain(|_, shape| shape.strong_count() > 0);
        }
        let fresh = || {
            Arc::new(Shape {
                number: self.shape_numbers.fetch_add(1, Ordering::Relaxed),
                query: request.query.clone(),
                operation: request.operation_name.clone(),
                variables: request.variables.clone(),
                caller: Caller { key: None, at_least: None, ..caller.clone() },
            })
        };
        match shapes.entry(key) {
            Entry::Occupied(mut known) => known.get().upgrade().unwrap_or_else(|| {
                let shape = fresh();
                known.insert(Arc::downgrade(&shape));
                shape
            }),
            Entry::Vacant(free) => {
                let shape = fresh();
                free.insert(Arc::downgrade(&shape));
                shape
            }
        }
    }

    /// The text that an item is shown as: made by whoever needs it first.
    pub(super) async fn shown(
        &self,
        shape: &Shape,
        item: ItemKey,
        make: impl Future<Output = Arc<str>>,
    ) -> Arc<str> {
        self.shown.get_with((shape.number, item), make).await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(user) = self.user else {
            places.connections -= 1;
            metrics::gauge!("millrace_gateway_connections").decrement(1.0);
            return;
        };
        places.subscriptions -= 1;
        metrics::gauge!("millrace_gateway_subscriptions").decrement(1.0);
        if let Entry::Occupied(mut own) = places.by_user.entry(user) {
            *own.get_mut() -= 1;
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}

fn busy(what: &str) -> ApiError {
    ApiError::new(Code::Busy, format!("{what}; try again in a moment"))
}

/// What an item is shown by: a document, and who looks.
pub struct Shape {
    number: u64,
    pub(super) query: String,
    pub(super) operation: Option<String>,
    pub(super) variables: Variables,
    pub(super) caller: Caller,
}

/// What tells a shape from others. What the arguments of the subscription's own field say decides
/// which items are pushed, not how they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ShapeKey {
    query: String,
    operation: Option<String>,
    variables: BTreeMap<Name, Option<String>>,
    actor: Actor,
    organization: Option<String>,
}

/// The variables that stand below the fields at the top, and in fragments.
fn used_below(document: &ExecutableDocument) -> BTreeSet<Name> {
    let mut used = BTreeSet::new();
    for (_, operation) in document.operations.iter() {
        for selection in &operation.node.selection_set.node.items {
            match &selection.node {
                Selection::Field(field) => within(&field.node.selection_set.node, &mut used),
                Selection::InlineFragment(fragment) => {
                    within(&fragment.node.selection_set.node, &mut used);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    for fragment in document.fragments.values() {
        within(&fragment.node.selection_set.node, &mut used);
    }
    used
}

fn within(set: &SelectionSet, used: &mut BTreeSet<Name>) {
    for selection in &set.items {
        let directives = match &selection.node {
            Selection::Field(field) => {
                let field = &field.node;
                field.arguments.iter().for_each(|(_, value)| named(&value.node, used));
                within(&field.selection_set.node, used);
                &field.directives
            }
            Selection::InlineFragment(fragment) => {
                within(&fragment.node.selection_set.node, used);
                &fragment.node.directives
            }
            Selection::FragmentSpread(spread) => &spread.node.directives,
        };
        let directives = directives.iter().map(|directive| &directive.node);
        directives.for_each(|Directive { arguments, .. }| {
            arguments.iter().for_each(|(_, value)| named(&value.node, used));
        });
    }
}

fn named(value: &async_graphql_value::Value, used: &mut BTreeSet<Name>) {
    use async_graphql_value::Value;
    match value {
        Value::Variable(name) => drop(used.insert(name.clone())),
        Value::List(all) => all.iter().for_each(|one| named(one, used)),
        Value::Object(fields) => fields.values().for_each(|one| named(one, used)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn what_decides_only_which_items_come_is_not_part_of_how_they_are_shown() {
        let document = parse_query(
            "subscription($f: F, $n: Int, $yes: Boolean, $deep: F) {
                changed(filter: $f) { order { lines(first: $n) @include(if: $yes) { sku } ...X } }
            }
            fragment X on Order { a(where: { any: [$deep] }) }",
        );
        let used = used_below(&document.unwrap());
        assert_eq!(used.iter().map(Name::as_str).collect::<Vec<_>>(), ["deep", "n", "yes"]);
    }
}

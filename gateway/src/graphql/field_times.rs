//! How long the fields of a request took, in the log: summed by field, for a list has each of them
//! many times. Only where `graphql.field_times` says so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextResolve, ResolveInfo,
};
use async_graphql::{Response, ServerResult, Value, async_trait};

/// Makes one for each request.
pub(super) struct FieldTimes;

impl ExtensionFactory for FieldTimes {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Times::default())
    }
}

/// What a field took.
#[derive(Debug, Default, Clone, Copy)]
struct Took {
    count: u64,
    sum: Duration,
    longest: Duration,
}

/// The fields of a request by type and name. There are no more of them than selections.
#[derive(Default)]
struct Times {
    fields: Mutex<BTreeMap<(String, String), Took>>,
}

impl Times {
    fn with<T>(&self, look: impl FnOnce(&mut BTreeMap<(String, String), Took>) -> T) -> T {
        look(&mut self.fields.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait::async_trait]
impl Extension for Times {
    /// A line for each field, in the span of the request.
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let response = next.run(ctx, operation_name).await;
        for ((parent, field), took) in self.with(std::mem::take) {
            tracing::info!(
                operation = operation_name,
                field = format!("{parent}.{field}"),
                count = took.count,
                sum_us = micros(took.sum),
                longest_us = micros(took.longest),
                "field times",
            );
        }
        response
    }

    /// From the asking for a field to its value, with all that stands in it.
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let field = (info.parent_type.to_owned(), info.name.to_owned());
        let started = Instant::now();
        let resolved = next.run(ctx, info).await;
        let took = started.elapsed();
        self.with(|fields| {
            let all = fields.entry(field).or_default();
            all.count += 1;
            all.sum += took;
            all.longest = all.longest.max(took);
        });
        resolved
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

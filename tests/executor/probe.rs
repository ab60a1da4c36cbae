//! A command of the tests' own: what it needs and decides is told by functions.

use std::sync::Arc;

use commands::{Command, Context, Decision, Needs, Rejection, States};
use serde::Serialize;
use uuid::Uuid;

type Names = dyn Fn(&States, &mut Needs) + Send + Sync;
type Decides = dyn Fn(&States) -> Result<Decision, Rejection> + Send + Sync;

/// About a record, by functions.
#[derive(Clone, Serialize)]
pub(crate) struct Probe {
    record: Uuid,
    #[serde(skip)]
    needs: Arc<Names>,
    #[serde(skip)]
    decide: Arc<Decides>,
}

impl Probe {
    pub(crate) fn new(
        record: impl Into<Uuid>,
        needs: impl Fn(&States, &mut Needs) + Send + Sync + 'static,
        decide: impl Fn(&States) -> Result<Decision, Rejection> + Send + Sync + 'static,
    ) -> Self {
        Self { record: record.into(), needs: Arc::new(needs), decide: Arc::new(decide) }
    }
}

impl Command for Probe {
    const FEATURE: &'static str = "customers";
    const ACTION: &'static str = "probe";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.record
    }

    fn needs(&self, _: &Context, known: &States, needs: &mut Needs) {
        (self.needs)(known, needs);
    }

    fn decide(&self, _: &Context, states: &States) -> Result<Decision, Rejection> {
        (self.decide)(states)
    }
}

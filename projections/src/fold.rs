//! The fold of one stream's facts into its record, for whoever has the facts: what a record was as
//! of a moment is what its facts up to then fold into. The sinks do the same, page by page.

use events::{Event, Recorded};

use crate::{At, Kept, Record, evolve};

/// A record with its child rows.
pub type KeptOf<R> = Kept<<R as Record>::Row, <R as Record>::Child>;

/// A record projection whose facts can be told from others. Every one is.
pub trait Fold: Record {
    /// Takes more facts of one stream in, in order. None: there is no such record (any more).
    fn fold<'a>(
        record: Option<KeptOf<Self>>,
        facts: impl IntoIterator<Item = &'a Recorded>,
    ) -> Option<KeptOf<Self>>
    where
        Self: Sized;
}

impl<R: Record> Fold for R
where
    for<'a> &'a R::Fact: TryFrom<&'a Event>,
{
    fn fold<'a>(
        record: Option<KeptOf<R>>,
        facts: impl IntoIterator<Item = &'a Recorded>,
    ) -> Option<KeptOf<R>> {
        let take = |record, fact: &Recorded| evolve::<R>(record, &fact.event, &At::from(fact));
        facts.into_iter().fold(record, take)
    }
}

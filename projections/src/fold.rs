//! The fold of one stream's facts into its record, fact by fact, for whoever has the facts: what a
//! record was as of a moment is what its facts up to then fold into. The sinks do the same. What a
//! fact changed stands in `changes`.

pub mod changes;

use events::{Event, Recorded};

use crate::sinks::unwound;
use crate::{At, Kept, Record, evolve};

/// A record with its child rows.
pub type KeptOf<R> = Kept<<R as Record>::Row, <R as Record>::Child>;

/// A record projection whose facts can be told from others. Every one is.
pub trait Fold: Record {
    /// Takes the stream's next fact in. None: there is no such record (any more).
    ///
    /// # Errors
    /// If it cannot be folded: what is wrong.
    fn take(record: Option<KeptOf<Self>>, fact: &Recorded) -> Result<Option<KeptOf<Self>>, String>
    where
        Self: Sized;
}

impl<R: Record> Fold for R
where
    for<'a> &'a R::Fact: TryFrom<&'a Event>,
{
    fn take(record: Option<KeptOf<R>>, fact: &Recorded) -> Result<Option<KeptOf<R>>, String> {
        unwound(|| evolve::<R>(record, &fact.event, &At::from(fact)))
    }
}

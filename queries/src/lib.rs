//! Who may see what: every query, within the boundary of an [`Access`]. What the rows mean is the
//! projections' business, how they are shown the gateway's.

pub mod aggregates;
pub mod as_of;
mod boundary;
pub mod cache;
pub mod contacts;
pub mod credit;
pub mod credit_notes;
pub mod cursor;
pub mod customers;
pub mod fields;
pub mod filter;
mod folding;
pub mod history;
pub mod live;
pub mod orders;
pub mod organizations;
pub mod page;
pub mod parked;
pub mod position;
pub mod products;
pub mod records;
pub mod sales;
pub mod search;
pub mod sort;
mod statements;
pub mod stock;
pub mod warehouses;

use std::collections::HashSet;
use std::sync::{Arc, RwLock, Weak};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use events::access::Permission;
use events::facts::DecodeError;
use events::personal::{Key, Vault, VaultError};
use events::words::{OrganizationId, Position};
pub use projections::watermarks::{Mark, Pending, Watermarks};
use tokio::sync::OnceCell;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, NoTls};

use crate::cache::Cache;
use crate::live::Live;
pub use records::Seen;
use statements::Hot;

/// A parameter of a query.
pub type Param<'a> = &'a (dyn ToSql + Sync);

/// Bounds of reading.
#[derive(Debug, Clone)]
pub struct ReaderLimits {
    /// Connections for queries.
    pub connections_max: usize,
    /// How long a query waits for a connection.
    pub connection_wait_max: Duration,
    /// How long a query waits for the position that it is to see.
    pub at_least_wait_max: Duration,
    /// How long PostgreSQL may work on one query.
    pub statement_wait_max: Duration,
    /// Records of a page, at the most.
    pub page_max: usize,
    /// Records of a page, if nobody says how many.
    pub page_default: usize,
    /// Facts of one record that are folded, where it is read as of a moment or its history is read.
    pub as_of_facts_max: usize,
    /// Bytes of records and counts that are kept in mind; with none, nothing is.
    pub cache_bytes_max: u64,
    /// Characters of what somebody searches for.
    pub search_chars_max: usize,
    /// Words of it.
    pub search_words_max: usize,
    /// Hits of a feature that are ranked; pages end there.
    pub search_hits_max: usize,
    /// Rows of a feature that are looked at for one search, where not all that its index finds fit.
    pub search_rows_max: usize,
    /// Words of a feature that are compared with one that may be mistyped.
    pub search_vocabulary_max: usize,
    /// Where fewer hits than these have the words as they were typed, typos are tolerated.
    pub search_typos_below: usize,
    /// Conditions of a filter, those that join others counted too.
    pub filter_conditions_max: usize,
    /// Values that a condition may name: `in`.
    pub filter_values_max: usize,
    /// Groups that records are added up in.
    pub groups_max: usize,
    /// Changes that wait for somebody who watches a list; of more he is told to read it again.
    pub live_waiting_max: usize,
    /// Changes that go by while he is not told even that; with more, his watching is over.
    pub live_missed_max: usize,
    /// Records of a read model that is watched, as they were told last, that are kept in mind.
    pub live_rows_max: usize,
    /// Facts behind which somebody resumes, at the most; behind more he reads the list again.
    pub live_resume_facts_max: usize,
    /// Records of which he is told then.
    pub live_resume_records_max: usize,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self {
            connections_max: 16,
            connection_wait_max: Duration::from_secs(5),
            at_least_wait_max: Duration::from_secs(5),
            statement_wait_max: Duration::from_secs(10),
            page_max: 100,
            page_default: 20,
            as_of_facts_max: 1_000_000,
            cache_bytes_max: 32 << 20,
            search_chars_max: 200,
            search_words_max: 10,
            search_hits_max: 1_000,
            search_rows_max: 4_000,
            search_vocabulary_max: 20_000,
            search_typos_below: 20,
            filter_conditions_max: 100,
            filter_values_max: 1_000,
            groups_max: 5_000,
            live_waiting_max: 1_000,
            live_missed_max: 100_000,
            live_rows_max: 10_000,
            live_resume_facts_max: 100_000,
            live_resume_records_max: 1_000,
        }
    }
}

/// Why a query has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueryError {
    /// The actor may not see it.
    #[error("this needs the permission {0}")]
    Denied(Permission),
    /// The position that it is to see is not readable in time.
    #[error(transparent)]
    Pending(#[from] Pending),
    /// An argument is not one that the query takes.
    #[error("{message}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// What is wrong and what would be right.
        message: String,
    },
    /// A fact of the record cannot be read.
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
    /// A fact of the record cannot be folded.
    #[error("a fact of the record cannot be folded: {0}")]
    Unfoldable(String),
    /// What belongs to a person cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A read model that is new has not been built yet.
    #[error("the read model is being built; try again in a moment")]
    Building,
    /// The database cannot be reached, or not in time.
    #[error("the read models are not available: {0}")]
    Unavailable(String),
    /// The database refused.
    #[error("the read models' database refused: {0}")]
    Database(String),
}

impl From<tokio_postgres::Error> for QueryError {
    fn from(error: tokio_postgres::Error) -> Self {
        let shown = error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string);
        match error.code().map(|code| code.code()) {
            None => Self::Unavailable(shown),
            // Its view comes when it is built.
            Some("42P01") => Self::Building,
            Some(code) if code.starts_with("57") || code.starts_with("53") => {
                Self::Unavailable(shown)
            }
            Some(_) => Self::Database(shown),
        }
    }
}

/// Reads the read models, and records as of a moment from the log; clones share connections.
#[derive(Clone)]
pub struct Reader {
    pool: Pool,
    /// The log, and the keys of the persons of whom its facts speak.
    vault: Vault,
    watermarks: Watermarks,
    limits: ReaderLimits,
    cache: Arc<Cache>,
    /// Organizations that are known to exist.
    organizations: Arc<RwLock<HashSet<OrganizationId>>>,
    /// What cursors are signed with, once it was read.
    cursor_key: Arc<OnceCell<Key>>,
    /// Which statements of lists are kept prepared.
    hot: Arc<Hot>,
    /// What is watched.
    live: Arc<Live>,
}

impl Reader {
    /// A reader of this database, whose log the vault opens.
    ///
    /// # Errors
    /// If the limits make no pool.
    pub fn new(
        config: &Config,
        vault: Vault,
        watermarks: Watermarks,
        limits: ReaderLimits,
    ) -> Result<Self, QueryError> {
        let mut config = config.clone();
        let statement_wait = limits.statement_wait_max.as_millis();
        config.options(format!("-c statement_timeout={statement_wait} -c jit=off"));
        config.application_name("millrace queries");
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, NoTls, recycling))
            .max_size(limits.connections_max)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(limits.connection_wait_max))
            .create_timeout(Some(limits.connection_wait_max))
            .build()
            .map_err(|error| QueryError::Unavailable(error.to_string()))?;
        let read_models = projections::all().into_iter().map(|projection| projection.name());
        let cache = Arc::new(Cache::new(limits.cache_bytes_max, read_models));
        let weak: Weak<Cache> = Arc::downgrade(&cache);
        watermarks.listen(weak);
        let (organizations, cursor_key, hot, live) = Default::default();
        Ok(Self { pool, vault, watermarks, limits, cache, organizations, cursor_key, hot, live })
    }

    /// The bounds of reading.
    #[must_use]
    pub fn limits(&self) -> &ReaderLimits {
        &self.limits
    }

    /// How far the read models have come.
    #[must_use]
    pub fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }

    /// The records and counts that are kept in mind.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// If it does not.
    pub async fn ping(&self) -> Result<(), QueryError> {
        self.client().await?.batch_execute("select 1").await?;
        Ok(())
    }

    /// Waits, bounded, until these read models hold a position.
    ///
    /// # Errors
    /// [`QueryError::Pending`], if they do not in time.
    pub async fn at_least(
        &self,
        read_models: &[&'static str],
        position: Option<Position>,
    ) -> Result<(), QueryError> {
        let Some(position) = position else {
            return Ok(());
        };
        let wait = self.limits.at_least_wait_max;
        Ok(self.watermarks.wait(read_models, position, wait).await?)
    }

    /// A connection, for one statement.
    pub(crate) async fn client(&self) -> Result<Object, QueryError> {
        metrics::counter!("millrace_queries_statements_total").increment(1);
        self.pool.get().await.map_err(|error| QueryError::Unavailable(error.to_string()))
    }
}

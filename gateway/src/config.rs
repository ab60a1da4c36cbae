//! Settings: `millrace.toml`, overridden by `MILLRACE__SECTION__KEY`, overridden by flags. What
//! they mean stands beside each; `config.default.toml` is made of that.

mod limits;
mod render;

use std::path::Path;
use std::time::Duration;

use events::personal::VaultLimits;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use limits::{ExecutorSettings, ExportSettings, ImportSettings, LogSettings, QuerySettings};
pub use render::{default_toml, show, without_password};

/// Every setting.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where Millrace listens, and what a request may cost.
    pub server: Server,
    /// The database: embedded, or yours.
    pub database: Database,
    /// Limits of GraphQL.
    pub graphql: GraphQl,
    /// Limits of what is pushed.
    pub live: LiveSettings,
    /// Limits of the event log.
    pub log: LogSettings,
    /// Limits of the command executor.
    pub executor: ExecutorSettings,
    /// Limits of queries.
    pub queries: QuerySettings,
    /// Limits of imports.
    pub import: ImportSettings,
    /// What belongs to persons.
    pub personal: Personal,
    /// Limits of exports.
    pub export: ExportSettings,
    /// Limits of the projector, which keeps the read models up to date.
    pub projector: ProjectorSettings,
    /// What is logged, to stderr.
    pub logging: Logging,
}

/// Where Millrace listens, and what a request may cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The address; loopback unless you say otherwise.
    pub listen: String,
    /// The largest request body, in bytes.
    pub body_bytes_max: usize,
    /// The longest a request may take, in milliseconds. Subscriptions are not meant.
    pub request_wait_max_ms: u64,
    /// GraphQL requests under way at once; one more is told BUSY before anything is done for it.
    /// Subscriptions are not meant.
    pub requests_max: usize,
    /// How long a WebSocket may take to send `connection_init`, in milliseconds.
    pub connection_init_wait_max_ms: u64,
    /// How long a clean stop may take, in milliseconds.
    pub stop_wait_max_ms: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            body_bytes_max: 2 << 20,
            request_wait_max_ms: 60_000,
            requests_max: 8_192,
            connection_init_wait_max_ms: 10_000,
            stop_wait_max_ms: 8_000,
        }
    }
}

/// Limits of what is pushed: of subscriptions, over WebSockets and as event streams.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LiveSettings {
    /// WebSockets and event streams that are open at once.
    pub connections_max: usize,
    /// Subscriptions that are open at once.
    pub subscriptions_max: usize,
    /// Those of one user.
    pub subscriptions_per_user_max: usize,
    /// Operations under way on one WebSocket: subscriptions, queries and mutations.
    pub operations_per_connection_max: usize,
    /// How often a WebSocket is pinged, in milliseconds; one that has said nothing since the last
    /// ping is closed.
    pub ping_every_ms: u64,
    /// How long somebody may take nothing of what is sent to him, in milliseconds; then his
    /// connection is closed.
    pub stalled_wait_max_ms: u64,
    /// Bytes of messages that are kept for others to whom they are to be sent too.
    pub shown_bytes_max: u64,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            subscriptions_max: 20_000,
            subscriptions_per_user_max: 1_000,
            operations_per_connection_max: 100,
            ping_every_ms: 15_000,
            stalled_wait_max_ms: 30_000,
            shown_bytes_max: 16 << 20,
        }
    }
}

/// The database: embedded, or yours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// Address of a PostgreSQL 15 or newer; empty: one is run under the data directory. The
    /// environment variable DATABASE_URL is understood too.
    pub url: String,
    /// How long the embedded PostgreSQL may take to start, in milliseconds.
    pub start_wait_max_ms: u64,
    /// How long it may take to stop, in milliseconds.
    pub stop_wait_max_ms: u64,
    /// What the embedded PostgreSQL keeps pages in, in MB; in force with its next start. A
    /// quarter of the machine's memory for logs of many millions of facts.
    pub shared_buffers_mb: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: String::new(),
            start_wait_max_ms: 60_000,
            stop_wait_max_ms: 8_000,
            shared_buffers_mb: 128,
        }
    }
}

/// What belongs to persons: encrypted under a key of each person, which a master key wraps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Personal {
    /// Master keys: 32 random bytes in base64 each (`openssl rand -base64 32`), joined by commas.
    /// The first wraps; the others unwrap what they once wrapped. Empty: see `master_keys_file`.
    pub master_keys: String,
    /// A file of them, a line a key. Empty: with the embedded database `master-keys` in the data
    /// directory, made at the first start; with one of yours none, and there are no contacts.
    pub master_keys_file: String,
    /// Keys of persons that are kept in memory.
    pub kept_keys_max: usize,
    /// How long they are kept, in milliseconds: so long another process may still read somebody
    /// who was erased.
    pub kept_keys_wait_max_ms: u64,
    /// Keys of persons that a rotation wraps anew at once.
    pub rotation_keys_max: u32,
}

impl Default for Personal {
    fn default() -> Self {
        let limits = VaultLimits::default();
        Self {
            master_keys: String::new(),
            master_keys_file: String::new(),
            kept_keys_max: limits.kept_keys_max,
            kept_keys_wait_max_ms: limits::milliseconds(limits.kept_keys_wait_max),
            rotation_keys_max: limits.rotation_keys_max,
        }
    }
}

impl From<&Personal> for VaultLimits {
    fn from(settings: &Personal) -> Self {
        Self {
            kept_keys_max: settings.kept_keys_max,
            kept_keys_wait_max: Duration::from_millis(settings.kept_keys_wait_max_ms),
            rotation_keys_max: settings.rotation_keys_max,
        }
    }
}

/// Limits of GraphQL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GraphQl {
    /// How deep a query may nest.
    pub depth_max: usize,
    /// How many fields it may ask for; a list counts its fields for each record.
    pub complexity_max: usize,
    /// How many fields and fragments a document may come to; each counts as often as it is named.
    pub selections_max: usize,
    /// How many fields of a document may be given another name.
    pub aliases_max: usize,
    /// How many fields may stand at the top of an operation.
    pub root_fields_max: usize,
    /// How many directives may stand in a document.
    pub directives_max: usize,
    /// Whether a client may ask for the schema. GraphiQL completes and documents with it.
    pub introspection: bool,
    /// Whether each request's log tells how long which fields took.
    pub field_times: bool,
    /// Parsed documents that are kept, lest the same one is parsed again and again.
    pub documents_max: usize,
}

impl Default for GraphQl {
    fn default() -> Self {
        Self {
            depth_max: 15,
            complexity_max: 20_000,
            selections_max: 5_000,
            aliases_max: 200,
            root_fields_max: 100,
            directives_max: 200,
            introspection: true,
            field_times: false,
            documents_max: 1_000,
        }
    }
}

/// Limits of the projector, which keeps the read models up to date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectorSettings {
    /// Facts read at once.
    pub page_facts_max: u32,
    /// Facts read at once for a read model that is being rebuilt.
    pub build_page_facts_max: u32,
    /// From how many new rows on they are written with COPY.
    pub copy_rows_min: usize,
    /// How often a page that a read model refuses is tried, before facts are tried one by one, and
    /// those that are refused are parked.
    pub attempts_max: u32,
    /// Facts that each read model may park; one more, and it stands still as a whole, for then this
    /// program is too old for it.
    pub parked_max: usize,
    /// Records that each read model keeps in memory, lest it reads them again and again.
    pub hot_records_max: usize,
    /// The longest pause before a new attempt, in milliseconds.
    pub pause_max_ms: u64,
    /// How long a worker that says nothing keeps its parts, in milliseconds.
    pub lease_ms: u64,
    /// How long the tables stay that rebuilt ones took the place of, in milliseconds.
    pub retired_grace_ms: u64,
    /// How often a process without workers looks by itself how far the read models are, should a
    /// wake-up be lost, in milliseconds.
    pub poll_interval_ms: u64,
}

impl Default for ProjectorSettings {
    fn default() -> Self {
        Self {
            page_facts_max: 2_000,
            build_page_facts_max: 20_000,
            copy_rows_min: 2_000,
            attempts_max: 5,
            parked_max: 10_000,
            hot_records_max: 20_000,
            pause_max_ms: 2_000,
            lease_ms: 3_000,
            retired_grace_ms: 600_000,
            poll_interval_ms: 1_000,
        }
    }
}

/// What is logged, to stderr.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Logging {
    /// Which events: a level, or directives as `info,events=debug`.
    pub filter: String,
    /// `auto`: for people on a terminal, JSON otherwise; or `text`, or `json`.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Default for Logging {
    fn default() -> Self {
        Self { filter: "info,refinery_core=warn".to_owned(), format: LogFormat::Auto }
    }
}

/// Settings with their origins.
pub struct Loaded {
    /// The settings in force.
    pub config: Config,
    /// Where each came from.
    pub origins: Figment,
}

/// A setting is wrong: which, why, and where it was set.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// The file that is read if nobody names one.
const DEFAULT_FILE: &str = "millrace.toml";

/// Reads the settings in force. Flags are overrides of single keys, such as `server.listen`.
///
/// # Errors
/// [`ConfigError`]: an unknown key, a wrong type, a file that is not there.
pub fn load(file: Option<&Path>, flags: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    match file {
        Some(file) if !file.is_file() => {
            return Err(ConfigError(format!("there is no configuration file {}", file.display())));
        }
        Some(file) => figment = figment.merge(Toml::file_exact(file)),
        None if Path::new(DEFAULT_FILE).is_file() => {
            figment = figment.merge(Toml::file_exact(DEFAULT_FILE));
        }
        None => {}
    }
    figment = figment.merge(Env::raw().only(&["DATABASE_URL"]).map(|_| "database.url".into()));
    figment = figment.merge(Env::prefixed("MILLRACE__").split("__"));
    for (key, value) in flags {
        figment = figment.merge(Serialized::default(key, value));
    }
    let config = figment.extract().map_err(|error| ConfigError(render::explain(&error)))?;
    Ok(Loaded { config, origins: figment })
}

impl Config {
    /// Looks at what types alone do not say.
    ///
    /// # Errors
    /// [`ConfigError`]: which setting is wrong, and what would be right.
    pub fn check(&self) -> Result<(), ConfigError> {
        let positive = [
            ("server.body_bytes_max", self.server.body_bytes_max),
            ("server.requests_max", self.server.requests_max),
            ("live.connections_max", self.live.connections_max),
            ("live.subscriptions_max", self.live.subscriptions_max),
            ("live.stalled_wait_max_ms", self.live.stalled_wait_max_ms as usize),
            ("live.ping_every_ms", self.live.ping_every_ms as usize),
            ("queries.live_waiting_max", self.queries.live_waiting_max),
            ("graphql.depth_max", self.graphql.depth_max),
            ("graphql.complexity_max", self.graphql.complexity_max),
            ("graphql.selections_max", self.graphql.selections_max),
            ("graphql.root_fields_max", self.graphql.root_fields_max),
            ("log.queue_appends_max", self.log.queue_appends_max),
            ("log.queue_bytes_max", self.log.queue_bytes_max),
            ("log.batch_facts_max", self.log.batch_facts_max),
            ("log.batch_bytes_max", self.log.batch_bytes_max),
            ("log.batches_in_flight_max", self.log.batches_in_flight_max),
            ("log.readers_max", self.log.readers_max),
            ("executor.queue_commands_max", self.executor.queue_commands_max),
            ("executor.round_commands_max", self.executor.round_commands_max),
            ("executor.round_facts_max", self.executor.round_facts_max),
            ("executor.round_streams_max", self.executor.round_streams_max),
            ("executor.round_bytes_max", self.executor.round_bytes_max),
            ("executor.rounds_in_flight_max", self.executor.rounds_in_flight_max),
            ("executor.loads_max", self.executor.loads_max as usize),
            ("executor.reads_max", self.executor.reads_max),
            ("executor.snapshots_queue_max", self.executor.snapshots_queue_max),
            ("database.shared_buffers_mb", self.database.shared_buffers_mb as usize),
            ("queries.connections_max", self.queries.connections_max),
            ("queries.page_default", self.queries.page_default),
            ("import.flight_documents_max", self.import.flight_documents_max),
            ("import.flight_lines_max", self.import.flight_lines_max),
            ("import.row_bytes_max", self.import.row_bytes_max),
            ("personal.kept_keys_max", self.personal.kept_keys_max),
            ("personal.rotation_keys_max", self.personal.rotation_keys_max as usize),
            ("log.page_bytes_max", self.log.page_bytes_max),
            ("export.page_facts_max", self.export.page_facts_max),
            ("export.chunk_facts_max", self.export.chunk_facts_max),
            ("export.chunk_bytes_max", self.export.chunk_bytes_max),
            ("projector.page_facts_max", self.projector.page_facts_max as usize),
            ("projector.build_page_facts_max", self.projector.build_page_facts_max as usize),
            ("projector.lease_ms", self.projector.lease_ms as usize),
            ("projector.poll_interval_ms", self.projector.poll_interval_ms as usize),
        ];
        if let Some((key, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError(format!("configuration `{key}`: 0 is too little; at least 1")));
        }
        if self.queries.page_default > self.queries.page_max {
            let message = "configuration `queries.page_default`: more than `queries.page_max`";
            return Err(ConfigError(message.to_owned()));
        }
        Ok(())
    }
}

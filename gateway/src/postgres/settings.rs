//! The settings that the server is started with, as arguments, which neither `postgresql.conf`
//! nor `ALTER SYSTEM` overrides; how the program uses the database is not decided here.

use std::ffi::OsString;

use super::error::PostgresError;
use super::layout::{Layout, PORT};

/// Ours, which `EmbeddedOptions::settings` may change. The log keeps a week: each weekday's file
/// is overwritten a week later.
const DEFAULTS: [(&str, &str); 12] = [
    ("synchronous_commit", "on"),
    ("max_wal_size", "2GB"),
    ("shared_buffers", "128MB"),
    ("jit", "off"),
    ("max_connections", "100"),
    ("listen_addresses", ""),
    ("log_destination", "stderr"),
    ("log_filename", "postgresql-%a.log"),
    ("log_rotation_age", "1d"),
    ("log_rotation_size", "0"),
    ("log_truncate_on_rotation", "on"),
    ("log_line_prefix", "%m [%p] "),
];

/// What the server compresses pages in the write-ahead log with: LZ4, if it was built with it:
/// PostgreSQL's own way took a twentieth of the machine under orders.
pub(super) const COMPRESSION: &str = "wal_compression";
pub(super) const COMPRESSIONS: [&str; 2] = ["lz4", "on"];

/// What nobody may change: what was acknowledged is on the disk, and the supervisor finds the
/// server, its socket and its log.
const FIXED: [(&str, &str); 5] = [
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("unix_socket_permissions", "0700"),
    ("restart_after_crash", "on"),
    ("logging_collector", "on"),
];

/// Fixed too, with values that depend on the layout.
const PLACES: [&str; 6] = [
    "port",
    "unix_socket_directories",
    "log_directory",
    "data_directory",
    "config_file",
    "external_pid_file",
];

/// Refuses to change what is fixed.
pub(super) fn check(settings: &[(String, String)]) -> Result<(), PostgresError> {
    let fixed = |name: &str| {
        let mut names = FIXED.iter().map(|(name, _)| name).chain(&PLACES);
        names.any(|fixed| fixed.eq_ignore_ascii_case(&name.replace('-', "_")))
    };
    match settings.iter().find(|(name, _)| fixed(name.trim())) {
        Some((name, _)) => Err(PostgresError::FixedSetting { name: name.clone() }),
        None => Ok(()),
    }
}

/// The server's arguments: of two for one setting the later wins.
pub(super) fn arguments(
    layout: &Layout,
    compression: &str,
    settings: &[(String, String)],
) -> Vec<OsString> {
    let extra = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let ours = DEFAULTS.into_iter().chain([(COMPRESSION, compression)]);
    let pairs = ours.chain(extra).chain(FIXED);
    let mut texts: Vec<OsString> =
        pairs.map(|(name, value)| format!("{name}={value}").into()).collect();
    texts.push(format!("port={PORT}").into());
    // The directory's path has no quotes (see `layout.rs`); these keep its spaces.
    let sockets = layout.sockets.display();
    texts.push(format!("unix_socket_directories=\"{sockets}\"").into());
    let mut log = OsString::from("log_directory=");
    log.push(layout.log());
    texts.push(log);
    let mut all = vec![OsString::from("-D"), layout.cluster().into_os_string()];
    all.extend(texts.into_iter().flat_map(|text| [OsString::from("-c"), text]));
    all
}

//! `export facts`: reads the log in order, a chunk after the other, while the chunk before is put
//! into files. What is in the files is the formats' business.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use events::log::extent::{self, BatchEnd};
use events::log::{Log, RawFact, Selection, connect};
use events::words::{OrganizationId, Position};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::folder::{Folder, Wanted, fresh};
use super::manifest::{ChainEnd, Filter, Format, Manifest};
use super::since::Since;
use super::{ExportError, ExportLimits, partition};
use crate::progress::Progress;

/// What to export, and where to.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The folder.
    pub to: PathBuf,
    /// As what.
    pub format: Format,
    /// Where the first run begins; none: at the beginning.
    pub since: Option<Since>,
    /// Which facts.
    pub filter: Filter,
}

/// What an export came to.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Facts that were written now.
    pub facts: u64,
    /// Files that were written now.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Facts that are there in all.
    pub facts_in_all: u64,
    /// All that is asked for up to here is there.
    pub position: Position,
    /// How long it took.
    pub took: Duration,
}

/// Facts to be put into files, and how far the log is read with them.
struct Chunk {
    facts: Vec<RawFact>,
    through: Position,
    chain: ChainEnd,
}

/// Exports what is in the log now and not in the folder yet.
///
/// # Errors
/// [`ExportError`]; what was written and named by the manifest stays.
pub async fn export(
    log: &Log,
    database: &tokio_postgres::Config,
    asked: Asked,
    limits: &ExportLimits,
    (progress, stop): (&Progress, &CancellationToken),
) -> Result<Summary, ExportError> {
    let began = Instant::now();
    let client = connect(database).await?;
    let head = extent::last_batch(&client, Position(i64::MAX)).await?;
    let organization = organization(log, asked.filter.organization.as_deref()).await?;
    let folder = open(log, &client, &asked, head.position).await?;
    let (before, after) = (folder.manifest.files.len(), folder.manifest.position);
    let exported_before = folder.manifest.facts;
    progress.begin("exporting", u64::try_from(head.position.0 - after.0).unwrap_or_default());
    let (chunks, received) = mpsc::channel(1);
    let telling = progress.clone();
    let writing = tokio::task::spawn_blocking(move || write(folder, received, &telling));
    let selection = Selection {
        organization: organization.map(|organization| organization.0),
        features: asked.filter.features.clone(),
        after,
        until: Some(head.position),
        ..Selection::default()
    };
    let read = read(log, &client, selection, limits, stop, &chunks).await;
    if matches!(read, Ok(true)) && after < head.position {
        // What is left is given even if it is nothing: so that it is known how far it was read.
        let last = Chunk { facts: Vec::new(), through: head.position, chain: chain(head) };
        // If nobody receives it any more, the writing tells why.
        let _ = chunks.send(last).await;
    }
    drop(chunks);
    let written = writing.await.map_err(|error| ExportError::Work(error.to_string()))?;
    let manifest = written?.manifest;
    read?;
    let new = &manifest.files[before..];
    Ok(Summary {
        facts: manifest.facts - exported_before,
        files: new.len() as u64,
        bytes: new.iter().map(|file| file.bytes).sum(),
        facts_in_all: manifest.facts,
        position: manifest.position,
        took: began.elapsed(),
    })
}

/// The organization with this slug, if there is one in the log.
async fn organization(
    log: &Log,
    slug: Option<&str>,
) -> Result<Option<OrganizationId>, ExportError> {
    let Some(slug) = slug else { return Ok(None) };
    let organization = OrganizationId::of_slug(slug);
    let selection = Selection { organization: Some(organization.0), ..Selection::default() };
    let mut facts = std::pin::pin!(log.read(selection, 1));
    match facts.next().await {
        Some(read) => read.map(|_| Some(organization)).map_err(ExportError::from),
        None => Err(ExportError::Usage(format!("no organization has the slug `{slug}`"))),
    }
}

/// Opens the folder, once it is certain that what is in it is of this log.
async fn open(
    log: &Log,
    client: &Client,
    asked: &Asked,
    head: Position,
) -> Result<Folder, ExportError> {
    let wanted = Wanted { format: asked.format, filter: asked.filter.clone() };
    let path = asked.to.clone();
    let (lock, manifest) = blocking(move || Folder::take(&path, &wanted)).await?;
    let manifest = match manifest {
        Some(manifest) => {
            must_be_of(&asked.to, client, &manifest, head).await?;
            must_begin_there(log, asked, &manifest).await?;
            manifest
        }
        None => {
            let after = match &asked.since {
                Some(since) => since.after(log).await?,
                None => Position(0),
            };
            let end = chain(extent::last_batch(client, after).await?);
            let wanted = Wanted { format: asked.format, filter: asked.filter.clone() };
            fresh(&wanted, asked.since.map(|since| since.to_string()), after, end)
        }
    };
    let path = asked.to.clone();
    blocking(move || Folder::open(&path, lock, manifest)).await
}

async fn must_be_of(
    path: &std::path::Path,
    client: &Client,
    manifest: &Manifest,
    head: Position,
) -> Result<(), ExportError> {
    let found = chain(extent::last_batch(client, manifest.chain.position).await?);
    let has_more = manifest.facts > 0 && manifest.position > head;
    if found == manifest.chain && !has_more {
        return Ok(());
    }
    let why = match has_more {
        true => format!("it has facts up to position {}, and this log ends at {head}", {
            manifest.position
        }),
        false => format!("at position {} the hashes differ", manifest.chain.position),
    };
    Err(ExportError::Usage(format!(
        "{} holds an export of another log, or of this one before it was restored from a backup: \
         {why}. Export into another folder",
        path.display()
    )))
}

/// A later run goes on where the one before ended; that it began elsewhere cannot be changed.
async fn must_begin_there(
    log: &Log,
    asked: &Asked,
    manifest: &Manifest,
) -> Result<(), ExportError> {
    let Some(since) = asked.since else { return Ok(()) };
    let is_same = manifest.since.as_deref() == Some(&since.to_string());
    if is_same || since.after(log).await? == manifest.after {
        return Ok(());
    }
    Err(ExportError::Usage(format!(
        "{} holds an export of what is behind position {}: leave --since away to go on with it, or \
         export into another folder",
        asked.to.display(),
        manifest.after
    )))
}

/// Reads, and hands chunks on; whether it came to the end, and nobody gave up.
async fn read(
    log: &Log,
    client: &Client,
    selection: Selection,
    limits: &ExportLimits,
    stop: &CancellationToken,
    chunks: &mpsc::Sender<Chunk>,
) -> Result<bool, ExportError> {
    let mut pages = std::pin::pin!(log.read(selection, limits.page_facts_max));
    let (mut facts, mut bytes) = (Vec::new(), 0);
    loop {
        let page = tokio::select! {
            page = pages.next() => page.transpose()?,
            () = stop.cancelled() => return Err(ExportError::Stopped),
        };
        let is_end = page.is_none();
        let page = page.unwrap_or_default();
        bytes += page.iter().map(|fact| fact.data.len() + fact.meta.len()).sum::<usize>();
        facts.extend(page);
        let is_full = facts.len() >= limits.chunk_facts_max || bytes >= limits.chunk_bytes_max;
        if let Some(last) = facts.last().filter(|_| is_full || is_end) {
            let through = last.position;
            let end = chain(extent::last_batch(client, through).await?);
            let chunk = Chunk { facts: std::mem::take(&mut facts), through, chain: end };
            bytes = 0;
            if chunks.send(chunk).await.is_err() {
                return Ok(false);
            }
        }
        if is_end {
            return Ok(true);
        }
    }
}

fn chain(end: BatchEnd) -> ChainEnd {
    ChainEnd { position: end.position, hash: end.hash }
}

/// Puts chunks into files, and takes note of each once it is on the disk.
fn write(
    mut folder: Folder,
    mut chunks: mpsc::Receiver<Chunk>,
    progress: &Progress,
) -> Result<Folder, ExportError> {
    let after = folder.manifest.position.0;
    while let Some(Chunk { facts, through, chain }) = chunks.blocking_recv() {
        let files = partition::write(&folder.path, folder.manifest.format, facts)?;
        folder.add(files, through, chain)?;
        progress.at(u64::try_from(through.0 - after).unwrap_or_default());
    }
    Ok(folder)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExportError> + Send + 'static,
) -> Result<T, ExportError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ExportError::Work(error.to_string()))?
}

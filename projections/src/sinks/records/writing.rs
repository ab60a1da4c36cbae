//! The rows of records, read and written. What they become, the fold says.

use std::collections::{BTreeMap, HashMap};

use futures_util::join;
use tokio_postgres::{Client, Error, Statement};
use uuid::Uuid;

use super::super::sql::{self, Inserts, Params, SinkError, Target};
use super::super::statements;
use super::{Kepts, Key};
use crate::table::{RecordTable, Table};
use crate::{Kept, Record};

/// The prepared statements of one table.
pub(super) struct Statements {
    select: Statement,
    insert: Inserts,
    update: Statement,
    delete: Statement,
}

impl Statements {
    /// How new rows are written.
    pub(super) fn inserts(&self) -> &Inserts {
        &self.insert
    }

    pub(super) async fn prepare<T: RecordTable>(
        client: &Client,
        target: &Target,
    ) -> Result<Self, SinkError> {
        let schema = &target.build.schema;
        Ok(Self {
            select: client.prepare(&statements::select::<T>(schema)).await?,
            insert: Inserts::prepare::<T>(client, target).await?,
            update: client.prepare(&statements::update::<T>(schema)).await?,
            delete: client.prepare(&statements::delete::<T>(schema)).await?,
        })
    }
}

/// Reads the records with these keys.
pub(super) async fn read<R: Record>(
    client: &Client,
    rows: &Statements,
    children: Option<&Statements>,
    keys: &[Key],
) -> Result<Kepts<R>, SinkError> {
    let (organizations, ids): (Vec<Uuid>, Vec<Uuid>) = keys.iter().copied().unzip();
    if ids.is_empty() {
        return Ok(Kepts::<R>::new());
    }
    let keys: Params<'_> = vec![&organizations, &ids];
    let children = async {
        match children {
            Some(statements) => client.query(&statements.select, &keys).await,
            None => Ok(Vec::new()),
        }
    };
    let (rows, children) = join!(client.query(&rows.select, &keys), children);
    let mut kept: Kepts<R> = HashMap::new();
    for row in rows? {
        let row = R::Row::read(&row)?;
        kept.insert(row.key(), Some(Kept { row, children: Vec::new() }));
    }
    for row in children? {
        let child = R::Child::read(&row)?;
        if let Some(Some(parent)) = kept.get_mut(&child.key()) {
            parent.children.push(child);
        }
    }
    Ok(kept)
}

/// What becomes of the rows of records.
pub(super) struct Change<'a, R: Record> {
    gone: Vec<&'a Key>,
    /// Records whose child rows go, or are replaced.
    stale: Vec<&'a Key>,
    changed: Vec<&'a R::Row>,
    pub(super) begun: Vec<&'a R::Row>,
    pub(super) children: Vec<&'a R::Child>,
}

impl<'a, R: Record> Change<'a, R> {
    /// From how records were to how they are.
    pub(super) fn of(before: &'a Kepts<R>, after: &'a Kepts<R>) -> Self {
        let old = |key: &Key| before.get(key).and_then(Option::as_ref);
        // In order of key, so that rows are locked and pages touched in one order.
        let after: BTreeMap<&Key, _> =
            after.iter().filter(|(key, new)| old(key) != new.as_ref()).collect();
        let gone = after.iter().filter(|(_, new)| new.is_none()).map(|(key, _)| *key).collect();
        let new_lines =
            |key: &Key| after.get(key).and_then(|new| new.as_ref()).map(|new| &new.children);
        let stale = after
            .keys()
            .copied()
            .filter(|key| {
                old(key).is_some_and(|old| {
                    !old.children.is_empty() && new_lines(key) != Some(&old.children)
                })
            })
            .collect();
        let kept = after.iter().filter_map(|(key, new)| Some((key, new.as_ref()?)));
        let rows = |is_there: bool| {
            let kept = kept.clone().filter(|(key, _)| old(key).is_some() == is_there);
            kept.map(|(_, kept)| &kept.row).collect()
        };
        let (changed, begun) = (rows(true), rows(false));
        let children = kept
            .filter(|(key, kept)| old(key).map(|old| &old.children) != Some(&kept.children))
            .flat_map(|(_, kept)| &kept.children)
            .collect();
        Self { gone, stale, changed, begun, children }
    }
}

/// Writes the rows of records, in one round trip (two with COPY).
pub(super) async fn write_rows<R: Record>(
    client: &Client,
    rows: &Statements,
    lines: Option<&Statements>,
    change: &Change<'_, R>,
) -> Result<(), Error> {
    let Change { gone, stale, changed, begun, children } = change;
    let write_lines = async {
        match lines {
            Some(lines) => lines.insert.write::<R::Child>(client, children).await,
            None => Ok(()),
        }
    };
    let (deleted, lines_deleted, written, begun, lines_written) = join!(
        delete(client, Some(rows), gone),
        delete(client, lines, stale),
        sql::write::<R::Row>(client, Some(&rows.update), changed),
        rows.insert.write::<R::Row>(client, begun),
        write_lines,
    );
    for result in [deleted, lines_deleted, written, begun, lines_written] {
        result?;
    }
    Ok(())
}

async fn delete(
    client: &Client,
    statements: Option<&Statements>,
    keys: &[&Key],
) -> Result<(), Error> {
    let Some(statements) = statements.filter(|_| !keys.is_empty()) else {
        return Ok(());
    };
    let (organizations, ids): (Vec<Uuid>, Vec<Uuid>) = keys.iter().map(|key| **key).unzip();
    client.execute(&statements.delete, &[&organizations, &ids]).await.map(drop)
}

//! Whether the versions of each stream are 1, 2, 3 and so on, in the order of positions: each but
//! the first needs the one before it at a lower position. Within a range that is seen in memory;
//! what began before the range is looked up, all at once.

use uuid::Uuid;

use super::bad::{Bad, Kind};
use crate::log::{LogError, StreamKey, StreamMap};
use tokio_postgres::{Client, Statement};

/// The streams of a range.
#[derive(Default)]
pub(super) struct Streams {
    /// The last version of each.
    versions: StreamMap<i64>,
    /// Facts whose version before lies before the range, by columns.
    organizations: Vec<Uuid>,
    ids: Vec<Uuid>,
    later: Vec<i64>,
    positions: Vec<i64>,
}

impl Streams {
    /// The next fact.
    pub(super) fn take(
        &mut self,
        stream: StreamKey,
        version: i64,
        position: i64,
    ) -> Result<(), Bad> {
        match self.versions.insert(stream, version) {
            Some(before) if before.checked_add(1) == Some(version) => Ok(()),
            Some(before) => Err(out_of_order(position, version, Before::Version(before))),
            None if version == 1 => Ok(()),
            None if version < 1 => Err(out_of_order(position, version, Before::None)),
            None => {
                self.organizations.push(stream.organization);
                self.ids.push(stream.id);
                self.later.push(version);
                self.positions.push(position);
                Ok(())
            }
        }
    }

    /// Looks up what began before the range: the lowest fact whose version before is not there.
    pub(super) async fn look_up(
        &self,
        client: &Client,
        versions: &Statement,
    ) -> Result<Option<Bad>, LogError> {
        if self.ids.is_empty() {
            return Ok(None);
        }
        let Self { organizations, ids, later, positions, .. } = self;
        let found = client.query_opt(versions, &[organizations, ids, later, positions]).await?;
        Ok(found.map(|row| {
            let before = row.get::<_, Option<i64>>("before").map_or(Before::None, Before::Behind);
            out_of_order(row.get("position"), row.get("version"), before)
        }))
    }
}

/// What stands where the version before should.
enum Before {
    None,
    /// Another version.
    Version(i64),
    /// The right one, but at this later position.
    Behind(i64),
}

fn out_of_order(position: i64, version: i64, before: Before) -> Bad {
    let told = match before {
        Before::None if version < 1 => "versions begin at 1".to_owned(),
        Before::None => format!("no fact before it is version {}", version.saturating_sub(1)),
        Before::Version(before) => format!("the one before it is version {before}"),
        Before::Behind(later) => {
            format!("version {} comes after it, at {later}", version.saturating_sub(1))
        }
    };
    let reason = format!("the fact at {position} is version {version} of its stream, but {told}");
    Bad::at(position, position, Kind::Version, reason)
}

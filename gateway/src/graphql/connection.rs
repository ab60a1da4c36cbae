//! A page of any list as a Relay connection.

use async_graphql::OutputType;
use async_graphql::connection::{Connection, CursorType, Edge};
use queries::page::{Cursor, Listed, Page};
use queries::{QueryError, Seen};

/// A record's place in a list, as the world sees it.
pub struct Place(Cursor);

impl CursorType for Place {
    type Error = QueryError;

    fn decode_cursor(text: &str) -> Result<Self, QueryError> {
        Cursor::decode("cursor", text).map(Self)
    }

    fn encode_cursor(&self) -> String {
        self.0.encode()
    }
}

/// A page of records: each is shown as a `T`.
pub(super) fn connection<R: Listed, T: OutputType>(
    page: Page<Seen<R>>,
    show: fn(Seen<R>) -> T,
) -> Connection<Place, T> {
    let mut connection = Connection::new(page.has_previous, page.has_next);
    let edges = page.items.into_iter().map(|record| {
        let place = Place(record.cursor());
        Edge::new(place, show(record))
    });
    connection.edges.extend(edges);
    connection
}

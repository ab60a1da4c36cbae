//! The stored keys of persons: wrapped, or taken away. What is done with them is `personal`'s
//! business; those of an append are written with its facts, see `columns`.

use uuid::Uuid;

use super::{Log, LogError, NewKey, PersonKey};

/// A person's key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The person.
    pub person: PersonKey,
    /// Which master key wraps it.
    pub master: String,
    /// The key, wrapped; none: the person is erased.
    pub wrapped: Option<Vec<u8>>,
}

impl StoredKey {
    fn of(row: &tokio_postgres::Row) -> Self {
        let person = PersonKey { organization: row.get(0), id: row.get(1) };
        Self { person, master: row.get(2), wrapped: row.get(3) }
    }
}

impl Log {
    /// The stored keys of these persons; whoever has none is left out.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn person_keys(&self, persons: &[PersonKey]) -> Result<Vec<StoredKey>, LogError> {
        if persons.is_empty() {
            return Ok(Vec::new());
        }
        let (organizations, ids): (Vec<Uuid>, Vec<Uuid>) =
            persons.iter().map(|person| (person.organization, person.id)).unzip();
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/read_keys.sql")).await?;
        let rows = client.query(&statement, &[&organizations, &ids]).await?;
        Ok(rows.iter().map(StoredKey::of).collect())
    }

    /// Stores a key that no append brings, unless there is one.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn keep_key(&self, key: &NewKey) -> Result<(), LogError> {
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/keep_key.sql")).await?;
        let NewKey { person, master, wrapped } = key;
        client.execute(&statement, &[&person.organization, &person.id, master, wrapped]).await?;
        Ok(())
    }

    /// At most `limit` keys that another master key than this one wraps, of the persons after one,
    /// in order.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn keys_under_others(
        &self,
        master: &str,
        after: Option<PersonKey>,
        limit: i64,
    ) -> Result<Vec<StoredKey>, LogError> {
        let (organization, id) = after.map(|person| (person.organization, person.id)).unzip();
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/other_keys.sql")).await?;
        let rows = client.query(&statement, &[&master, &organization, &id, &limit]).await?;
        Ok(rows.iter().map(StoredKey::of).collect())
    }

    /// Stores keys wrapped anew, each unless it was changed or taken away meanwhile; how many.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn rewrap(&self, keys: &[(&StoredKey, NewKey)]) -> Result<u64, LogError> {
        let of = keys.iter();
        let organizations: Vec<Uuid> = of.clone().map(|(old, _)| old.person.organization).collect();
        let ids: Vec<Uuid> = of.clone().map(|(old, _)| old.person.id).collect();
        let before: Vec<&str> = of.clone().map(|(old, _)| old.master.as_str()).collect();
        let masters: Vec<&str> = of.clone().map(|(_, new)| new.master.as_str()).collect();
        let wrapped: Vec<&[u8]> = of.map(|(_, new)| new.wrapped.as_slice()).collect();
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/rewrap_keys.sql")).await?;
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&organizations, &ids, &before, &masters, &wrapped];
        Ok(client.execute(&statement, &params).await?)
    }
}

//! Facts as Parquet: the columns of `log.facts`, packed with zstd. Written column by column, for
//! that is how facts are held here; arrow would only copy them.

use std::io::Write;
use std::sync::Arc;

use events::log::RawFact;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type,
    Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use uuid::Uuid;

const COLUMNS: &str = "message facts {
    required int64 position;
    required fixed_len_byte_array(16) organization_id (UUID);
    required binary feature (STRING);
    required fixed_len_byte_array(16) stream_id (UUID);
    required int64 version;
    required fixed_len_byte_array(16) event_id (UUID);
    required binary type (STRING);
    required int32 schema_version (INTEGER(16, true));
    required binary data (JSON);
    required binary meta (JSON);
    required int64 recorded_at (TIMESTAMP(MICROS, true));
}";

/// Columns whose values hardly ever come twice: looking for repeats would be in vain.
const UNIQUE: [&str; 5] = ["position", "stream_id", "event_id", "data", "meta"];
/// Columns that nobody asks for by their smallest and largest value.
const UNORDERED: [&str; 4] = ["stream_id", "event_id", "data", "meta"];

/// Writes facts, which are not needed any more, as one group of rows.
pub(super) fn write(mut facts: Vec<RawFact>, to: impl Write + Send) -> Result<(), ParquetError> {
    let schema = Arc::new(parse_message_type(COLUMNS)?);
    let mut file = SerializedFileWriter::new(to, schema, Arc::new(properties()?))?;
    let mut group = file.next_row_group()?;
    let longs = |of: fn(&RawFact) -> i64| facts.iter().map(of).collect::<Vec<_>>();
    let texts = |of: fn(&RawFact) -> &str| {
        facts.iter().map(|fact| ByteArray::from(of(fact))).collect::<Vec<_>>()
    };
    column::<Int64Type>(&mut group, &longs(|fact| fact.position.0))?;
    ids(&mut group, facts.iter().map(|fact| fact.stream.organization))?;
    column::<ByteArrayType>(&mut group, &texts(|fact| &fact.feature))?;
    ids(&mut group, facts.iter().map(|fact| fact.stream.id))?;
    column::<Int64Type>(&mut group, &longs(|fact| fact.version))?;
    ids(&mut group, facts.iter().map(|fact| fact.event_id))?;
    column::<ByteArrayType>(&mut group, &texts(|fact| &fact.fact_type))?;
    let versions: Vec<i32> = facts.iter().map(|fact| fact.schema_version.into()).collect();
    column::<Int32Type>(&mut group, &versions)?;
    let taken = |of: fn(&mut RawFact) -> &mut Vec<u8>, facts: &mut Vec<RawFact>| {
        let bytes = facts.iter_mut().map(|fact| ByteArray::from(std::mem::take(of(fact))));
        bytes.collect::<Vec<_>>()
    };
    column::<ByteArrayType>(&mut group, &taken(|fact| &mut fact.data, &mut facts))?;
    column::<ByteArrayType>(&mut group, &taken(|fact| &mut fact.meta, &mut facts))?;
    let times: Vec<i64> = facts.iter().map(|fact| fact.recorded_at.timestamp_micros()).collect();
    column::<Int64Type>(&mut group, &times)?;
    group.close()?;
    file.close()?;
    Ok(())
}

fn properties() -> Result<WriterProperties, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(format!("millrace {}", env!("CARGO_PKG_VERSION")));
    for name in UNIQUE {
        properties = properties.set_column_dictionary_enabled(name.into(), false);
    }
    for name in UNORDERED {
        properties = properties.set_column_statistics_enabled(name.into(), EnabledStatistics::None);
    }
    Ok(properties.set_column_encoding("position".into(), Encoding::DELTA_BINARY_PACKED).build())
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: &[T::T],
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("there are more values than columns".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(values, None, None)?;
    column.close()
}

/// Ids share one piece of memory, instead of having one each.
fn ids(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    ids: impl Iterator<Item = Uuid>,
) -> Result<(), ParquetError> {
    let bytes: Vec<u8> = ids.flat_map(Uuid::into_bytes).collect();
    let (all, count) = (ByteArray::from(bytes), 16);
    let values: Vec<FixedLenByteArray> =
        (0..all.len()).step_by(count).map(|at| all.slice(at, count).into()).collect();
    column::<FixedLenByteArrayType>(group, &values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_those_of_the_view_in_its_order() {
        let schema = parse_message_type(COLUMNS).unwrap();
        let names: Vec<_> = schema.get_fields().iter().map(|field| field.name()).collect();
        let view = [
            "position",
            "organization_id",
            "feature",
            "stream_id",
            "version",
            "event_id",
            "type",
            "schema_version",
            "data",
            "meta",
            "recorded_at",
        ];
        assert_eq!(names, view);
    }
}

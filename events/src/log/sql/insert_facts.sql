-- The accepted facts of a batch, at contiguous positions from $1.
insert into log.events (
    position, recorded_at, organization_id, feature, stream_id, version, event_id, type,
    schema_version, data, meta
)
select $1 + f.n - 1, $2, f.organization_id, f.feature, f.stream_id, f.version, f.event_id, f.type,
    f.schema_version, f.data, f.meta
from unnest(
    $3::uuid[], $4::text[], $5::uuid[], $6::bigint[], $7::uuid[], $8::text[], $9::smallint[],
    $10::bytea[], $11::bytea[]
) with ordinality as f(
    organization_id, feature, stream_id, version, event_id, type, schema_version, data, meta, n
)

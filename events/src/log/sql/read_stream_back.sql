-- A page of one stream before a version, up to a position, the last first.
select position, organization_id, feature, stream_id, version, event_id, type, schema_version,
    data, meta, recorded_at
from log.events
where organization_id = $1 and stream_id = $2 and version < $3 and position <= $4
order by version desc
limit $5

-- A page of everything after a position, in order.
select position, organization_id, feature, stream_id, version, event_id, type, schema_version,
    data, meta, recorded_at
from log.events
where position > $1
order by position
limit $2

-- What is selected of the positions $1 to $2, the last first; null stands for any.
select position, organization_id, feature, stream_id, version, event_id, type, schema_version,
    data, meta, recorded_at
from log.events
where position between $1 and $2
    and ($3::uuid is null or organization_id = $3)
    and ($4::text[] is null or feature = any($4))
    and ($5::text[] is null or type = any($5))
order by position desc

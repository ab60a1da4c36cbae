-- What others have appended after a position, in order: which streams stand where now.
select position, event_id, organization_id, stream_id, version
from log.events
where position > $1
order by position
limit $2

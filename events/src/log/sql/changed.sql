-- Which streams of the features $3 have facts behind the position $1 and up to $2, of the
-- organization $4; at most so many.
select distinct feature, stream_id
from log.events
where position > $1
    and position <= $2
    and feature = any($3)
    and organization_id = $4
limit $5

-- The first fact behind a gap.
select position
from log.events
where position > $1 and position <= $2
order by position
limit 1

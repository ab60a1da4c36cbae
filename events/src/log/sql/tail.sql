-- The last fact: where the next batch continues. No row: the log is empty.
select position, event_id
from log.events
order by position desc
limit 1

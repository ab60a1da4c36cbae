-- The last fact: where the next batch continues, and whether this session wrote it. No row: the
-- log is empty.
select position, event_id,
    coalesce(current_setting('millrace.tail', true) = position::text, false) as ours
from log.events
order by position desc
limit 1

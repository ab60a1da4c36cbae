-- The last batch. No row: the log is empty.
select last_position, hash
from log.batches
order by last_position desc
limit 1

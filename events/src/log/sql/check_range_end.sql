-- The first batch that ends at or behind a position: where a range may end.
select last_position
from log.batches
where last_position >= $1 and last_position <= $2
order by last_position
limit 1

-- The last batch that ends at a position or before it. No row: there is none.
select last_position, encode(hash, 'hex')
from log.batches
where last_position <= $1
order by last_position desc
limit 1

-- The spans that hold something of what is selected, from $1 to $2, the last first; null stands
-- for any.
select first_position, last_position
from log.spans
where last_position >= $1 and first_position <= $2
    and ($3::uuid is null or $3 = any(organizations))
    and ($4::text[] is null or features && $4)
    and ($5::text[] is null or types && $5)
order by first_position desc
limit $6

-- The positions of facts with a tag, after $3 and up to $4, the last first; of any type, if $5 is
-- null.
select position
from log.tags
where organization_id = $1 and tag = $2 and position > $3 and position <= $4
    and ($5::text[] is null or type = any($5))
order by position desc
limit $6

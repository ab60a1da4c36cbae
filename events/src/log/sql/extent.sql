-- How many facts there are, from which position to which.
select count(*), coalesce(min(position), 0), coalesce(max(position), 0) from log.events

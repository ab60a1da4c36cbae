-- The batch itself: what the next one continues from.
insert into log.batches (first_position, last_position, recorded_at, hash)
values ($1, $2, $3, $4)

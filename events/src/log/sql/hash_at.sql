-- The hash of the batch that ends at a position.
select hash from log.batches where last_position = $1

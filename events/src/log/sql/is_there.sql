-- Whether the log's tables are there.
select to_regclass('log.batches') is not null

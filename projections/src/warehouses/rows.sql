-- Warehouses.
create table warehouses (
    organization_id uuid not null,
    warehouse_id uuid not null,
    code text not null,
    name text not null,
    status text not null,
    status_reason text,
    opened_at timestamptz not null,
    version bigint not null,
    position bigint not null,
    changed_at timestamptz not null,
    search_code text collate "C",
    search_words tsvector,
    primary key (organization_id, warehouse_id)
);
create unique index on warehouses (organization_id, code collate "C");
create index on warehouses (organization_id, opened_at, warehouse_id);
create index on warehouses (organization_id, name collate "C", warehouse_id);
create index on warehouses (organization_id, status collate "C", warehouse_id);
create index on warehouses (organization_id, changed_at, warehouse_id);
create index on warehouses (organization_id, search_code);
create index warehouses_by_words on warehouses using gin (search_words)
    with (gin_pending_list_limit = 256);
comment on table warehouses is
    'Warehouses: places that keep stock; the default one stands here once it is opened.';
comment on column warehouses.organization_id is 'The tenant.';
comment on column warehouses.warehouse_id is 'The warehouse.';
comment on column warehouses.code is 'The seller''s code for it.';
comment on column warehouses.name is 'Its name.';
comment on column warehouses.status is 'active or closed.';
comment on column warehouses.status_reason is 'Why it is closed.';
comment on column warehouses.opened_at is 'When it was opened.';
comment on column warehouses.version is 'Version of the record: facts in its stream.';
comment on column warehouses.position is 'Position of the last fact in the row.';
comment on column warehouses.changed_at is 'When that fact was recorded.';
comment on column warehouses.search_code is
    'Its code in small letters and digits alone, for searching.';
comment on column warehouses.search_words is 'The words of its texts, for searching.';

select search.keep_vocabulary(current_schema(), 'warehouses');

-- Customer accounts.
create table customers (
    organization_id uuid not null,
    customer_id uuid not null,
    number text,
    name text not null,
    currency text not null,
    net_days integer not null,
    status text not null,
    status_reason text,
    version bigint not null,
    position bigint not null,
    changed_at timestamptz not null,
    search_code text collate "C",
    search_words tsvector,
    primary key (organization_id, customer_id)
);
create index on customers (organization_id, number collate "C", customer_id);
create index on customers (organization_id, name collate "C", customer_id);
create index on customers (organization_id, status collate "C", name collate "C", customer_id);
create index on customers (organization_id, changed_at, customer_id);
create index on customers (organization_id, search_code);
create index customers_by_words on customers using gin (search_words)
    with (gin_pending_list_limit = 256);
comment on table customers is 'Customer accounts: companies that buy.';
comment on column customers.organization_id is 'The tenant.';
comment on column customers.customer_id is 'The customer.';
comment on column customers.number is 'The seller''s number for it.';
comment on column customers.name is 'The company''s name.';
comment on column customers.currency is 'The currency of its orders and of its credit (ISO 4217).';
comment on column customers.net_days is 'Days from invoice to due date.';
comment on column customers.status is 'active, on_hold or closed.';
comment on column customers.status_reason is 'Why it is on hold or closed.';
comment on column customers.version is 'Version of the record: facts in its stream.';
comment on column customers.position is 'Position of the last fact in the row.';
comment on column customers.changed_at is 'When that fact was recorded.';
comment on column customers.search_code is
    'Its number in small letters and digits alone, for searching.';
comment on column customers.search_words is 'The words of its texts, for searching.';

select search.keep_vocabulary(current_schema(), 'customers');

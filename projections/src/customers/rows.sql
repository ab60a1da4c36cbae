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
    primary key (organization_id, customer_id)
);
create index on customers (organization_id, number collate "C", customer_id);
create index on customers (organization_id, name collate "C", customer_id);
create index on customers (organization_id, status collate "C", name collate "C", customer_id);
create index on customers (organization_id, changed_at, customer_id);
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

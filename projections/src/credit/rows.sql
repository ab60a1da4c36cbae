-- The credit of customers.
create table credit (
    organization_id uuid not null,
    credit_id uuid not null,
    customer_id uuid not null,
    currency text not null,
    credit_limit numeric,
    exposure numeric not null,
    available numeric,
    version bigint not null,
    position bigint not null,
    changed_at timestamptz not null,
    primary key (organization_id, credit_id)
);
create unique index on credit (organization_id, customer_id);
comment on table credit is 'The credit of each customer.';
comment on column credit.organization_id is 'The tenant.';
comment on column credit.credit_id is 'The credit: one a customer.';
comment on column credit.customer_id is 'The customer.';
comment on column credit.currency is 'The currency of the amounts (ISO 4217).';
comment on column credit.credit_limit is 'The most that may be owed; null is no limit.';
comment on column credit.exposure is 'What open orders come to, less what was credited.';
comment on column credit.available is 'What more can be ordered for; null is no limit.';
comment on column credit.version is 'Version of the record: facts in its stream.';
comment on column credit.position is 'Position of the last fact in the row.';
comment on column credit.changed_at is 'When that fact was recorded.';

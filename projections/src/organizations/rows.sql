-- The tenants.
create table organizations (
    organization_id uuid not null,
    id uuid not null,
    slug text not null,
    name text not null,
    currency text not null,
    time_zone text not null,
    status text not null,
    version bigint not null,
    position bigint not null,
    changed_at timestamptz not null,
    primary key (organization_id, id)
);
comment on table organizations is 'Organizations, the tenants.';
comment on column organizations.organization_id is 'The tenant.';
comment on column organizations.id is 'The organization: the same as organization_id.';
comment on column organizations.slug is 'Its short name in URLs and headers.';
comment on column organizations.name is 'Its name.';
comment on column organizations.currency is
    'The currency of its customers, unless they have another (ISO 4217).';
comment on column organizations.time_zone is 'The IANA zone of its business days.';
comment on column organizations.status is 'active.';
comment on column organizations.version is 'Version of the record: facts in its stream.';
comment on column organizations.position is 'Position of the last fact in the row.';
comment on column organizations.changed_at is 'When that fact was recorded.';

-- Products.
create table products (
    organization_id uuid not null,
    product_id uuid not null,
    sku text not null,
    name text,
    description text,
    texts jsonb not null,
    unit text,
    unit_precision smallint,
    list_price numeric,
    list_price_currency text,
    status text not null,
    version bigint not null,
    position bigint not null,
    changed_at timestamptz not null,
    search_code text collate "C",
    search_words tsvector,
    primary key (organization_id, product_id)
);
create unique index on products (organization_id, sku collate "C");
create index on products (organization_id, name collate "C", product_id);
create index on products (organization_id, status collate "C", sku collate "C", product_id);
create index on products (organization_id, list_price, product_id);
create index on products (organization_id, changed_at, product_id);
create index on products (organization_id, search_code);
create index products_by_words on products using gin (search_words)
    with (gin_pending_list_limit = 256);
create index few_products_by_words on products using gin (search_words)
    with (gin_pending_list_limit = 256) where get_byte(uuid_send(product_id), 15) < 32;
comment on table products is 'Products.';
comment on column products.organization_id is 'The tenant.';
comment on column products.product_id is 'The product.';
comment on column products.sku is 'The seller''s code for it.';
comment on column products.name is 'Its name in English, else in any language.';
comment on column products.description is 'Its description in that language.';
comment on column products.texts is 'Name and description by language.';
comment on column products.unit is 'What it is sold in.';
comment on column products.unit_precision is 'Decimals of a quantity.';
comment on column products.list_price is
    'What one unit costs unless an order states another price.';
comment on column products.list_price_currency is 'The currency of the list price (ISO 4217).';
comment on column products.status is 'draft, published or discontinued.';
comment on column products.version is 'Version of the record: facts in its stream.';
comment on column products.position is 'Position of the last fact in the row.';
comment on column products.changed_at is 'When that fact was recorded.';
comment on column products.search_code is
    'Its SKU in small letters and digits alone, for searching.';
comment on column products.search_words is 'The words of its texts, for searching.';

select search.keep_vocabulary(current_schema(), 'products');

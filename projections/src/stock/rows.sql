-- Stock items.
create table stock (
    organization_id uuid not null,
    stock_item_id uuid not null,
    product_id uuid not null,
    warehouse_id uuid not null,
    unit text not null,
    on_hand numeric not null,
    reserved numeric not null,
    available numeric not null,
    backorder boolean not null,
    version bigint not null,
    position bigint not null,
    changed_at timestamptz not null,
    primary key (organization_id, stock_item_id)
);
create index on stock (organization_id, product_id);
create index on stock (organization_id, warehouse_id, product_id);
comment on table stock is 'Stock items: a product in a warehouse, counted in one unit.';
comment on column stock.organization_id is 'The tenant.';
comment on column stock.stock_item_id is 'The stock item.';
comment on column stock.product_id is 'The product.';
comment on column stock.warehouse_id is 'The warehouse.';
comment on column stock.unit is 'What quantities are counted in.';
comment on column stock.on_hand is 'How many are there.';
comment on column stock.reserved is 'How many are promised, to orders and by hand.';
comment on column stock.available is 'How many can still be promised; below 0 with backorders.';
comment on column stock.backorder is 'Whether more may be promised than is there.';
comment on column stock.version is 'Version of the record: facts in its stream.';
comment on column stock.position is 'Position of the last fact in the row.';
comment on column stock.changed_at is 'When that fact was recorded.';

-- Sums over lines of documents by product.
create table sales_by_product (
    organization_id uuid not null,
    product_id uuid not null,
    currency text not null,
    lines bigint not null,
    quantity numeric not null,
    gross numeric not null,
    net numeric not null,
    credit_lines bigint not null,
    credited_quantity numeric not null,
    credits numeric not null,
    credits_net numeric not null,
    position bigint not null,
    primary key (organization_id, product_id, currency)
);
comment on table sales_by_product is
    'What is sold and credited of each product, by currency. Orders that the first programs '
    'cancelled, which kept no lines, count.';
comment on column sales_by_product.organization_id is 'The tenant.';
comment on column sales_by_product.product_id is 'What is sold.';
comment on column sales_by_product.currency is 'The currency of the amounts (ISO 4217).';
comment on column sales_by_product.lines is 'Lines of orders placed, without those cancelled.';
comment on column sales_by_product.quantity is 'How many were ordered.';
comment on column sales_by_product.gross is 'What these lines come to before rounding.';
comment on column sales_by_product.net is
    'What they cost: rounded, where the order rounds by line.';
comment on column sales_by_product.credit_lines is 'Lines of credit notes posted.';
comment on column sales_by_product.credited_quantity is 'How many were credited.';
comment on column sales_by_product.credits is
    'What these lines give back before rounding: above zero.';
comment on column sales_by_product.credits_net is
    'What they give back: rounded, where the credit note rounds by line.';
comment on column sales_by_product.position is 'Position of the last fact in the row.';

//! What the log holds, read from the database itself, and what has to hold of it.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use gateway::verbs::parts::address;
use tokio_postgres::Client;

/// What is there of one order.
const ORDERS: &str = "
    select placed.stream_id::text,
        (select count(*) from log.facts f where f.stream_id = placed.stream_id
            and f.type = 'order.placed'),
        (select count(*) from log.facts f where f.type = 'credit.reserved'
            and f.data->>'order_id' = placed.stream_id::text
            and f.data->>'amount' = placed.data->>'net' and f.recorded_at = placed.recorded_at),
        (select count(*) from log.facts f where f.type = 'stock.reserved'
            and f.data->>'order_id' = placed.stream_id::text
            and f.recorded_at = placed.recorded_at),
        (select count(*) from log.facts f where f.type = 'reservation.claimed'
            and f.data->>'kind' = 'order_number' and f.data->>'holder' = placed.stream_id::text
            and f.recorded_at = placed.recorded_at)
    from log.facts placed where placed.type = 'order.placed'";

/// How many facts there are that belong to orders, by type.
const COUNTS: &str = "
    select count(*) filter (where type = 'order.placed'),
        count(*) filter (where type = 'credit.reserved'),
        count(*) filter (where type = 'stock.reserved'),
        count(*) filter (where type = 'reservation.claimed' and data->>'kind' = 'order_number')
    from log.facts";

/// Places that are missing or double: in the log, in its streams, in its batches.
const GAPS: &str = "
    select (select count(*) - coalesce(max(position), 0) + 1 - min(position) from log.events),
        (select count(*) from (select 1 from log.events group by organization_id, stream_id
            having count(*) <> max(version) or min(version) <> 1) streams),
        (select count(*) from (select first_position
            - lag(last_position, 1, 0::bigint) over (order by last_position) as step
            from log.batches) batches where step <> 1),
        (select max(last_position) - (select max(position) from log.events) from log.batches)";

/// Where the read models and the log do not agree.
const DIFFERENCES: &str = "
    select
    (select count(*) from read.orders o full join
        (select stream_id, data->>'net' as net from log.facts where type = 'order.placed') f
        on o.order_id = f.stream_id
        where o.order_id is null or f.stream_id is null or o.net <> f.net::numeric),
    (select count(*) from read.credit c full join
        (select stream_id, sum((data->>'amount')::numeric) as used from log.facts
            where type = 'credit.reserved' group by stream_id) f
        on c.credit_id = f.stream_id where c.exposure is distinct from coalesce(f.used, 0)),
    (select count(*) from read.stock s full join
        (select stream_id, sum((data->>'quantity')::numeric) as used from log.facts
            where type = 'stock.reserved' group by stream_id) f
        on s.stock_item_id = f.stream_id where s.reserved is distinct from coalesce(f.used, 0)),
    (select count(*) from read.order_lines l full join
        (select stream_id, jsonb_array_length(data->'lines') as lines from log.facts
            where type = 'order.placed') f on l.order_id = f.stream_id
        where l.order_id is null or f.stream_id is null or f.lines <> 2),
    (select abs(count(*) - 2 * (select count(*) from read.orders)) from read.order_lines),
    (select count(*) from read.sales_by_month s full join
        (select date_trunc('month', (data->>'business_date')::date)::date as month,
            count(*) as orders, sum((data->>'net')::numeric) as net
            from log.facts where type = 'order.placed' group by 1) f on s.month = f.month
        where (s.orders, s.lines, s.net) is distinct from (f.orders, 2 * f.orders, f.net)),
    (select count(*) from read.sales_by_customer s full join
        (select (data->>'customer_id')::uuid as customer_id,
            count(*) as orders, sum((data->>'net')::numeric) as net
            from log.facts where type = 'order.placed' group by 1) f
        on s.customer_id = f.customer_id
        where (s.orders, s.lines, s.net) is distinct from (f.orders, 2 * f.orders, f.net)),
    (select count(*) from read.sales_by_product s full join
        (select (line->>'product_id')::uuid as product_id, count(*) as lines,
            sum((line->>'quantity')::numeric) as quantity, sum((line->>'net')::numeric) as net
            from log.facts, jsonb_array_elements(data->'lines') as line
            where type = 'order.placed' group by 1) f on s.product_id = f.product_id
        where (s.lines, s.quantity, s.net) is distinct from (f.lines, f.quantity, f.net))";

/// What the log holds.
pub(crate) struct Ledger {
    client: Client,
    /// Ids of orders, and of each how many facts of which sort.
    orders: HashMap<String, [i64; 4]>,
    counts: [i64; 4],
    gaps: [i64; 4],
}

impl Ledger {
    /// Reads it.
    pub(crate) async fn read(data: &Path) -> Self {
        let (url, running) = gateway::postgres::url_for(data).expect("the cluster's address");
        assert!(running, "PostgreSQL runs");
        let config = address(&url).expect("an address");
        let client = events::log::connect(&config).await.expect("connecting");
        let rows = client.query(ORDERS, &[]).await.expect("the orders");
        let mut orders = HashMap::new();
        for row in &rows {
            let before =
                orders.insert(row.get(0), [row.get(1), row.get(2), row.get(3), row.get(4)]);
            assert_eq!(before, None, "an order was placed twice");
        }
        let four = async |query: &str| {
            let row = client.query_one(query, &[]).await.expect("four numbers");
            [row.get(0), row.get(1), row.get(2), row.get(3)]
        };
        let (counts, gaps) = (four(COUNTS).await, four(GAPS).await);
        Self { client, orders, counts, gaps }
    }

    /// No order is there in part, and no place in the log is missing.
    pub(crate) fn is_whole(&self) {
        for (id, facts) in &self.orders {
            assert_eq!(facts, &[1, 1, 2, 1], "order {id} is there in part");
        }
        let orders = i64::try_from(self.orders.len()).unwrap_or_default();
        assert_eq!(self.counts, [orders, orders, 2 * orders, orders], "facts without an order");
        assert_eq!(self.gaps, [0; 4], "positions, versions, batches");
    }

    /// Every one of these is there.
    pub(crate) fn holds(&self, acknowledged: &HashMap<String, String>) {
        for (key, id) in acknowledged {
            assert!(self.orders.contains_key(id), "purchase {key} was acknowledged and is lost");
        }
    }

    /// These are there, each once, and no others.
    pub(crate) fn holds_exactly(&self, acknowledged: &HashMap<String, String>) {
        let there: BTreeSet<_> = self.orders.keys().collect();
        let told: BTreeSet<_> = acknowledged.values().collect();
        assert_eq!(told.len(), acknowledged.len(), "two purchases are one order");
        assert_eq!(there, told);
    }

    /// The read models tell what the log does.
    pub(crate) async fn is_shown(&self) {
        let row = self.client.query_one(DIFFERENCES, &[]).await.expect("the differences");
        let differences: Vec<i64> = (0..8).map(|at| row.get(at)).collect();
        let what = "orders, credit, stock, order lines, their number, sales by month, customer, \
            product";
        assert_eq!(differences, [0; 8], "{what}");
    }
}

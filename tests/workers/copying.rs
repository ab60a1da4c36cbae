//! Claims about rows that go by COPY: they are part of what is committed with them, or not at all.

use gateway::config::Config;
use harness::{TestApp, schema_of, test_with};

use crate::projector::Market;

/// Refuses one COPY into a table of orders, as PostgreSQL does that is stopped, and none that comes
/// later: what a sequence has counted stays counted.
async fn refuse_a_copy(app: &TestApp, table: &str) {
    let refuse = format!(
        "create sequence public.copies_of_{table}; \
         create function public.refuse_{table}() returns trigger language plpgsql as $$ begin \
             if current_query() ilike 'copy%' and nextval('public.copies_of_{table}') = 1 then \
                 raise exception 'stopped' using errcode = 'admin_shutdown'; \
             end if; \
             return null; \
         end $$; \
         create trigger refuse after insert on {}.{table} \
             for each statement execute function public.refuse_{table}()",
        schema_of("orders")
    );
    app.database.connect().await.batch_execute(&refuse).await.expect("a trigger");
}

/// Orders of the log that lack their row, or some of their lines.
const LACKING: &str = "select count(*) from log.facts as f where type = 'order.placed' and ( \
    not exists (select from read.orders as o where o.order_id = f.stream_id) \
    or jsonb_array_length(data->'lines') <> \
        (select count(*) from read.order_lines as l where l.order_id = f.stream_id))";

#[test]
fn no_checkpoint_says_that_there_are_rows_whose_copy_failed() {
    let mut config = Config::default();
    config.projector.copy_rows_min = 1;
    config.projector.pause_max_ms = 100;
    test_with(config, async |app| {
        let client = app.database.connect().await;
        let count = async |query: &str| {
            client.query_one(query, &[]).await.expect("a count").get::<_, i64>(0)
        };
        let market = Market::open(app).await;
        market.trade(app, 20).await;
        app.settled().await;
        for (table, orders) in [("order_lines", 40), ("orders", 60)] {
            refuse_a_copy(app, table).await;
            market.trade(app, 20).await;
            app.settled().await;
            let copies = format!("select last_value from public.copies_of_{table}");
            assert!(count(&copies).await > 1, "{table}: none was refused, and tried again");
            assert_eq!(count(LACKING).await, 0, "{table}: orders lack rows");
            market.adds_up(app, orders).await;
        }
    });
}

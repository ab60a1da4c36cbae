//! Claims about how much is kept in mind.

use gateway::config::Config;
use harness::{Desk, TestApp, test_with};

use super::access;
use crate::metrics::shown;

fn with(bytes: u64) -> Config {
    let mut config = Config::default();
    config.queries.cache_bytes_max = bytes;
    config
}

/// Reads so many products, one after the other; how many bytes were kept at the most.
async fn read(app: &TestApp, count: usize) -> u64 {
    let desk = Desk::open(app, "acme").await;
    let mut products = Vec::new();
    for number in 0..count {
        products.push(desk.product(&format!("A-{number}"), 0).await);
    }
    app.settled().await;
    let (reader, mut most) = (&app.parts.reader, 0);
    for _ in 0..4 {
        for product in &products {
            let access = access(desk.organization);
            assert!(reader.product(&access, product.0).await.expect("a read").is_some());
            most = most.max(reader.cache().bytes());
        }
    }
    most
}

#[test]
fn no_more_bytes_are_kept_than_may_be() {
    test_with(with(60_000), async |app| {
        let most = read(app, 200).await;
        assert!((20_000..=60_000).contains(&most), "{most} bytes");
        let shown = shown(app).await;
        assert!(shown.value("millrace_queries_cache_evictions_total") > 1.0);
        assert!(shown.value("millrace_queries_cache_hits_total") > 1.0);
        assert!(shown.value("millrace_queries_cache_bytes") <= 60_000.0);
    });
}

#[test]
fn it_can_be_switched_off() {
    test_with(with(0), async |app| {
        assert_eq!(read(app, 20).await, 0);
        let shown = shown(app).await;
        assert!(shown.value("millrace_queries_cache_hits_total") < 1.0);
        assert!(shown.value("millrace_queries_cache_misses_total") < 1.0);
    });
}

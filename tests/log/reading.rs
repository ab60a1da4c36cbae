//! Claims about reading: a stream, several, everything; by pages.

use std::collections::HashMap;

use events::log::Log;
use events::words::Position;
use harness::{TestApp, test};

use super::{StreamKey, append, everything, fact, first, open, stream};

/// Three streams of 10, 20 and 30 facts, mixed.
async fn filled(app: &TestApp) -> (Log, [StreamKey; 3]) {
    let (log, streams) = (open(app).await, [stream(), stream(), stream()]);
    for round in 0..30 {
        let in_it = streams.iter().enumerate().filter(|(index, _)| round < (index + 1) * 10);
        let facts = in_it.map(|(_, stream)| fact(*stream)).collect();
        first(log.append(append(&[], facts)).await);
    }
    (log, streams)
}

#[test]
fn a_stream_is_read_from_a_version_by_pages() {
    test(async |app| {
        let (log, streams) = filled(app).await;
        let whole = log.read_stream(streams[2], 0, 1_000).await.unwrap();
        assert_eq!(whole.len(), 30);
        assert!(whole.iter().all(|fact| fact.stream == streams[2]));
        let mut paged = Vec::new();
        while let Some(page) = {
            let page = log.read_stream(streams[2], paged.len() as i64, 7).await.unwrap();
            (!page.is_empty()).then_some(page)
        } {
            assert!(page.len() <= 7);
            paged.extend(page);
        }
        assert_eq!(paged, whole);
        let tail = log.read_stream(streams[2], 27, 1_000).await.unwrap();
        assert_eq!(tail, whole[27..]);
        assert!(log.read_stream(streams[2], 30, 1_000).await.unwrap().is_empty());
        assert!(log.read_stream(stream(), 0, 1_000).await.unwrap().is_empty());
    });
}

#[test]
fn everything_is_read_from_a_position_by_pages() {
    test(async |app| {
        let (log, _) = filled(app).await;
        let all = log.read_all(Position(0), 1_000).await.unwrap();
        assert_eq!(all.len(), 60);
        super::whole(&all);
        assert_eq!(log.read_all(Position(17), 5).await.unwrap(), all[17..22]);
        assert_eq!(log.read_all(Position(59), 5).await.unwrap(), all[59..]);
        assert!(log.read_all(Position(60), 5).await.unwrap().is_empty());
        assert_eq!(log.head().await.unwrap(), Position(60));
        assert_eq!(everything(&log).await, all);
    });
}

#[test]
fn a_fact_comes_back_as_it_was_given() {
    test(async |app| {
        let (log, stream) = (open(app).await, stream());
        let mut given = fact(stream);
        given.data = "{\"name\" :  \"Zoë 🦔\", \"b\": 1.0, \"a\": 1e2}".as_bytes().to_vec();
        given.schema_version = 7;
        first(log.append(append(&[], vec![given.clone()])).await);
        let stored = log.read_stream(stream, 0, 1).await.unwrap().remove(0);
        assert_eq!((stored.data, stored.meta), (given.data, given.meta), "byte for byte");
        assert_eq!((stored.stream, stored.event_id), (given.stream, given.event_id));
        assert_eq!(stored.feature, given.feature);
        assert_eq!(stored.fact_type, given.fact_type);
        assert_eq!(stored.schema_version, 7);
    });
}

#[test]
fn several_streams_are_loaded_each_in_order_after_its_version() {
    test(async |app| {
        let (log, streams) = filled(app).await;
        let mut loaded: HashMap<StreamKey, Vec<i64>> = HashMap::new();
        let asked = [(streams[2], 0), (stream(), 0), (streams[0], 7)];
        log.load(&asked, |fact| loaded.entry(fact.stream).or_default().push(fact.version))
            .await
            .unwrap();
        assert_eq!(loaded.len(), 2);
        assert_eq!(loaded[&streams[2]], (1..=30).collect::<Vec<_>>());
        assert_eq!(loaded[&streams[0]], [8, 9, 10]);
    });
}

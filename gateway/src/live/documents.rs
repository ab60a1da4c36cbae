//! Documents that were parsed: clients send the same ones again and again, with other variables.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Request;
use async_graphql::parser::types::ExecutableDocument;
use lru::LruCache;

/// The longest document that is kept, in bytes.
const BYTES_MAX: usize = 4 << 10;

/// Parsed documents by their text, the least recently used first out.
pub struct Documents {
    parsed: Mutex<LruCache<String, Arc<ExecutableDocument>>>,
    count_max: usize,
}

impl Documents {
    /// Keeps so many.
    #[must_use]
    pub fn new(count_max: usize) -> Self {
        Self { parsed: Mutex::new(LruCache::unbounded()), count_max }
    }

    /// The request's document; none, if it is not GraphQL. It is not parsed again for the request.
    pub fn of<'a>(&self, request: &'a mut Request) -> Option<&'a ExecutableDocument> {
        // It is copied while nobody waits for it.
        if let Some(document) = self.with(|parsed| parsed.get(&request.query).cloned()) {
            request.set_parsed_query(ExecutableDocument::clone(&document));
        } else {
            let document = Arc::new(request.parsed_query().ok()?.clone());
            if request.query.len() <= BYTES_MAX {
                let query = request.query.clone();
                self.with(|parsed| {
                    parsed.put(query, document);
                    while parsed.len() > self.count_max {
                        parsed.pop_lru();
                    }
                });
            }
        }
        request.parsed_query().ok()
    }

    fn with<T>(&self, look: impl FnOnce(&mut LruCache<String, Arc<ExecutableDocument>>) -> T) -> T {
        look(&mut self.parsed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(documents: &Documents, query: &str) -> bool {
        documents.with(|parsed| parsed.contains(query))
    }

    #[test]
    fn a_document_is_parsed_once_and_the_last_ones_are_kept() {
        let documents = Documents::new(2);
        for query in ["{a}", "{b}", "{a}", "{c}"] {
            let mut request = Request::new(query);
            let found = documents.of(&mut request).map(|document| format!("{document:?}"));
            let parsed = async_graphql::parser::parse_query(query).ok();
            assert_eq!(found, parsed.map(|document| format!("{document:?}")));
        }
        let kept = ["{a}", "{b}", "{c}"].map(|query| kept(&documents, query));
        assert_eq!(kept, [true, false, true]);
    }

    #[test]
    fn what_is_no_document_or_is_a_long_one_is_not_kept() {
        let documents = Documents::new(2);
        assert!(documents.of(&mut Request::new("{")).is_none());
        let long = format!("{{{}}}", "a ".repeat(BYTES_MAX));
        assert!(documents.of(&mut Request::new(long.as_str())).is_some());
        assert!(!kept(&documents, "{") && !kept(&documents, &long));
    }
}

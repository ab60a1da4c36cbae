//! Claims about GraphQL over HTTP: what the audits of npm's `graphql-http` ask for.

use std::collections::BTreeMap;

use harness::{node, test};
use serde_json::Value;

/// The audits that find what they do not recommend: by id, and why it stays so.
const EXPLAINED: [(&str, &str); 0] = [];

fn text<'a>(audit: &'a Value, field: &str) -> &'a str {
    audit[field].as_str().unwrap_or_default()
}

#[test]
fn every_audit_of_graphql_over_http_finds_what_it_asks_for() {
    test(async |app| {
        let audits = node::lines(app, "audit.mjs", true).await;
        assert!(audits.len() > 50, "{} audits", audits.len());
        let failed = audits.iter().filter(|audit| audit["status"] != "ok");
        let failed: BTreeMap<&str, &Value> =
            failed.map(|audit| (text(audit, "id"), audit)).collect();
        for (id, audit) in &failed {
            let is_explained = EXPLAINED.iter().any(|(explained, _)| explained == id);
            assert!(!text(audit, "name").starts_with("MUST") && is_explained, "{audit}");
        }
        for (id, why) in EXPLAINED {
            assert!(failed.contains_key(id), "{id} finds what it recommends by now: not so, {why}");
        }
    });
}

/// The draft recommends 401, or 403, where a caller is not permitted to ask anything.
#[test]
fn whoever_has_no_token_is_told_so_by_every_audit_in_the_media_type_it_takes() {
    test(async |app| {
        for audit in node::lines(app, "audit.mjs", false).await {
            let answer = &audit["answer"];
            assert_eq!(answer["status"], 401, "{audit}");
            assert!(text(answer, "body").contains(r#""code":"UNAUTHENTICATED""#), "{audit}");
            let accepted = match text(answer, "accept") {
                "" | "*/*" => "application/json",
                accepted => accepted,
            };
            assert!(text(answer, "type").starts_with(accepted), "{audit}");
        }
    });
}

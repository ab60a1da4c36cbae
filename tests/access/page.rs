//! Claims about GraphiQL: the program serves all of it, and it loads nothing from anywhere else.

use harness::test;

const FILES: [&str; 7] = [
    "/graphiql",
    "/graphiql/graphiql.js",
    "/graphiql/examples.js",
    "/graphiql/graphiql.min.js",
    "/graphiql/graphiql.min.css",
    "/graphiql/react.production.min.js",
    "/graphiql/react-dom.production.min.js",
];

/// What stands behind each occurrence of a mark, up to the quote or bracket that ends it.
fn behind<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    let found = text.match_indices(mark).map(move |(at, _)| &text[at + mark.len()..]);
    found.map(|rest| {
        let rest = rest.trim_start_matches(['"', '\'', '`']);
        rest.split(['"', '\'', '`', ')', '>', ' ']).next().unwrap_or_default()
    })
}

#[test]
fn the_page_may_load_from_its_own_origin_alone() {
    test(async |app| {
        for path in FILES {
            let (_, headers, _) = app.anonymous().get(path).await;
            let policy = headers["content-security-policy"].to_str().unwrap_or_default();
            assert!(policy.contains("default-src 'self'"), "{path}: {policy}");
            for word in ["http:", "https:", "*", "'unsafe-eval'", "blob:", "ws:"] {
                assert!(!policy.contains(word), "{path} may load from {word}");
            }
            let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src"));
            assert!(!scripts.unwrap_or_default().contains("unsafe"), "{path}: {policy}");
        }
    });
}

#[test]
fn the_page_refers_to_no_other_origin() {
    test(async |app| {
        for path in FILES {
            let (_, headers, text) = app.anonymous().get(path).await;
            let marks = [
                "sourceMappingURL=",
                "src=",
                "href=",
                "url(",
                "@import ",
                "fetch(",
                "import(",
                "WebSocket(",
            ];
            for mark in marks {
                for target in behind(&text, mark) {
                    let foreign = ["http://", "https://", "//"];
                    let foreign = foreign.iter().any(|scheme| target.starts_with(scheme));
                    assert!(!foreign || is_a_mere_link(path, target), "{path}: {mark}{target}");
                }
            }
            let kind = headers["content-type"].to_str().unwrap_or_default();
            let expected = match path.rsplit_once('.') {
                Some((_, "js")) => "text/javascript",
                Some((_, "css")) => "text/css",
                _ => "text/html",
            };
            assert!(kind.starts_with(expected), "{path}: {kind}");
        }
    });
}

/// A link that a person may follow, shown by GraphiQL's own code.
fn is_a_mere_link(path: &str, target: &str) -> bool {
    path == "/graphiql/graphiql.min.js" && target.starts_with("https://graphql.org")
}

#[test]
fn the_page_names_every_file_it_needs_and_each_is_there() {
    test(async |app| {
        let (_, _, page) = app.anonymous().get("/graphiql").await;
        let mut named = 0;
        for target in behind(&page, "src=").chain(behind(&page, "href=")) {
            if target.starts_with("data:") {
                continue;
            }
            named += 1;
            let (status, _, _) = app.anonymous().get(&format!("/{target}")).await;
            assert_eq!(status, 200, "{target}");
        }
        assert_eq!(named, FILES.len() - 1);
        assert!(!page.contains("<script>"), "scripts stand in files of their own");
    });
}

#[test]
fn a_slash_behind_the_page_leads_to_it() {
    test(async |app| {
        let (status, _, text) = app.anonymous().get("/graphiql/").await;
        assert_eq!(status, 200);
        assert!(text.contains("Millrace GraphiQL"));
    });
}

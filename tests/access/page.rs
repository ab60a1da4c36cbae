//! Claims about the pages: the program serves all of each, and they load nothing from elsewhere.

use harness::test;

/// The pages, each with its title and its files.
const PAGES: [(&str, &str, &[&str]); 2] = [
    (
        "/graphiql",
        "Millrace GraphiQL",
        &[
            "/graphiql/graphiql.js",
            "/graphiql/examples.js",
            "/graphiql/graphiql.min.js",
            "/graphiql/graphiql.min.css",
            "/graphiql/react.production.min.js",
            "/graphiql/react-dom.production.min.js",
        ],
    ),
    ("/live", "Millrace Live", &["/live/live.js", "/live/live.css"]),
];

/// The pages and all of their files.
fn paths() -> impl Iterator<Item = &'static str> {
    PAGES.iter().flat_map(|(page, _, files)| [*page].into_iter().chain(files.iter().copied()))
}

/// What stands behind each occurrence of a mark, up to the quote or bracket that ends it.
fn behind<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    let found = text.match_indices(mark).map(move |(at, _)| &text[at + mark.len()..]);
    found.map(|rest| {
        let rest = rest.trim_start_matches(['"', '\'', '`']);
        rest.split(['"', '\'', '`', ')', '>', ' ']).next().unwrap_or_default()
    })
}

#[test]
fn a_page_may_load_from_its_own_origin_alone() {
    test(async |app| {
        for path in paths() {
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
fn a_page_refers_to_no_other_origin() {
    test(async |app| {
        for path in paths() {
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
fn a_page_names_every_file_it_needs_and_each_is_there() {
    test(async |app| {
        for (path, _, files) in PAGES {
            let (_, _, page) = app.anonymous().get(path).await;
            let mut named = 0;
            for target in behind(&page, "src=").chain(behind(&page, "href=")) {
                if target.starts_with("data:") {
                    continue;
                }
                named += 1;
                let (status, _, _) = app.anonymous().get(&format!("/{target}")).await;
                assert_eq!(status, 200, "{target}");
            }
            assert_eq!(named, files.len());
            assert!(!page.contains("<script>"), "scripts stand in files of their own");
        }
    });
}

#[test]
fn a_slash_behind_a_page_leads_to_it() {
    test(async |app| {
        for (path, title, _) in PAGES {
            let (status, _, text) = app.anonymous().get(&format!("{path}/")).await;
            assert_eq!(status, 200);
            assert!(text.contains(title));
        }
    });
}

/// It is given a token: nobody may frame it, nor run or style anything in it, nor lead a form away.
#[test]
fn the_page_that_takes_a_token_is_closed_to_others() {
    test(async |app| {
        let (_, headers, text) = app.anonymous().get("/live").await;
        let policy = headers["content-security-policy"].to_str().unwrap_or_default();
        for part in ["frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["x-frame-options"], "DENY");
        assert!(!text.contains("style="), "styles stand in a file of their own");
        let (_, _, script) = app.anonymous().get("/live/live.js").await;
        for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!script.contains(word), "{word}");
        }
        assert!(!script.contains("localStorage"), "the token goes with the tab");
    });
}

//! `search_1m`: products found among a million as somebody types: codes, beginnings, common words,
//! and typos, over HTTP (GraphQL).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::pin::pin;
use std::time::{Duration, Instant};

use chrono::Utc;
use events::words::OrganizationId;
use gateway::config::Config;
use harness::{Shop, TestApp};
use projections::products::ProductRow;
use projections::table::Table;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, json};
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::Scale;
use crate::http::{Door, load};
use crate::report::{Goal, Row};
use crate::rounds::{Round, median, rounded};

/// Who search at the same time.
const CONNECTIONS: usize = 2;
/// Words that the names and descriptions are made of, real and made up.
const VOCABULARY: usize = 50_000;
/// Products of the second organization.
const SMALL: usize = 1_000;
/// Rows that are copied at once.
const COPIED: usize = 20_000;
/// Queries of each kind.
const QUERIES: usize = 400;
/// Queries of the baseline: each reads the table.
const BASELINE: usize = 5;

const QUERY: &str = "query($q: String!) { searchProducts(query: $q, facets: [STATUS]) { total \
    facets { name values { value count } } \
    edges { score highlights { field parts { text marked } } node { id sku name } } } }";

/// Words as they occur: those of a real wholesaler, as often as there, and made-up ones.
struct Language {
    real: Vec<String>,
    made: Vec<String>,
}

impl Language {
    /// None: the real ones are not there.
    fn read() -> Option<Self> {
        let file = std::fs::File::open(harness::shared(crate::import::DATA)?).ok()?;
        let mut text = String::new();
        let mut bytes = liblzma::read::XzDecoder::new_multi_decoder(file);
        bytes.read_to_string(&mut text).expect("the file in UTF-8");
        let names: BTreeSet<&str> = text.lines().skip(1).filter_map(description).collect();
        let words = names.iter().flat_map(|name| name.split(|c: char| !c.is_alphanumeric()));
        let real: Vec<String> =
            words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let mut made = BTreeSet::new();
        while made.len() + real.iter().collect::<BTreeSet<_>>().len() < VOCABULARY {
            made.extend((0..1_000).map(|_| made_up(&mut dice)));
        }
        Some(Self { real, made: made.into_iter().collect() })
    }

    fn words(&self, dice: &mut ChaCha8Rng, count: usize) -> Vec<&str> {
        let word = |dice: &mut ChaCha8Rng| match dice.random_bool(0.7) {
            true => &self.real[dice.random_range(0..self.real.len())],
            // Some are more frequent than others.
            false => {
                let share = dice.random::<f64>().powf(2.5);
                &self.made[(share * self.made.len() as f64) as usize]
            }
        };
        (0..count).map(|_| word(dice).as_str()).collect()
    }

    /// The most frequent words.
    fn common(&self) -> Vec<&str> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for word in self.real.iter().filter(|word| word.len() > 2) {
            *counts.entry(word).or_default() += 1;
        }
        let mut words: Vec<(&str, usize)> = counts.into_iter().collect();
        words.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        words.into_iter().take(50).map(|(word, _)| word).collect()
    }
}

fn description(line: &str) -> Option<&str> {
    let text = line.splitn(3, ',').nth(2)?;
    match text.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => text.split(',').next(),
    }
}

fn made_up(dice: &mut ChaCha8Rng) -> String {
    let letter = |dice: &mut ChaCha8Rng, letters: &str| {
        char::from(letters.as_bytes()[dice.random_range(0..letters.len())])
    };
    let syllables = dice.random_range(2..=5);
    (0..syllables)
        .flat_map(|_| [letter(dice, "bcdfghjklmnprstvwz"), letter(dice, "aeiou")])
        .collect()
}

fn sku(number: usize) -> String {
    let letter = |n: usize| char::from(b'A' + u8::try_from(n % 26).expect("a letter"));
    format!("{}{}-{:06}", letter(number), letter(number / 26), number * 7_919 % 1_000_000)
}

fn product(language: &Language, dice: &mut ChaCha8Rng, owner: Uuid, number: usize) -> ProductRow {
    let (name, about) = (dice.random_range(3..=6), dice.random_range(5..=12));
    let name = language.words(dice, name).join(" ").to_uppercase();
    let description = language.words(dice, about).join(" ");
    let status = if number.is_multiple_of(10) { "draft" } else { "published" };
    ProductRow {
        organization_id: owner,
        product_id: Uuid::from_u128(dice.random()),
        sku: sku(number),
        texts: json!({ "en": { "name": name, "description": description } }),
        name: Some(name),
        description: Some(description),
        unit: Some("piece".to_owned()),
        unit_precision: Some(0),
        list_price: None,
        list_price_currency: None,
        status: status.to_owned(),
        version: 1,
        position: 1,
        changed_at: Utc::now(),
    }
}

/// Copies products into the live read model, as a rebuild does: with all that they are found by.
async fn fill(client: &Client, language: &Language, owner: Uuid, count: usize) -> f64 {
    let live = "select schema from projections.builds where name = 'products' and state = 'live'";
    let schema: String = client.query_one(live, &[]).await.unwrap().get(0);
    let columns: Vec<_> = ProductRow::COLUMNS.iter().chain(ProductRow::FOUND_BY).collect();
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let copy = format!("copy {schema}.products ({}) from stdin binary", names.join(", "));
    let types: Vec<Type> = columns.iter().map(|(_, name)| sql_type(name)).collect();
    let mut dice = ChaCha8Rng::seed_from_u64(2);
    let began = Instant::now();
    for from in (0..count).step_by(COPIED) {
        let sink = client.copy_in(&copy).await.unwrap();
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for number in from..(from + COPIED).min(count) {
            let row = product(language, &mut dice, owner, number);
            writer.as_mut().write(&row.values()).await.unwrap();
        }
        writer.finish().await.unwrap();
    }
    let per_second = count as f64 / began.elapsed().as_secs_f64();
    client.batch_execute(&format!("vacuum analyze {schema}.products")).await.unwrap();
    client.batch_execute(&format!("vacuum analyze {schema}.products_words")).await.unwrap();
    // Else what was copied is written out while searches are measured.
    client.batch_execute("checkpoint").await.unwrap();
    per_second
}

fn sql_type(name: &str) -> Type {
    match name {
        "uuid" => Type::UUID,
        "smallint" => Type::INT2,
        "bigint" => Type::INT8,
        "numeric" => Type::NUMERIC,
        "timestamptz" => Type::TIMESTAMPTZ,
        "jsonb" => Type::JSONB,
        "tsvector" => Type::TS_VECTOR,
        _ => Type::TEXT,
    }
}

/// What somebody types, by kind.
fn queries(language: &Language, count: usize) -> Vec<(&'static str, Vec<String>)> {
    let dice = &mut ChaCha8Rng::seed_from_u64(3);
    let common = language.common();
    let any =
        |dice: &mut ChaCha8Rng, words: &[&str]| words[dice.random_range(0..words.len())].to_owned();
    let long = |dice: &mut ChaCha8Rng| loop {
        let word = language.words(dice, 1)[0];
        if word.is_ascii() && word.len() >= 5 && !word.bytes().any(|b| b.is_ascii_digit()) {
            return word.to_owned();
        }
    };
    let mut made = |make: &mut dyn FnMut(&mut ChaCha8Rng) -> String| -> Vec<String> {
        (0..QUERIES).map(|_| make(dice)).collect()
    };
    vec![
        (
            "code",
            made(&mut |dice| match dice.random_range(0..3) {
                0 => sku(dice.random_range(0..count)),
                1 => sku(dice.random_range(0..count)).replace('-', "").to_lowercase(),
                _ => sku(dice.random_range(0..count))[..dice.random_range(2..8)].to_owned(),
            }),
        ),
        (
            "code_typo",
            made(&mut |dice| {
                let mut code = sku(dice.random_range(0..count)).into_bytes();
                code.swap(5, 6);
                code[7] = b'X';
                String::from_utf8(code).expect("letters and digits").replace("X", "")
            }),
        ),
        (
            "prefix",
            made(&mut |dice| {
                let word = long(dice);
                word[..dice.random_range(1..=word.len())].to_owned()
            }),
        ),
        (
            "words_prefix",
            made(&mut |dice| {
                let (first, last) = (any(dice, &common), long(dice));
                format!("{first} {}", &last[..dice.random_range(1..=3)])
            }),
        ),
        (
            "common",
            made(&mut |dice| match dice.random_bool(0.5) {
                true => any(dice, &common),
                false => format!("{} {}", any(dice, &common), any(dice, &common)),
            }),
        ),
        (
            "typo",
            made(&mut |dice| {
                let mut word = long(dice).into_bytes();
                let at = dice.random_range(1..word.len() - 1);
                match dice.random_range(0..3) {
                    0 => word.swap(at, at + 1),
                    1 => drop(word.remove(at)),
                    _ => word.insert(at, b'q'),
                }
                String::from_utf8(word).expect("letters")
            }),
        ),
    ]
}

/// Each query once, over so many connections; how many seconds each took.
async fn ask(door: &Door, queries: &[String], lasting: Duration) -> Round {
    let body = |query: &String| json!({ "query": QUERY, "variables": { "q": query } }).to_string();
    let requests: Vec<Vec<u8>> = queries.iter().map(|query| door.request(&body(query))).collect();
    let client = move |number: usize| {
        let (requests, mut at) = (requests.clone(), number * 7);
        move || {
            at += 1;
            requests[at % requests.len()].clone()
        }
    };
    let (taken, elapsed) = load(door.clone(), CONNECTIONS, lasting, client).await;
    let count = taken.len();
    Round::of(taken, count, elapsed)
}

/// The same words by `ILIKE`: how many milliseconds one takes.
async fn baseline(client: &Client, owner: Uuid, queries: &[String]) -> f64 {
    let statement = "select product_id, sku, name from read.products where organization_id = $1 \
        and (sku ilike $2 or name ilike $2 or description ilike $2) order by product_id limit 20";
    let statement = client.prepare(statement).await.unwrap();
    let mut taken = Vec::new();
    for query in queries.iter().take(BASELINE) {
        let (asked, pattern) = (Instant::now(), format!("%{query}%"));
        client.query(&statement, &[&owner, &pattern]).await.unwrap();
        taken.push(asked.elapsed().as_secs_f64() * 1_000.0);
    }
    median(taken.into_iter())
}

/// Those that find something: `load` wants an answer with a record.
async fn fruitful(door: &Door, queries: Vec<String>) -> Vec<String> {
    let mut connection = door.connect().await;
    let mut found = Vec::new();
    for query in queries {
        let body = json!({ "query": QUERY, "variables": { "q": query } }).to_string();
        let answer = connection.exchange(&door.request(&body)).await;
        assert!(!answer.contains("\"errors\""), "{query}: {answer}");
        if crate::http::id_of(answer).is_some() {
            found.push(query);
        }
    }
    found
}

/// None: the words are not there.
pub async fn measure(scale: Scale) -> Option<Row> {
    let language = Language::read()?;
    let app = TestApp::start(Config::default()).await;
    let client = app.database.connect().await;
    let mut details = Map::new();
    let token = app.administrator().headers["authorization"].to_str().unwrap().to_owned();
    let door = |organization| Door {
        address: app.url.trim_start_matches("http://").to_owned(),
        token: token.trim_start_matches("Bearer ").to_owned(),
        organization,
    };
    for (slug, count) in [("acme", scale.searched_products), ("small", SMALL)] {
        Shop::open(&app.administrator(), slug).await;
        let rate = fill(&client, &language, OrganizationId::of_slug(slug).0, count).await;
        details.insert(format!("{slug}_copied_per_second"), json!(rounded(rate)));
    }
    app.settled().await;
    let acme = OrganizationId::of_slug("acme").0;
    let mut all = Vec::new();
    for (kind, queries) in queries(&language, scale.searched_products) {
        let share = queries.len();
        let queries = fruitful(&door("acme"), queries).await;
        eprintln!("{kind}: {} of {share} find something, such as {:?}", queries.len(), queries[0]);
        let round = ask(&door("acme"), &queries, scale.search_round).await;
        details.insert(format!("{kind}_p50_ms"), json!(rounded(round.p50_ms)));
        details.insert(format!("{kind}_p99_ms"), json!(rounded(round.p99_ms)));
        all.push(queries);
    }
    let each = all.iter().map(Vec::len).min().unwrap_or_default();
    let mixed: Vec<String> =
        (0..each).flat_map(|at| all.iter().map(move |queries| queries[at].clone())).collect();
    let mut rounds = Vec::new();
    for _ in 0..scale.rounds {
        rounds.push(ask(&door("acme"), &mixed, scale.search_round).await);
    }
    let words = fruitful(&door("small"), all[4].clone()).await;
    let small = ask(&door("small"), &words, scale.search_round).await;
    details.insert("small_organization_p99_ms".to_owned(), json!(rounded(small.p99_ms)));
    let theirs = baseline(&client, acme, &all[5]).await;
    drop(client);
    app.end().await;
    let of = |part: fn(&Round) -> f64| median(rounds.iter().map(part));
    details.insert("p50_ms".to_owned(), json!(rounded(of(|round| round.p50_ms))));
    details.insert("queries_per_second".to_owned(), json!(rounded(of(|round| round.per_second))));
    let count = scale.searched_products;
    Some(Row {
        name: "search_1m",
        what: format!(
            "{count} products copied into the read model, a vocabulary of {VOCABULARY} words; \
             codes, codes with typos, beginnings, words with a beginning, common words and typos \
             by turns, over HTTP (GraphQL) with facets and highlights, {CONNECTIONS} at a time; \
             99 of 100"
        ),
        ours: of(|round| round.p99_ms),
        baseline: Some(("ILIKE over code, name and description, one".to_owned(), theirs)),
        unit: "ms",
        ratio: None,
        goal: Goal::AtMost(50.0),
        holds: true,
        details,
    })
}

//! Claims about states: what is made of the frozen logs changes only together with the version that
//! their snapshots are kept under.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use commands::State;
use events::Event;
use events::facts::Facts;
use harness::golden::assert_golden;
use harness::root;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::frozen::{all_names, frozen};

const GOLDEN: &str = "tests/fixtures/states.json";

/// The states of a type: by frozen log and stream.
#[derive(Serialize, Deserialize)]
struct States {
    version: i32,
    states: BTreeMap<String, Value>,
}

/// Every frozen fact, with the name of its log and stream.
fn events() -> Vec<(String, Event)> {
    let mut events = Vec::new();
    for name in all_names() {
        for fact in frozen(&name) {
            let (kind, version) = (fact.r#type.as_str(), fact.schema_version);
            let event = Event::decode(&fact.feature, kind, version, fact.data.as_bytes());
            events.push((format!("{name} {}", fact.stream_id), event.expect("a frozen fact")));
        }
    }
    events
}

fn folded<S: State>(events: &[(String, Event)]) -> States
where
    for<'a> &'a S::Fact: TryFrom<&'a Event>,
{
    let mut states: BTreeMap<&String, S> = BTreeMap::new();
    for (stream, event) in events {
        if let Ok(fact) = <&S::Fact>::try_from(event) {
            states.entry(stream).or_default().evolve(fact);
        }
    }
    let json = |(stream, state): (&String, &S)| {
        let json = serde_json::to_value(state).expect("a state as JSON");
        let back: S = serde_json::from_value(json.clone()).expect("a state of JSON");
        assert_eq!(serde_json::to_value(back).expect("JSON"), json, "{} comes back", S::NAME);
        (stream.clone(), json)
    };
    States { version: S::VERSION, states: states.iter().map(|(k, v)| json((k, v))).collect() }
}

macro_rules! folded {
    ($($state:ty),+ $(,)?) => {{
        let events = events();
        let all = [ $( (<$state>::NAME, folded::<$state>(&events)), )+ ];
        let features = [ $( <<$state as State>::Fact as Facts>::FEATURE, )+ ];
        (BTreeMap::from(all), BTreeSet::from(features))
    }};
}

#[test]
fn what_is_made_of_a_stream_changes_only_together_with_its_states_version() {
    let (states, features) = folded!(
        commands::contacts::Contact,
        commands::credit::Credit,
        commands::credit_notes::CreditNote,
        commands::customers::Customer,
        commands::orders::Order,
        commands::organizations::Organization,
        commands::products::Product,
        commands::reservations::Reservation,
        commands::series::Series,
        commands::stock::StockItem,
        commands::parked::Parked,
        commands::warehouses::Warehouse,
    );
    let all: BTreeSet<&str> = Event::fact_types().map(|(feature, _)| feature).collect();
    assert_eq!(features, all, "features whose states are listed here (left), and all (right)");
    assert_eq!(states.len(), features.len(), "two types of states have one name");
    let golden = fs::read_to_string(root().join(GOLDEN)).unwrap_or_else(|_| "{}".to_owned());
    let golden: BTreeMap<String, States> = serde_json::from_str(&golden).expect("golden states");
    for (name, was) in &golden {
        let now = states.get(name.as_str()).filter(|now| now.version == was.version);
        for (stream, now) in now.iter().flat_map(|now| &now.states) {
            let was = was.states.get(stream).unwrap_or(now);
            assert_eq!(
                now, was,
                "{stream}: raise `VERSION` of the state `{name}`, then UPDATE_GOLDEN"
            );
        }
    }
    let text = serde_json::to_string_pretty(&states).expect("JSON");
    assert_golden(GOLDEN, &format!("{text}\n"));
}

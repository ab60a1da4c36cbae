//! Claims about sudden deaths under load: of the program, of its PostgreSQL, of both. What was
//! acknowledged is there, whole and once; what was not can be repeated; nothing is there in part.

pub(crate) mod buyers;
pub(crate) mod ledger;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use buyers::Market;
use harness::app::scratch;
use harness::program::{millrace, outcome};
use harness::{Program, Shop};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

const ROUNDS: u32 = 3;

/// A data directory whose PostgreSQL does not outlive it, however the test ends.
pub(crate) struct Place(pub(crate) tempfile::TempDir);

impl Place {
    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(pid) = postmaster(&self.data()) {
            let _ = kill(pid, Signal::SIGQUIT);
        }
    }
}

/// The server of the data directory, if its process runs.
fn postmaster(data: &Path) -> Option<Pid> {
    let cluster = std::fs::canonicalize(data.join("postgres/cluster")).ok()?;
    let text = std::fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let pid = Pid::from_raw(text.lines().next()?.parse().ok()?);
    let works_in = std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    (works_in == cluster).then_some(pid)
}

/// `kill -9` of the server; its own processes are left to notice.
pub(crate) fn kill_postmaster(data: &Path) {
    let pid = postmaster(data).expect("a running PostgreSQL");
    kill(pid, Signal::SIGKILL).expect("killing PostgreSQL");
}

pub(crate) fn test(claim: impl AsyncFnOnce(&Path)) {
    let place = Place(scratch());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(claim(&place.data()));
}

/// Waits until so many more purchases were acknowledged.
pub(crate) async fn sold(market: &Market, more: usize) {
    let (since, wanted) = (Instant::now(), market.acknowledged().len() + more);
    while market.acknowledged().len() < wanted {
        assert!(since.elapsed() < Duration::from_secs(60), "not {more} more within a minute");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Everything that has to hold once the killing is over, after every open purchase was repeated.
async fn settle(program: &Program, market: &Market) {
    let before = ledger::Ledger::read(&program.data).await;
    before.is_whole();
    before.holds(&market.acknowledged());
    market.repeat_open(program).await;
    market.repeat_some(program).await;
    market.catch_up(program).await;
    let after = ledger::Ledger::read(&program.data).await;
    after.is_whole();
    after.holds_exactly(&market.acknowledged());
    after.is_shown().await;
}

fn stop(program: Program) {
    let ended = program.terminate(Duration::from_secs(10));
    assert!(ended.success(), "{ended}");
}

#[test]
fn a_killed_program_has_kept_what_it_acknowledged() {
    test(async |data| {
        let mut program = Program::serve(data, &[]);
        let market = Market::open(&program).await;
        for _ in 0..ROUNDS {
            let load = market.load(&program);
            sold(&market, 150).await;
            program.kill();
            load.end().await;
            program = Program::serve(data, &[]);
            settle(&program, &market).await;
        }
        assert!(market.acknowledged().len() >= 450);
        stop(program);
    });
}

#[test]
fn a_killed_postgresql_comes_back_and_has_kept_what_was_acknowledged() {
    test(async |data| {
        let program = Program::serve(data, &[]);
        let market = Market::open(&program).await;
        for _ in 0..ROUNDS {
            let load = market.load(&program);
            sold(&market, 150).await;
            kill_postmaster(data);
            // The same buyers go on, and are served again without anybody's help.
            sold(&market, 150).await;
            load.end().await;
            settle(&program, &market).await;
        }
        stop(program);
    });
}

#[test]
fn a_killed_postgresql_comes_back_and_workers_go_on_where_they_were() {
    test(async |data| {
        let program = Program::serve_with(data, &["--no-workers"], &[]);
        let workers = [Program::work(data, &[]), Program::work(data, &[])];
        let market = Market::open(&program).await;
        for _ in 0..ROUNDS {
            let load = market.load(&program);
            sold(&market, 150).await;
            kill_postmaster(data);
            sold(&market, 150).await;
            load.end().await;
            settle(&program, &market).await;
        }
        let check = ["check", "--projections", "--data", &data.to_string_lossy()];
        let (code, out, err) = outcome(&mut millrace(&check));
        assert_eq!(code, 0, "{out}{err}");
        workers.into_iter().for_each(stop);
        stop(program);
    });
}

#[test]
fn both_killed_have_kept_what_was_acknowledged() {
    test(async |data| {
        let mut program = Program::serve(data, &[]);
        let market = Market::open(&program).await;
        for round in 0..ROUNDS {
            let load = market.load(&program);
            sold(&market, 150).await;
            if round % 2 == 0 {
                program.kill();
                kill_postmaster(data);
            } else {
                kill_postmaster(data);
                program.kill();
            }
            load.end().await;
            program = Program::serve(data, &[]);
            settle(&program, &market).await;
        }
        stop(program);
    });
}

#[test]
fn a_program_that_is_told_to_stop_under_load_ends_well_and_has_kept_everything() {
    test(async |data| {
        let mut program = Program::serve(data, &[]);
        let market = Market::open(&program).await;
        for _ in 0..ROUNDS {
            let load = market.load(&program);
            sold(&market, 150).await;
            stop(program);
            assert_eq!(postmaster(data), None, "whoever started PostgreSQL stopped it");
            load.end().await;
            program = Program::serve(data, &[]);
            settle(&program, &market).await;
        }
        stop(program);
    });
}

#[test]
fn what_a_crash_took_from_the_read_models_is_not_shown_as_missing() {
    test(async |data| {
        let program = Program::serve(data, &[]);
        let shop = Shop::open(&program.administrator(), "acme").await;
        for round in 0..3 {
            let open = "mutation($input: OpenCustomerInput!) { openCustomer(input: $input) { \
                id: recordId position customer { name } } }";
            let input = json!({ "input": { "name": format!("Customer {round}") } });
            let opened = shop.client.ask(open, input).await["openCustomer"].clone();
            kill_walwriter(data).await;
            let query = "query($id: ID!, $position: String) { \
                customer(id: $id, atLeast: $position) { name } }";
            let variables = json!({ "id": opened["id"], "position": opened["position"] });
            let mut shown = 0;
            while shown < 20 {
                let (_, _, body) = shop.client.post(query, variables.clone()).await;
                if body.get("errors").is_none() {
                    assert_eq!(body["data"]["customer"]["name"], format!("Customer {round}"));
                    shown += 1;
                }
            }
        }
        stop(program);
    });
}

/// `kill -9` of the process that writes what commits did not wait for.
async fn kill_walwriter(data: &Path) {
    let url = gateway::postgres::url_for(data).expect("the address").0;
    let config = gateway::verbs::parts::address(&url).expect("an address");
    let client = events::log::connect(&config).await.expect("a connection");
    let query = "select pid from pg_stat_activity where backend_type = 'walwriter'";
    let pid: i32 = client.query_one(query, &[]).await.expect("the walwriter").get(0);
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill -9");
}

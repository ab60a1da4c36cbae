//! The yardstick of orders: the stored procedure of `../shared/bench`, what PostgreSQL itself does
//! for "place an order of 5 lines", driven by pgbench. Without facts, HTTP, read models.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use harness::cluster::TestDatabase;

/// Numbers of clients, of which the best is taken.
const CLIENTS: [usize; 4] = [8, 16, 32, 64];

/// The procedure, in a database of its own.
pub struct Procedure {
    database: TestDatabase,
    script: PathBuf,
    /// How many clients do best.
    pub clients: usize,
}

/// What a round of it did.
pub struct Procedures {
    pub per_second: f64,
    pub latency_ms: f64,
}

impl Procedure {
    /// Creates it, and finds out how many clients do best; none, if the yardstick is not there.
    pub async fn open(trial: Duration) -> Option<Self> {
        let folder = harness::shared("bench")?;
        let schema = std::fs::read_to_string(folder.join("schema.sql")).expect("the procedure");
        let database = TestDatabase::create().await;
        let client = database.connect().await;
        client.batch_execute(&schema).await.expect("creating the procedure");
        client.batch_execute("vacuum analyze").await.expect("analyzing");
        let mut procedure = Self { database, script: folder.join("neworder.pgbench"), clients: 0 };
        let mut best = 0.0;
        for clients in CLIENTS {
            let found = procedure.run(clients, trial);
            if found.per_second > best {
                (best, procedure.clients) = (found.per_second, clients);
            }
        }
        Some(procedure)
    }

    /// Runs it for whole seconds.
    pub fn round(&self, lasting: Duration) -> Procedures {
        self.run(self.clients, lasting)
    }

    fn run(&self, clients: usize, lasting: Duration) -> Procedures {
        let (clients, seconds) = (clients.to_string(), lasting.as_secs().max(1).to_string());
        let mut pgbench = Command::new("pgbench");
        pgbench.args(["-n", "-M", "prepared", "-j", "1", "-c", &clients, "-T", &seconds]);
        let run = pgbench.arg("-f").arg(&self.script).arg(&self.database.url).output();
        let run = run.expect("running pgbench (Debian: apt install postgresql)");
        let (out, errors) = (text(&run.stdout), text(&run.stderr));
        let found = |begin: &str| -> f64 {
            let line = out.lines().find_map(|line| line.strip_prefix(begin));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{out}{errors}"))
        };
        assert_eq!(found("number of failed transactions: "), 0.0, "{out}");
        Procedures { per_second: found("tps = "), latency_ms: found("latency average = ") }
    }

    /// Removes its database.
    pub async fn remove(self) {
        self.database.remove().await;
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

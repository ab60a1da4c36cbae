//! Who carries which part on. Workers are alive as long as they say so; the parts of one that fell
//! silent are taken over. Which parts are whose is computed by everybody alike, from who is alive.

use std::collections::BTreeMap;
use std::time::Duration;

use events::words::Position;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

use super::builds::{Build, State};
use super::sql::Held;

/// Workers listen here: something about workers or builds has changed.
pub const WORKERS_CHANNEL: &str = "millrace_workers";
/// Whoever waits for rows that other processes write listens here.
pub const ROWS_CHANNEL: &str = "millrace_rows";

/// A process that carries read models on, or only reads them.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Which.
    pub id: Uuid,
    /// Where it runs.
    pub host: String,
    /// Its process.
    pub pid: i32,
    /// The read models, with their versions (`orders_v2`), that it can carry on.
    pub knows: Vec<String>,
}

impl Worker {
    /// It is alive, for so long.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn renew(&self, client: &Client, lease: Duration) -> Result<(), Error> {
        let renew = "insert into projections.workers (worker, host, pid, alive_until, knows) \
            values ($1, $2, $3, \
                clock_timestamp() + $4::double precision * interval '1 second', $5) \
            on conflict (worker) do update set alive_until = excluded.alive_until, \
            knows = excluded.knows";
        let lease = lease.as_secs_f64();
        let Self { id, host, pid, knows } = self;
        client.execute(renew, &[id, host, pid, &lease, knows]).await.map(drop)
    }

    /// It leaves, and lets everything go.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn leave(&self, client: &Client) -> Result<(), Error> {
        let release = "update projections.parts set worker = null where worker = $1";
        client.execute(release, &[&self.id]).await?;
        client.execute("delete from projections.workers where worker = $1", &[&self.id]).await?;
        notify(client, WORKERS_CHANNEL).await
    }
}

/// Makes a connection a worker's.
///
/// # Errors
/// If the database cannot be reached.
pub async fn set_up(client: &Client) -> Result<(), Error> {
    client.batch_execute("set application_name = 'millrace worker'").await
}

/// Wakes who listens on a channel. What is told need not be on the disk.
///
/// # Errors
/// If the database cannot be reached.
pub async fn notify(client: &Client, channel: &str) -> Result<(), Error> {
    let tell = "select set_config('synchronous_commit', 'off', true), pg_notify($1, '')";
    client.execute(tell, &[&channel]).await.map(drop)
}

/// As [`notify`], with texts.
///
/// # Errors
/// If the database cannot be reached.
pub async fn tell(client: &Client, channel: &str, texts: &[String]) -> Result<(), Error> {
    let tell = "select set_config('synchronous_commit', 'off', true), pg_notify($1, text) \
        from unnest($2::text[]) as text";
    client.execute(tell, &[&channel, &texts]).await.map(drop)
}

/// A build's part.
pub type Part = (i64, i32);

/// What there is to do, and who is there to do it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Situation {
    /// Live builds, and those being filled.
    pub builds: Vec<Build>,
    /// Who is alive, in order of age, and what each knows.
    pub workers: Vec<(Uuid, Vec<String>)>,
    /// Every part of the builds: whose it is, if that one is alive.
    pub parts: BTreeMap<Part, Option<(Uuid, i64)>>,
}

impl Situation {
    /// How it is now. Workers that are long dead are forgotten.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn look(client: &Client) -> Result<Self, Error> {
        let dead = "delete from projections.workers \
            where alive_until < clock_timestamp() - interval '1 minute'";
        client.execute(dead, &[]).await?;
        let workers = "select worker, knows from projections.workers \
            where alive_until > clock_timestamp() order by started_at, worker";
        let workers = client.query(workers, &[]).await?;
        let builds = format!(
            "select {} from projections.builds as b where b.state in ('live', 'building') \
             order by b.build",
            Build::COLUMNS
        );
        let builds: Vec<Build> =
            client.query(&builds, &[]).await?.iter().map(Build::read).collect();
        let parts = "select p.build, p.part, w.worker, p.epoch from projections.parts as p \
            join projections.builds as b using (build) \
            left join projections.workers as w \
                on w.worker = p.worker and w.alive_until > clock_timestamp() \
            where b.state in ('live', 'building')";
        let parts = client.query(parts, &[]).await?;
        let holder = |row: &tokio_postgres::Row| {
            let worker: Option<Uuid> = row.get(2);
            ((row.get(0), row.get(1)), worker.map(|worker| (worker, row.get(3))))
        };
        Ok(Self {
            builds,
            workers: workers.iter().map(|row| (row.get(0), row.get(1))).collect(),
            parts: parts.iter().map(holder).collect(),
        })
    }

    /// The parts that are a worker's to carry on: those of each build go round among the workers
    /// that know it, and each build begins with another one.
    #[must_use]
    pub fn due(&self, worker: Uuid) -> Vec<Part> {
        let mut due = Vec::new();
        for (place, build) in self.builds.iter().enumerate() {
            let name = format!("{}_v{}", build.name, build.version);
            let able = self.workers.iter().filter(|(_, knows)| knows.contains(&name));
            let able: Vec<Uuid> = able.map(|(id, _)| *id).collect();
            if able.is_empty() {
                continue;
            }
            let numbers = 0..usize::try_from(build.parts).unwrap_or(0);
            let own = numbers.filter(|part| able[(place + part) % able.len()] == worker);
            due.extend(own.map(|part| (build.id, i32::try_from(part).unwrap_or(i32::MAX))));
        }
        due
    }

    /// The parts that a worker has, by build.
    #[must_use]
    pub fn held(&self, worker: Uuid) -> BTreeMap<i64, Vec<Held>> {
        let mut held: BTreeMap<i64, Vec<Held>> = BTreeMap::new();
        for ((build, part), holder) in &self.parts {
            if let Some((_, epoch)) = holder.filter(|(holder, _)| *holder == worker) {
                held.entry(*build).or_default().push(Held { part: *part, epoch });
            }
        }
        held
    }

    /// Whether a worker has parts that are not its to carry on, or could have others that nobody
    /// has.
    #[must_use]
    pub fn moves(&self, worker: Uuid) -> (Vec<Part>, Vec<Part>) {
        let due = self.due(worker);
        let has = |part: &Part| {
            self.parts.get(part).copied().flatten().is_some_and(|(holder, _)| holder == worker)
        };
        let free = |part: &&Part| self.parts.get(part).is_some_and(Option::is_none);
        let release = self.parts.keys().filter(|part| has(part) && !due.contains(part));
        (release.copied().collect(), due.iter().filter(free).copied().collect())
    }

    /// Whether anybody but this process is there.
    #[must_use]
    pub fn has_others(&self, worker: Uuid) -> bool {
        self.workers.iter().any(|(id, _)| *id != worker)
    }

    /// Which builds there are, and how they stand.
    pub fn shape(&self) -> impl Iterator<Item = (i64, State)> + '_ {
        self.builds.iter().map(|build| (build.id, build.state))
    }
}

/// Lets parts go that a worker has.
///
/// # Errors
/// If the database cannot be reached.
pub async fn release(client: &Client, worker: Uuid, parts: &[Part]) -> Result<(), Error> {
    if parts.is_empty() {
        return Ok(());
    }
    let release = "update projections.parts as p set worker = null \
        from unnest($2::bigint[], $3::integer[]) as k(build, part) \
        where p.build = k.build and p.part = k.part and p.worker = $1";
    let (builds, numbers): (Vec<i64>, Vec<i32>) = parts.iter().copied().unzip();
    client.execute(release, &[&worker, &builds, &numbers]).await?;
    notify(client, WORKERS_CHANNEL).await
}

/// Takes parts that nobody who is alive has; those that somebody is just writing are left for the
/// next time. Whoever had them before writes nothing any more.
///
/// # Errors
/// If the database cannot be reached.
pub async fn take(client: &Client, worker: Uuid, parts: &[Part]) -> Result<u64, Error> {
    if parts.is_empty() {
        return Ok(0);
    }
    let take = "update projections.parts as p set worker = $1, epoch = p.epoch + 1 \
        from (select q.build, q.part from projections.parts as q \
            join unnest($2::bigint[], $3::integer[]) as k(build, part) \
                on q.build = k.build and q.part = k.part \
            where not exists (select 1 from projections.workers as w \
                where w.worker = q.worker and w.alive_until > clock_timestamp()) \
            for update of q skip locked) as free \
        where p.build = free.build and p.part = free.part";
    let (builds, numbers): (Vec<i64>, Vec<i32>) = parts.iter().copied().unzip();
    client.execute(take, &[&worker, &builds, &numbers]).await
}

/// Whether any worker is alive that carries read models on.
///
/// # Errors
/// If the database cannot be reached.
pub async fn is_carried_on(client: &Client) -> Result<bool, Error> {
    let query = "select exists (select 1 from projections.workers \
        where alive_until > clock_timestamp() and knows <> '{}')";
    Ok(client.query_one(query, &[]).await?.get(0))
}

/// The read model of this program that is furthest behind, and what it holds for certain; one that
/// is not live yet holds nothing.
///
/// # Errors
/// If the database cannot be reached.
pub async fn lowest(client: &Client) -> Result<(&'static str, Position), Error> {
    let reached = reached(client).await?;
    let of = |name: &str| reached.iter().find(|(known, _)| known == name).map(|(_, at)| *at);
    let all = crate::all();
    let all = all.iter().map(|known| (known.name(), of(known.name()).unwrap_or_default()));
    Ok(all.min_by_key(|(_, position)| *position).unwrap_or(("", Position(i64::MAX))))
}

/// What every live build holds, by read model: all its parts.
///
/// # Errors
/// If the database cannot be reached.
pub async fn reached(client: &Client) -> Result<Vec<(String, Position)>, Error> {
    let query = "select b.name, min(p.position) from projections.builds as b \
        join projections.parts as p using (build) where b.state = 'live' group by b.name";
    let rows = client.query(query, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), Position(row.get(1)))).collect())
}

/// What a part of a live build holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The read model.
    pub name: String,
    /// Its build.
    pub build: i64,
    /// The part.
    pub part: i32,
    /// How far it has come.
    pub position: Position,
}

/// What every part of every live build holds.
///
/// # Errors
/// If the database cannot be reached.
pub async fn standing(client: &Client) -> Result<Vec<Standing>, Error> {
    let query = "select b.name, b.build, p.part, p.position from projections.builds as b \
        join projections.parts as p using (build) where b.state = 'live'";
    let rows = client.query(query, &[]).await?;
    let standing = |row: &tokio_postgres::Row| Standing {
        name: row.get(0),
        build: row.get(1),
        part: row.get(2),
        position: Position(row.get(3)),
    };
    Ok(rows.iter().map(standing).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn situation(workers: u128, builds: i64) -> Situation {
        let build = |id| Build {
            id,
            name: format!("model{id}"),
            version: 1,
            schema: String::new(),
            state: State::Live,
            parts: 4,
            indexed: true,
        };
        let builds: Vec<Build> = (1..=builds).map(build).collect();
        let knows: Vec<String> = builds.iter().map(|build| format!("{}_v1", build.name)).collect();
        let workers = (1..=workers).map(|id| (Uuid::from_u128(id), knows.clone())).collect();
        let parts = builds.iter().flat_map(|build| (0..4).map(|part| ((build.id, part), None)));
        Situation { parts: parts.collect(), builds, workers }
    }

    #[test]
    fn every_part_is_one_worker_s_and_all_have_alike_many() {
        for workers in 1..=6 {
            let situation = situation(workers, 11);
            let due: Vec<_> = situation.workers.iter().map(|(id, _)| situation.due(*id)).collect();
            let mut all: Vec<Part> = due.concat();
            all.sort_unstable();
            assert_eq!(all, situation.parts.keys().copied().collect::<Vec<_>>());
            let counts: Vec<usize> = due.iter().map(Vec::len).collect();
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            assert!(most - least <= 4, "{workers}: {counts:?}");
        }
    }

    #[test]
    fn nobody_gets_what_it_does_not_know() {
        let mut situation = situation(3, 2);
        situation.workers[1].1.retain(|name| name == "model1_v1");
        situation.workers[2].1.clear();
        let due = |id| situation.due(Uuid::from_u128(id));
        assert!(due(2).iter().all(|(build, _)| *build == 1) && !due(2).is_empty());
        assert!(due(3).is_empty());
        assert_eq!(due(1).iter().filter(|(build, _)| *build == 2).count(), 4);
    }

    #[test]
    fn what_is_another_s_is_let_go_and_what_is_free_is_taken() {
        let mut situation = situation(2, 1);
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for holder in situation.parts.values_mut() {
            *holder = Some((first, 7));
        }
        assert_eq!(situation.moves(first), (vec![(1, 1), (1, 3)], vec![]));
        assert_eq!(situation.moves(second), (vec![], vec![]));
        situation.parts.insert((1, 1), None);
        assert_eq!(situation.moves(second), (vec![], vec![(1, 1)]));
    }
}

//! Who is there, and which parts are whose: this process says that it is alive, looks who else
//! is, lets go what is another's, and takes what is its own. What is done with the parts, the
//! feeds say.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use events::log::listening;
use projections::sinks::leases::{self, ROWS_CHANNEL, Situation, WORKERS_CHANNEL, Worker};
use projections::watermarks::telling::{Queue, Told};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error};
use tokio_util::sync::CancellationToken;

/// How long a NOTIFY waits for more to tell.
const TELL_EVERY: Duration = Duration::from_millis(2);

/// A process among the workers.
pub struct Membership {
    worker: Worker,
    client: Arc<Client>,
    lease: Duration,
    news: Arc<Notify>,
    /// Somebody else reads or writes the read models.
    others: Arc<AtomicBool>,
    /// What is to be told of rows.
    rows: Arc<Rows>,
    beating: [JoinHandle<()>; 2],
}

/// What is to be told of rows.
#[derive(Default)]
struct Rows {
    queue: Mutex<Queue>,
    news: Notify,
}

/// Tells other processes what rows are written, if there are others.
#[derive(Clone)]
pub struct Teller {
    others: Arc<AtomicBool>,
    rows: Arc<Rows>,
}

impl Teller {
    /// One who tells nobody.
    #[must_use]
    pub fn silent() -> Self {
        Self { others: Arc::default(), rows: Arc::default() }
    }

    /// Rows are written.
    pub fn tell(&self, told: impl FnOnce() -> Told) {
        if self.others.load(Ordering::Relaxed) {
            self.rows.queue.lock().unwrap_or_else(PoisonError::into_inner).push(told());
            self.rows.news.notify_one();
        }
    }
}

impl Membership {
    /// Joins, and stays alive until this is dropped. `lost` is cancelled with its connection.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn join(
        config: &Config,
        worker: Worker,
        lease: Duration,
        lost: &CancellationToken,
    ) -> Result<Self, Error> {
        let (news, rows) = (Arc::new(Notify::new()), Arc::<Rows>::default());
        let (told, ended) = (news.clone(), lost.clone());
        let heard = move |_: &str| told.notify_one();
        let client = listening(config, WORKERS_CHANNEL, heard, move || ended.cancel()).await?;
        leases::set_up(&client).await?;
        worker.renew(&client, lease).await?;
        let client = Arc::new(client);
        let beating = [
            tokio::spawn(beat(client.clone(), worker.clone(), lease, lost.clone())),
            tokio::spawn(tell(client.clone(), rows.clone(), lost.clone())),
        ];
        leases::notify(&client, WORKERS_CHANNEL).await?;
        let others = Arc::new(AtomicBool::new(true));
        Ok(Self { worker, client, lease, news, others, rows, beating })
    }

    /// Who tells others of rows.
    #[must_use]
    pub fn teller(&self) -> Teller {
        Teller { others: self.others.clone(), rows: self.rows.clone() }
    }

    /// Lets go what is another's, takes what is its own and free; how it is then.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn settle(&self) -> Result<Situation, Error> {
        let situation = self.look().await?;
        let (release, take) = situation.moves(self.worker.id);
        leases::release(&self.client, self.worker.id, &release).await?;
        leases::take(&self.client, self.worker.id, &take).await?;
        if release.is_empty() && take.is_empty() {
            return Ok(situation);
        }
        self.look().await
    }

    /// Returns once there is something to do about the parts, or the builds are others.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn changed(&self, settled: &Situation) -> Result<(), Error> {
        loop {
            tokio::select! {
                () = self.news.notified() => {}
                () = tokio::time::sleep(self.lease / 4) => {}
            }
            let now = self.look().await?;
            let (release, take) = now.moves(self.worker.id);
            let same = now.shape().eq(settled.shape())
                && now.held(self.worker.id) == settled.held(self.worker.id);
            if !same || !release.is_empty() || !take.is_empty() {
                return Ok(());
            }
        }
    }

    async fn look(&self) -> Result<Situation, Error> {
        let situation = Situation::look(&self.client).await?;
        self.others.store(situation.has_others(self.worker.id), Ordering::Relaxed);
        Ok(situation)
    }

    /// Leaves, and lets everything go at once.
    ///
    /// # Errors
    /// If the database cannot be reached: then its parts are free once its lease ends.
    pub async fn leave(self) -> Result<(), Error> {
        self.beating.iter().for_each(JoinHandle::abort);
        self.worker.leave(&self.client).await
    }
}

/// Is among the workers, to be told of rows, and carries nothing on; until told to stop.
pub async fn attend(config: Config, worker: Worker, lease: Duration, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let lost = CancellationToken::new();
        match Membership::join(&config, worker.clone(), lease, &lost).await {
            Ok(member) => tokio::select! {
                () = lost.cancelled() => {}
                () = stop.cancelled() => {
                    // Else its lease ends by itself.
                    let _ = tokio::time::timeout(lease, member.leave()).await;
                }
            },
            Err(error) => tracing::warn!(%error, "the workers cannot be joined; trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(lease / 3) => {}
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.beating.iter().for_each(JoinHandle::abort);
    }
}

/// Says that the worker is alive, again and again.
async fn beat(client: Arc<Client>, worker: Worker, lease: Duration, lost: CancellationToken) {
    loop {
        tokio::time::sleep(lease / 3).await;
        match tokio::time::timeout(lease, worker.renew(&client, lease)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => {
                lost.cancel();
                return;
            }
        }
    }
}

/// Tells others of rows; of several steps within a moment, once.
async fn tell(client: Arc<Client>, rows: Arc<Rows>, lost: CancellationToken) {
    loop {
        rows.news.notified().await;
        let texts = rows.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if leases::tell(&client, ROWS_CHANNEL, &texts).await.is_err() {
            lost.cancel();
            return;
        }
        tokio::time::sleep(TELL_EVERY).await;
    }
}

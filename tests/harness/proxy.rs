//! A TCP proxy in front of PostgreSQL's socket that delays, cuts, resets and silences connections:
//! at any time, or before, during or after a commit.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// How long a commit that is to be let through may take.
const COMMIT_WAIT: Duration = Duration::from_secs(5);
/// A client's commit, and the server's word that it is done.
const COMMIT: (&[u8], &[u8]) = (b"commit\0", b"COMMIT\0");

/// What is done to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It ends orderly, on both sides.
    Close,
    /// The client is told of a broken connection; for the server it ends orderly.
    Reset,
    /// The client finds it closed; the server hears nothing of that, and goes on.
    Desert,
    /// Both sides keep it, and nothing comes through any more.
    Silence,
}

/// When it is done to a connection on which something is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The server hears nothing of the commit, nor of what was sent with it.
    Before,
    /// The server gets so many hundredths of what was sent.
    During(usize),
    /// The server commits, and nobody hears of it.
    After,
}

/// A proxy; dropped, it ends with all its connections.
pub struct Proxy {
    address: SocketAddr,
    behind: Config,
    plan: Arc<Mutex<Plan>>,
    accepting: AbortHandle,
}

/// What is to be done.
#[derive(Default)]
struct Plan {
    delay: Duration,
    /// When the server notices that nobody speaks to it any more; none: never.
    noticed_after: Option<Duration>,
    /// To the next connection on which something is committed.
    strike: Option<(Moment, Fate)>,
    strikes: usize,
    /// New connections find nobody who speaks.
    mute: bool,
    wires: Vec<watch::Sender<Option<Fate>>>,
}

fn lock(plan: &Mutex<Plan>) -> MutexGuard<'_, Plan> {
    plan.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// A proxy before the server that `behind` leads to, by a socket in the file system.
    pub async fn before(behind: &Config) -> Self {
        let Some(Host::Unix(folder)) = behind.get_hosts().first() else {
            panic!("not a server with a socket: {behind:?}");
        };
        let port = behind.get_ports().first().copied().unwrap_or(5432);
        let socket = folder.join(format!(".s.PGSQL.{port}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let plan = Arc::<Mutex<Plan>>::default();
        let accepting = tokio::spawn(accept(listener, socket, plan.clone())).abort_handle();
        Self { address, behind: behind.clone(), plan, accepting }
    }

    /// How to connect through it.
    #[must_use]
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        config.host(self.address.ip().to_string()).port(self.address.port());
        config.user(self.behind.get_user().expect("a user"));
        config.dbname(self.behind.get_dbname().expect("a database"));
        config
    }

    /// The same as an address, for programs.
    #[must_use]
    pub fn url(&self) -> String {
        let config = self.config();
        let (user, database) = (config.get_user(), config.get_dbname());
        let (user, database) = (user.unwrap_or_default(), database.unwrap_or_default());
        format!("postgresql://{user}@{}/{database}", self.address)
    }

    /// From now on whatever comes through waits so long.
    pub fn delay(&self, by: Duration) {
        lock(&self.plan).delay = by;
    }

    /// Does this to every connection that there is.
    pub fn cut(&self, fate: Fate) {
        for wire in &lock(&self.plan).wires {
            wire.send_replace(Some(fate));
        }
    }

    /// Does this to the next connection on which something is committed.
    pub fn strike(&self, moment: Moment, fate: Fate) {
        lock(&self.plan).strike = Some((moment, fate));
    }

    /// So long after a connection was deserted or fell silent, the server notices. Without this it
    /// never does; over TCP, its keepalives would tell it.
    pub fn noticed_after(&self, wait: Duration) {
        lock(&self.plan).noticed_after = Some(wait);
    }

    /// Whether new connections are taken, and then find nobody who speaks.
    pub fn mute(&self, mute: bool) {
        lock(&self.plan).mute = mute;
    }

    /// Does nothing more to anybody from now on; what was done stays.
    pub fn relent(&self) {
        let mut plan = lock(&self.plan);
        (plan.delay, plan.strike, plan.mute) = (Duration::ZERO, None, false);
    }

    /// How many commits were struck.
    #[must_use]
    pub fn strikes(&self) -> usize {
        lock(&self.plan).strikes
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, socket: PathBuf, plan: Arc<Mutex<Plan>>) {
    let mut wires = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        // A server that is away is a connection that ends at once.
        let Ok(server) = UnixStream::connect(&socket).await else { continue };
        drop(client.set_nodelay(true));
        let mut planned = lock(&plan);
        let (wire, fate) = watch::channel(planned.mute.then_some(Fate::Silence));
        planned.wires.retain(|wire| wire.receiver_count() > 0);
        planned.wires.push(wire);
        wires.spawn(Wire { client, server, plan: plan.clone(), fate }.run());
        while wires.try_join_next().is_some() {}
    }
}

/// One connection.
struct Wire {
    client: TcpStream,
    server: UnixStream,
    plan: Arc<Mutex<Plan>>,
    fate: watch::Receiver<Option<Fate>>,
}

impl Wire {
    async fn run(mut self) {
        let fate = self.carry().await.unwrap_or(Fate::Close);
        let noticed_after = lock(&self.plan).noticed_after;
        let noticed = async {
            match noticed_after {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        let Self { client, mut server, .. } = self;
        match fate {
            Fate::Close => {}
            Fate::Reset => drop(client.set_zero_linger()),
            Fate::Desert => {
                drop(client);
                let mut unheard = vec![0; 1 << 16];
                let gone_on =
                    async { while server.read(&mut unheard).await.is_ok_and(|bytes| bytes > 0) {} };
                tokio::select! {
                    () = noticed => {}
                    () = gone_on => {}
                }
            }
            Fate::Silence => {
                noticed.await;
                drop(server);
                std::future::pending().await
            }
        }
    }

    /// Carries bytes both ways, until the connection ends by itself or meets its fate.
    async fn carry(&mut self) -> std::io::Result<Fate> {
        let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        loop {
            let (from_client, bytes) = tokio::select! {
                biased;
                fate = fate(&mut self.fate) => return Ok(fate),
                read = self.client.read(&mut up) => (true, read?),
                read = self.server.read(&mut down) => (false, read?),
            };
            if bytes == 0 {
                return Ok(Fate::Close);
            }
            let delay = lock(&self.plan).delay;
            if !delay.is_zero() {
                tokio::select! {
                    fate = fate(&mut self.fate) => return Ok(fate),
                    () = tokio::time::sleep(delay) => {}
                }
            }
            if !from_client {
                self.client.write_all(&down[..bytes]).await?;
            } else if let Some((moment, fate)) = self.struck(&up[..bytes]) {
                self.meet(moment, &up[..bytes]).await?;
                return Ok(fate);
            } else {
                self.server.write_all(&up[..bytes]).await?;
            }
        }
    }

    /// What is to be done, if these bytes commit something.
    fn struck(&self, bytes: &[u8]) -> Option<(Moment, Fate)> {
        let mut plan = lock(&self.plan);
        let strike = plan.strike.filter(|_| holds(bytes, COMMIT.0))?;
        (plan.strike, plan.strikes) = (None, plan.strikes + 1);
        Some(strike)
    }

    /// Lets the server have what it is to get of a commit.
    async fn meet(&mut self, moment: Moment, bytes: &[u8]) -> std::io::Result<()> {
        match moment {
            Moment::Before => Ok(()),
            Moment::During(hundredths) => {
                self.server.write_all(&bytes[..bytes.len() * hundredths.min(99) / 100]).await
            }
            Moment::After => {
                self.server.write_all(bytes).await?;
                let mut unheard = vec![0; 1 << 16];
                let committed = async {
                    while let Ok(bytes @ 1..) = self.server.read(&mut unheard).await {
                        if holds(&unheard[..bytes], COMMIT.1) {
                            break;
                        }
                    }
                };
                // Whoever commits nothing in time is left alone with it.
                drop(tokio::time::timeout(COMMIT_WAIT, committed).await);
                Ok(())
            }
        }
    }
}

/// The fate of a connection, once there is one.
async fn fate(fate: &mut watch::Receiver<Option<Fate>>) -> Fate {
    let met = fate.wait_for(Option::is_some).await.map(|met| *met);
    met.ok().flatten().unwrap_or(Fate::Close)
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

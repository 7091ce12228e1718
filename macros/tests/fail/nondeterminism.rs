use sarsen_macros::orchestration;
use sarsen_orchestration::Context;

// Stands for the macros of crates that are not here, so that only the refusals are left.
macro_rules! nothing {
    ($($any:tt)*) => {
        ()
    };
}
pub(crate) use nothing as join;
pub(crate) use nothing as select;
pub(crate) use nothing as select_biased;
pub(crate) use nothing as try_join;

mod tokio {
    pub(crate) use crate::{join, select, try_join};
}

mod futures {
    pub(crate) use crate::{join, select, select_biased, try_join};
}

#[orchestration(crate = "sarsen_orchestration")]
async fn clocks(_cx: Context) {
    let _ = Instant::now();
    let _ = SystemTime::now();
    let _ = Utc::now();
    let _ = Local::now();
    let _ = OffsetDateTime::now_utc();
    let _ = OffsetDateTime::now_local();
    let _ = Timestamp::now();
    let _ = Zoned::now();
    let _ = format!("{:?}", std::time::Instant::now());
    let _ = vec![if true { chrono::Utc::now() } else { chrono::Utc::now() }];
}

#[orchestration(crate = "sarsen_orchestration")]
async fn ids(_cx: Context) {
    let _ = Uuid::new_v1();
    let _ = Uuid::now_v1();
    let _ = Uuid::new_v4();
    let _ = Uuid::new_v6();
    let _ = Uuid::now_v6();
    let _ = Uuid::new_v7();
    let _ = Uuid::now_v7();
    let _ = Ulid::new();
    let _ = format!("{:?}", uuid::Uuid::new_v4());
    let _ = vec![if true { ulid::Ulid::new() } else { ulid::Ulid::new() }];
}

#[orchestration(crate = "sarsen_orchestration")]
async fn chances(_cx: Context) {
    let _ = rand::random();
    let _ = fastrand::u64();
    let _ = getrandom::fill();
    let _ = thread_rng();
    let _ = OsRng.next_u64();
    let _ = StdRng::from_entropy();
    let _ = StdRng::from_os_rng();
    let _ = SmallRng::from_entropy();
    let _ = SmallRng::from_os_rng();
    let _ = format!("{:?}", rand::random());
    let _ = vec![if true { SmallRng::from_os_rng() } else { SmallRng::from_os_rng() }];
}

#[orchestration(crate = "sarsen_orchestration")]
async fn waits(_cx: Context) {
    let _ = std::thread::sleep(std::time::Duration::ZERO);
    let _ = thread::sleep();
    let _ = tokio::time::sleep();
    let _ = async_std::task::sleep();
    let _ = async_io::Timer::after();
    let _ = futures_timer::Delay::new();
    let _ = time::sleep();
    let _ = format!("{:?}", std::thread::sleep(std::time::Duration::ZERO));
    let _ = vec![if true { time::sleep() } else { time::sleep() }];
}

#[orchestration(crate = "sarsen_orchestration")]
async fn hashes(_cx: Context) {
    let _ = RandomState::new();
    let _ = format!("{:?}", RandomState::new());
    let _ = vec![if true { RandomState::new() } else { RandomState::new() }];
}

#[orchestration(crate = "sarsen_orchestration")]
async fn blocks(_cx: Context) {
    let _ = tokio::runtime::Handle::current();
    let _ = futures::executor::block_on();
    let _ = pollster::block_on();
    let _ = block_on();
    let _ = format!("{:?}", tokio::runtime::Handle::current());
    let _ = vec![if true { block_on() } else { block_on() }];
}

#[orchestration(crate = "sarsen_orchestration")]
async fn helpers(_cx: Context) {
    let _ = std::thread::spawn(|| {});
    let _ = thread::spawn();
    let _ = thread::scope();
    let _ = tokio::spawn();
    let _ = tokio::task::spawn_local();
    let _ = task::spawn();
    let _ = task::spawn_local();
    let _ = task::spawn_blocking();
    let _ = async_std::task::spawn();
    let _ = format!("{:?}", std::thread::spawn(|| {}));
    let _ = vec![if true { async_std::task::spawn() } else { async_std::task::spawn() }];
}

#[orchestration(crate = "sarsen_orchestration")]
async fn surroundings(_cx: Context) {
    let _ = std::env::temp_dir();
    let _ = env::var();
    let _ = env::var_os();
    let _ = env::vars();
    let _ = env::args();
    let _ = env::current_dir();
    let _ = format!("{:?}", std::env::temp_dir());
    let _ = vec![if true { env::current_dir() } else { env::current_dir() }];
}

#[orchestration(crate = "sarsen_orchestration")]
async fn world(_cx: Context) {
    let _ = std::fs::read("file");
    let _ = fs::write();
    let _ = tokio::fs::read();
    let _ = std::net::TcpStream::connect("host:1");
    let _ = tokio::net::TcpStream::connect();
    let _ = std::process::id();
    let _ = tokio::process::Command::new();
    let _ = tokio::io::stdin();
    let _ = std::io::stdin();
    let _ = io::stdin();
    let _ = reqwest::get();
    let _ = File::open();
    let _ = File::create();
    let _ = TcpStream::connect();
    let _ = format!("{:?}", std::fs::read("file"));
    let _ = vec![if true { TcpStream::connect() } else { TcpStream::connect() }];
}

#[orchestration(crate = "sarsen_orchestration")]
async fn races(_cx: Context) {
    tokio::select!(a, b);
    futures::select!(a, b);
    select!(a, b);
    futures::select_biased!(a, b);
    select_biased!(a, b);
    let _ = format!("{:?}", tokio::select!(a, b));
    let _ = vec![if true { futures::select!(a, b) } else { futures::select!(a, b) }];
}

#[orchestration(crate = "sarsen_orchestration")]
async fn joins(_cx: Context) {
    tokio::join!(a, b);
    futures::join!(a, b);
    join!(a, b);
    tokio::try_join!(a, b);
    futures::try_join!(a, b);
    try_join!(a, b);
    let _ = format!("{:?}", tokio::join!(a, b));
    let _ = vec![if true { futures::join!(a, b) } else { futures::join!(a, b) }];
}

#[orchestration(crate = "sarsen_orchestration")]
async fn foreign_futures(_cx: Context) {
    let _ = futures::future::join_all();
    let _ = futures_util::future::select();
    let _ = futures_lite::future::race();
    let _ = futures_concurrency::future::Join();
    let _ = tokio_stream::iter();
    let _ = async_std::future::timeout();
    let _ = smol::spawn();
    let _ = FuturesUnordered::new();
    let _ = FuturesOrdered::new();
    let _ = format!("{:?}", futures::future::join_all());
    let _ = vec![if true { FuturesOrdered::new() } else { FuturesOrdered::new() }];
}

fn main() {}

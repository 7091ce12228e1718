use sarsen_macros::orchestration;
use sarsen_orchestration::Context;

// Stand for crates that are not here, so that only the refusals are left.
macro_rules! nothing {
    ($($any:tt)*) => {};
}
pub(crate) use nothing as try_join;

mod tokio {
    pub(crate) use crate::try_join as select;
}

mod futures {
    pub(crate) use crate::try_join as join;
}

#[orchestration(crate = "sarsen_orchestration")]
async fn clocks(cx: Context) -> String {
    let _ = std::time::Instant::now();
    let _ = std::time::SystemTime::now();
    cx.timer(std::time::Duration::ZERO).await;
    format!("{:?} {:?}", chrono::Utc::now(), vec![Instant::now()])
}

#[orchestration(crate = "sarsen_orchestration")]
async fn chances(_cx: Context) -> Vec<u64> {
    let _ = uuid::Uuid::new_v4();
    vec![rand::random(), if true { rand::thread_rng().random() } else { 0 }]
}

#[orchestration(crate = "sarsen_orchestration")]
async fn surroundings(_cx: Context) {
    let _ = std::env::var("HOME");
    let _ = std::fs::read_to_string("file");
    let _ = format!("{:?}", std::net::TcpStream::connect("host:1"));
}

#[orchestration(crate = "sarsen_orchestration")]
async fn helpers(_cx: Context) {
    std::thread::spawn(|| {});
    std::thread::sleep(std::time::Duration::ZERO);
    tokio::spawn(async {});
    tokio::time::sleep(std::time::Duration::ZERO).await;
}

#[orchestration(crate = "sarsen_orchestration")]
async fn races(_cx: Context) {
    tokio::select! { _ = async {} => {} }
    futures::join!(async {}, async {});
    try_join!(async {}, async {});
    futures::future::join_all([async {}]).await;
}

fn main() {}

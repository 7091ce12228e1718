//! The orchestration, and the activity that it asks for.

use sarsen::{CallError, Context, activity, orchestration};
use std::time::Duration;

/// Work in the world outside: done at least once, its result taken once.
#[activity]
pub async fn say_hello(city: String, pause_ms: u64) -> String {
    eprintln!("greeting {city}");
    if pause_ms > 0 {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
    format!("Hello, {city}!")
}

/// Greets each city when the one before has answered.
#[orchestration]
pub async fn hello(cx: Context, cities: Vec<String>, pause_ms: u64) -> Result<Vec<String>, CallError> {
    let mut greetings = Vec::new();
    for city in cities {
        greetings.push(cx.activity(say_hello, (city, pause_ms)).await?);
    }
    Ok(greetings)
}

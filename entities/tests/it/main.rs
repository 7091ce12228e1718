//! The entities room through its public interface alone.

mod cache;
mod context;
mod cost;
mod ledger;
mod mixes;
mod register;
mod run;

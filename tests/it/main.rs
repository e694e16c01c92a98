//! The one integration binary: it links once, however many files there are.

mod argocd;
mod artifact;
mod audit;
mod cli;
#[cfg(feature = "server")]
mod durability;
mod evidence;
#[cfg(feature = "server")]
#[path = "../faults/runs.rs"]
mod fault_runs;
mod house;
#[cfg(feature = "server")]
mod http;
mod make;
#[cfg(feature = "server")]
mod pages;
mod policy;
mod proofs;
mod protocol;
mod vectors;
mod verify_js;
mod week;

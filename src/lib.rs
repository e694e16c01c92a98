//! Pulselog: an append-only transparency log for what deployment agents do on
//! Argo CD, and the verifier that needs no server.
//!
//! ```text
//!  submitted bytes                                                     reader's bytes
//!       |                                                                    |
//!       v                                                                    v
//!   artifact ─> entry ─> sequence ─> server/store ─> checkpoint · tile · receipt ─> verify
//!   parse,      leaf     pure step:  one synced      statements that leave          offline,
//!   authenticate bytes   -> Commit   batch           the house                      no server
//! ```
//!
//! Words, one per thing: *artifact* (what somebody signed), *envelope* (how),
//! *entry* (the leaf bytes about it), *body* (its compact form), *leaf index*,
//! *tree size*, *root hash*, *tile*, *entry bundle*, *checkpoint* (a signed
//! note over origin, size and root), *inclusion* and *consistency proof*,
//! *cosignature*, *witness*, *quorum*, *trust policy*, *head guard*.
//!
//! # From a program of one's own
//!
//! Everything that decides whether something is true is pure: bytes in, a
//! report out, no file, clock or network. What the three questions need stands at
//! the root, under names that stay; the rooms below it may be arranged anew. The
//! examples read the vectors in `tests/golden/vectors`; without the feature
//! `server` there is no RocksDB and no async runtime.
//!
//! **Is this artifact in the log?** A file, its `.tlog-proof`, and whom one
//! believes ([`verify::artifact`]):
//!
//! ```
//! use pulselog::verify::Options;
//! use pulselog::{Outcome, verify};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/vectors"))?;
//! let (policy, body) = (std::fs::read("packets/trust.policy")?, std::fs::read("packets/clean/07.json")?);
//! let proof = std::fs::read("packets/clean/07.tlog-proof")?;
//! let report = verify::artifact(Some(&body), &proof, &policy, &Options::default());
//! assert_eq!(report.verdict, Outcome::Pass);
//!
//! let other = std::fs::read("packets/clean/08.json")?;
//! let report = verify::artifact(Some(&other), &proof, &policy, &Options::default());
//! assert_eq!(report.verdict, Outcome::Fail);
//! # Ok(())
//! # }
//! ```
//!
//! **Did this run stay inside its policy?** A packet and the operator whom one
//! pins give both verdicts ([`Judge`]); what they say, and every
//! check behind it, is data:
//!
//! ```
//! use pulselog::protocol::Options;
//! use pulselog::{Did, Evidence, Judge, Outcome, Packet, TrustPolicy};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/vectors"))?;
//! let policy = TrustPolicy::of_reader(&std::fs::read("packets/trust.policy")?)?;
//! for (packet, expected) in [("packets/clean", Outcome::Pass), ("packets/revoked", Outcome::Fail)] {
//!     let mut files = Vec::new();
//!     for file in std::fs::read_dir(packet)? {
//!         let file = file?;
//!         files.push((file.file_name().to_string_lossy().into_owned(), std::fs::read(file.path())?));
//!     }
//!     let mut judge = Judge::new(Options::at(1_795_348_860_000));
//!     judge.operator = Some(Did::parse("did:key:z6MktM8wyX3MCwSgWsJQgGe5C1VrjCx2euTH61ksaRkMmysR")?);
//!     judge.evidence = Evidence::Packet(Box::new(Packet::read(&files, &policy)?));
//!     let bundle = std::fs::read(format!("{packet}/18.json"))?;
//!     let verification = judge.document(&bundle).ok_or("no document that carries a verdict")?;
//!     assert_eq!(verification.verdict, expected);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! **What does the whole log say?** Every entry bundle in order, under the
//! newest checkpoint ([`LogCopy`]); a copy whose entries do not
//! lead to the signed root is refused:
//!
//! ```
//! use pulselog::tile::decode_bundle;
//! use pulselog::{LogCopy, TrustPolicy};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/vectors"))?;
//! let policy = TrustPolicy::of_reader(&std::fs::read("log/trust.policy")?)?;
//! let mut copy = LogCopy::open(&policy, &std::fs::read("log/checkpoint")?)?;
//! for bytes in decode_bundle(&std::fs::read("log/tile/entries/000.p/19")?, 19)? {
//!     let entry = copy.decode(&bytes)?;
//!     let body = std::fs::read(format!("log/artifacts/{}", entry.digest)).ok();
//!     copy.push(&bytes, entry, body.as_deref())?;
//! }
//! let log = copy.finish()?;
//! assert_eq!((log.head().size.get(), log.bodies_missing), (19, 0));
//! # Ok(())
//! # }
//! ```
//!
//! Formats are in `docs/FORMATS.md`, how a log is judged in `docs/JUDGING.md`
//! and `docs/AUDIT.md`.
//!
//! Rooms stand in import order; ARCHITECTURE.md says who may import whom.
// One file asks the kernel what the standard library does not: server/kernel.rs.
#![deny(unsafe_code)]

// Ring 1: mathematics and signed statements. No domain, no IO.
pub mod codes;
pub mod text;
pub mod shapes;
pub mod merkle;
pub mod tile;
pub mod note;
pub mod checkpoint;
pub mod trust;
pub mod signature;

// Ring 2: our domain. No IO.
pub mod artifact;
pub mod protocol;
pub mod entry;
pub mod policy;
pub mod argocd;
pub mod audit;
pub mod receipt;
pub mod verify;
pub mod sequence;
pub mod explain;

// Ring 3: the world.
#[cfg(feature = "server")]
pub mod server;

// The way in: what a program of one's own names.
pub use artifact::Did;
pub use trust::TrustPolicy;
pub use verify::judge::{Evidence, Judge};
pub use verify::packet::Packet;
pub use verify::report::{Outcome, Report};
pub use verify::verification::Verification;
pub use verify::whole_log::{LogCopy, WholeLog};

//! The audit verdict.

pub mod accounts;
pub mod again;
pub mod alone;
pub mod authority;
pub mod beside;
pub mod causes;
pub mod earlier;
pub mod foe;
pub mod goldens;
pub mod happened;
mod late;
pub mod looked;
pub mod matched;
pub mod missing;
mod moved;
pub mod not_judged;
pub mod other_jobs;
pub mod outages;
pub mod properties;
pub mod reasons;
pub mod reconciled;
pub mod removed;
pub mod rules;
pub mod slices;
pub mod stories;
pub mod undecided;
pub mod unread;

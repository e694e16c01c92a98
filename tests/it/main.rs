//! The one integration binary: it links once, however many files there are.

mod artifact;
mod audit_accounts;
mod audit_alone;
mod audit_attest;
mod audit_authority;
mod audit_goldens;
mod audit_goldens_accounts;
mod audit_goldens_acts;
mod audit_goldens_allowed;
mod audit_goldens_answers;
mod audit_goldens_approvers;
mod audit_goldens_authority;
mod audit_goldens_bundles;
mod audit_goldens_calls;
mod audit_goldens_claimed;
mod audit_goldens_copied;
mod audit_goldens_disputed;
mod audit_goldens_distrust;
mod audit_goldens_issuers;
mod audit_goldens_joined;
mod audit_goldens_lineage;
mod audit_goldens_missing;
mod audit_goldens_nobodys;
mod audit_goldens_packing;
mod audit_goldens_policies;
mod audit_goldens_renewals;
mod audit_goldens_roles;
mod audit_goldens_siblings;
mod audit_goldens_spelled;
mod audit_goldens_tokens;
mod audit_goldens_tries;
mod audit_goldens_unrun;
mod audit_goldens_whose;
mod audit_goldens_within;
mod audit_goldens_worlds;
mod audit_make;
mod audit_missing;
mod audit_not_judged;
mod audit_other_jobs;
mod audit_properties;
mod audit_reasons;
mod audit_removed;
mod audit_rules;
mod audit_slices;
mod bounds;
#[cfg(feature = "server")]
mod bounds_served;
#[cfg(feature = "server")]
mod browser;
mod bundles;
#[cfg(feature = "server")]
mod chrome;
mod citations;
mod cli;
mod cli_examples;
#[cfg(feature = "server")]
mod cli_init;
mod cli_lists;
#[cfg(feature = "server")]
mod clocks;
#[cfg(feature = "server")]
mod config;
#[cfg(feature = "server")]
mod connections;
#[cfg(feature = "server")]
mod crowd_load;
#[cfg(feature = "server")]
mod crowds;
#[cfg(feature = "server")]
mod damaged_rows;
mod defects;
#[cfg(feature = "server")]
mod degraded;
#[cfg(feature = "server")]
mod demo;
#[cfg(feature = "server")]
mod desk;
mod disclosure;
mod disclosure_bad_input;
mod documents;
#[cfg(feature = "server")]
mod drawings;
mod earlier;
#[cfg(feature = "server")]
mod ending;
#[cfg(feature = "server")]
mod entries;
mod envelope_table;
mod evidence_attacks;
mod evidence_bad_input;
mod evidence_cli;
mod evidence_folders;
mod evidence_kept;
mod evidence_known;
mod evidence_make;
mod evidence_order;
#[cfg(feature = "server")]
mod evidence_packets;
mod evidence_properties;
mod evidence_tampering;
mod evidence_times;
mod explain;
#[cfg(feature = "server")]
#[path = "../faults/runs.rs"]
mod fault_runs;
#[cfg(feature = "server")]
mod faults;
#[cfg(feature = "server")]
mod flips;
mod formats;
mod formats_limits;
#[cfg(feature = "server")]
mod fsck_remote;
#[cfg(feature = "server")]
mod guard;
#[cfg(feature = "server")]
mod guard_moved;
#[cfg(feature = "server")]
mod guard_rebuild;
#[cfg(feature = "server")]
mod holes;
#[cfg(feature = "server")]
mod http;
#[cfg(feature = "server")]
mod http_access;
#[cfg(feature = "server")]
mod http_audits;
#[cfg(feature = "server")]
mod http_bad_input;
#[cfg(feature = "server")]
mod http_batch;
#[cfg(feature = "server")]
mod http_damaged;
#[cfg(feature = "server")]
mod http_findings;
#[cfg(feature = "server")]
mod http_forms;
#[cfg(feature = "server")]
mod http_lookup;
#[cfg(feature = "server")]
mod http_shapes;
#[cfg(feature = "server")]
mod http_verdicts;
#[cfg(feature = "server")]
mod interrupted;
mod json;
mod judging;
mod judging_reference;
#[cfg(feature = "server")]
mod kill;
mod kinds;
mod known_answers;
#[cfg(feature = "server")]
mod logs;
mod make;
#[cfg(feature = "server")]
mod memory;
mod merkle;
mod merkle_vectors;
mod named_files;
mod newcomers;
mod notes;
mod observations;
mod other_logs;
mod packet_unlisted;
mod packets_made;
#[cfg(feature = "server")]
mod pages;
#[cfg(feature = "server")]
mod pages_commands;
#[cfg(feature = "server")]
mod pages_pulses;
#[cfg(feature = "server")]
mod pages_verdicts;
mod policy_bad_input;
mod policy_customers;
mod policy_inherits;
mod policy_make;
mod policy_properties;
mod policy_registry;
mod policy_words;
mod protocol_bad_input;
mod protocol_events;
mod protocol_make;
mod protocol_mutations;
mod protocol_packages;
mod protocol_profiles;
mod protocol_properties;
mod protocol_vectors;
#[cfg(feature = "server")]
mod reader;
mod readers_say;
#[cfg(feature = "server")]
mod readiness;
#[cfg(feature = "server")]
mod readme;
#[cfg(feature = "server")]
mod reads_fail;
mod receipts;
#[cfg(feature = "server")]
mod records;
mod schemas;
#[cfg(feature = "server")]
mod scrub;
#[cfg(feature = "server")]
mod search_damaged;
mod second;
mod secrets;
mod secrets_broken;
mod secrets_escaped;
#[cfg(feature = "server")]
mod served;
#[cfg(feature = "server")]
mod service;
#[cfg(feature = "server")]
mod shell;
#[cfg(feature = "server")]
mod shown;
#[cfg(feature = "server")]
mod shown_advice;
#[cfg(feature = "server")]
mod shown_lost;
mod slips;
mod spelling;
mod stories;
#[cfg(feature = "server")]
mod story;
#[cfg(feature = "server")]
mod submit_answers;
#[cfg(feature = "server")]
mod submit_waits;
mod tidy;
#[cfg(feature = "server")]
mod tokens;
#[cfg(feature = "server")]
mod told;
#[cfg(feature = "server")]
mod torn_flush;
mod trust;
mod undecided;
mod vectors;
mod vectors_artifacts;
mod vectors_entries;
mod vectors_logs;
mod vectors_notes;
mod vectors_packets;
mod vectors_proofs;
mod vectors_refused;
mod vectors_signatures;
mod vectors_texts;
mod vectors_tree;
mod verify;
mod verify_once;

//! A log that is restored from a backup and goes on as another one: who was told
//! of the first is told that it is gone.

use std::path::Path;
use std::time::Duration;

use crate::make::hooks::{Call, Hook};
use crate::make::logs::copy_dir;
use crate::make::service::Service;

/// Puts everything back as it was.
fn restore(service: &Service, kept: &Path) {
    for entry in std::fs::read_dir(service.root()).expect("a directory") {
        let path = entry.expect("an entry").path();
        // Whom the log told is not in the backup.
        if path.is_dir() {
            let cursors = path.join("webhooks");
            let aside = kept.with_extension("cursors");
            std::fs::rename(&cursors, &aside).expect("cursors");
            std::fs::remove_dir_all(&path).expect("removed");
            copy_dir(&kept.join(path.file_name().expect("a name")), &path);
            let _ = std::fs::remove_dir_all(&cursors);
            std::fs::rename(&aside, &cursors).expect("cursors");
        } else {
            std::fs::copy(kept.join(path.file_name().expect("a name")), &path).expect("copied");
        }
    }
}

#[test]
fn a_target_is_told_that_a_log_was_restored_though_it_has_grown_beyond_what_was_told() {
    let (hook, dir) = (Hook::start(), tempfile::tempdir().expect("a directory"));
    let target = hook.target("oncall", dir.path());
    let with = target.clone();
    let mut service = Service::start_with(|config| config.webhooks = vec![with]);
    let told = |held: &crate::make::hooks::Held, size: u64| {
        held.taken.iter().any(|call| call.is("checkpoint.published") && call.body["size"] == size)
    };
    service.fill(2);
    hook.wait("the first two", |held| told(held, 2));
    std::thread::sleep(Duration::from_millis(500));
    service.stop();
    let kept = dir.path().join("kept");
    copy_dir(&service.root(), &kept);
    for round in 1..=2_usize {
        service.try_restart(|config| config.webhooks = vec![target.clone()]).expect("it starts");
        service.fill(3);
        hook.wait("a size of the log that is lost", |held| {
            held.taken.iter().filter(|call| call.is("checkpoint.published") && call.body["size"] == 5).count() == round
        });
        std::thread::sleep(Duration::from_millis(500));
        service.stop();
        restore(&service, &kept);
        // It grows while nobody is told.
        service.try_restart(|_| {}).expect("it starts");
        service.fill(4);
        service.stop();
        service.try_restart(|config| config.webhooks = vec![target.clone()]).expect("it starts");
        let gaps = |held: &crate::make::hooks::Held| -> Vec<Call> {
            held.taken.iter().filter(|call| call.is("delivery.gap")).cloned().collect()
        };
        hook.wait("the gap", |held| gaps(held).len() == round);
        let gaps = gaps(&hook.held());
        assert_eq!((&gaps[round - 1].body["from"], &gaps[round - 1].body["to"]), (&6.into(), &6.into()));
        let mut ids: Vec<_> = gaps.iter().map(|call| call.body["id"].to_string()).collect();
        ids.dedup();
        assert_eq!(ids.len(), round, "each restore is told under an id of its own");
        service.stop();
        restore(&service, &kept);
        // Nothing of what was told is of this log.
        std::fs::remove_dir_all(service.data().join("webhooks")).expect("removed");
    }
}

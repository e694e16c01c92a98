//! kill -9 while targets are told: every size whose evaluation had begun is told
//! of, in order, under the ids that it had.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::make::hooks::{Answers, Hook, write_key};
use crate::make::logs::{Place, Random};
use crate::make::served::Served;

const ROUNDS: u64 = 12;
const SEED: u64 = 20_261_128;

#[test]
fn kills_while_a_target_is_told_lose_no_event_of_a_size_whose_evaluation_began() {
    let hook = Hook::start();
    let place = Place::new();
    let config = place.root().join("hooks.toml");
    write_key(&place.root().join("hook.key"));
    let rows = format!("[[webhooks]]\nname = \"oncall\"\nurl = \"{}\"\nkey_file = \"hook.key\"\n", hook.url);
    std::fs::write(&config, rows).expect("a file");
    let served = Served::start_at(place, &["--config", config.to_str().expect("text")]);
    let cursor = served.place.data().join("webhooks/oncall.json");
    let under_way = || {
        let text = std::fs::read_to_string(&cursor).unwrap_or_default();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        read["under_way"]["size"].as_u64()
    };
    let (mut random, mut begun, mut next) = (Random(SEED), BTreeSet::new(), 0);
    for round in 0..ROUNDS {
        // Half of the rounds nobody takes anything, so that a kill meets an evaluation.
        hook.answer(if round % 2 == 0 { Answers::Status(503) } else { Answers::Takes });
        let count = 1 + random.below(20);
        served.submit_batch(next..next + count);
        next += count;
        std::thread::sleep(Duration::from_millis(random.below(1_800)));
        served.kill();
        begun.extend(under_way());
        served.spawn();
        served.wait_ready();
    }
    hook.answer(Answers::Takes);
    hook.wait("the newest size", |held| held.taken.iter().any(|call| call.body["size"] == next));
    let told: BTreeSet<u64> = hook.held().taken.iter().filter_map(|call| call.body["size"].as_u64()).collect();
    assert!(begun.len() > 2, "{begun:?}: hardly any kill met an evaluation");
    assert!(begun.is_subset(&told), "begun {begun:?}, told {told:?}");
    let sizes: Vec<_> = hook.held().taken.iter().filter_map(|call| call.body["size"].as_u64()).collect();
    assert!(sizes.is_sorted(), "{sizes:?}");
    served.stop();
}

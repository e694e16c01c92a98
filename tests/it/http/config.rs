//! Configuration: file under environment under flags, and what refuses.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use pulselog::note::{KeyName, SignerKey};
use pulselog::server::config::{Config, ConfigError, Place, RawConfig};

use crate::make;
use crate::make::service::ORIGIN;

struct At {
    dir: tempfile::TempDir,
}

impl At {
    fn new(toml: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join("data")).expect("a directory");
        std::fs::write(dir.path().join("data/pulselog.toml"), toml).expect("a file");
        let key = SignerKey::new(KeyName::parse(ORIGIN).expect("a name"), &[9; 32]).expect("a seed");
        let pem = key.to_pkcs8_pem().expect("PEM");
        std::fs::write(dir.path().join("log.pem"), pem.as_bytes()).expect("a file");
        let place = Self { dir };
        place.key_mode(0o600);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn key_mode(&self, mode: u32) {
        std::fs::set_permissions(self.path("log.pem"), std::fs::Permissions::from_mode(mode)).expect("a mode");
    }

    fn flags(&self) -> RawConfig {
        self.place().into()
    }

    fn place(&self) -> Place {
        Place {
            data: Some(self.path("data")),
            origin: Some(ORIGIN.to_owned()),
            key: Some(self.path("log.pem")),
            operator: Some(make::did("operator")),
            ..Place::default()
        }
    }

    fn load(&self, env: &[(&str, &str)], flags: RawConfig) -> Result<Config, ConfigError> {
        Config::load(flags, env.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())))
    }
}

#[track_caller]
fn refused(config: Result<Config, ConfigError>, code: &str, says: &str) {
    let Err(error) = config else { panic!("accepted") };
    assert_eq!(error.code().name, code, "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let place = At::new("listen = \"127.0.0.1:1\"\nbatch_items_max = 10\nfree_disk_bytes_min = 7\n");
    let file = place.load(&[], place.flags()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((file.listen.port(), file.limits.batch_items_max, file.free_disk_bytes_min), (1, 10, 7));
    let env = [("PULSELOG_LISTEN", "127.0.0.1:2"), ("PULSELOG_BATCH_ITEMS_MAX", "20"), ("HOME", "/")];
    let over = place.load(&env, place.flags()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((over.listen.port(), over.limits.batch_items_max, over.free_disk_bytes_min), (2, 20, 7));
    let flags = RawConfig { listen: Some("127.0.0.1:3".into()), ..place.flags() };
    let all = place.load(&env, flags).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((all.listen.port(), all.limits.batch_items_max, all.free_disk_bytes_min), (3, 20, 7));
}

#[test]
fn limits_and_guard_have_their_defaults() {
    let place = At::new("");
    let config = place.load(&[], place.flags()).unwrap_or_else(|e| panic!("{e}"));
    let limits = config.limits;
    assert_eq!(limits.artifact.artifact_bytes_max, 2 << 20);
    assert_eq!((limits.body_bytes_max, limits.batch_bytes_max, limits.batch_items_max), (4 << 20, 16 << 20, 4_096));
    assert_eq!((limits.request_timeout.as_secs(), config.free_disk_bytes_min), (30, 1 << 30));
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.guard, place.path("data.guard"));
    assert!(config.checkpoint_interval.is_zero());
}

#[test]
fn what_many_clients_may_take_is_set_like_everything_else_and_bounded() {
    let place = At::new("reads_max = 7\nverify_workers = 2\n");
    let env = [("PULSELOG_VERIFY_WORKERS", "3")];
    let crowd = place.load(&env, place.flags()).unwrap_or_else(|e| panic!("{e}")).crowd;
    assert_eq!((crowd.reads_max, crowd.verify_workers, crowd.connections_max), (7, 3, 16_384));
    let shown = place.load(&[("PULSELOG_READ_ONLY", "true")], place.flags()).unwrap_or_else(|e| panic!("{e}"));
    assert!(shown.read_only);
    let flags = RawConfig { crowd: [("reads_max", 9)].into_iter().collect(), ..place.flags() };
    assert_eq!(place.load(&env, flags).unwrap_or_else(|e| panic!("{e}")).crowd.reads_max, 9);
    refused(place.load(&[("PULSELOG_READS_MAX", "0")], place.flags()), "config_invalid", "reads_max");
    refused(place.load(&[("PULSELOG_READS_MAX", "many")], place.flags()), "config_invalid", "READS_MAX");
    let place = At::new("connections_max = -1\n");
    refused(place.load(&[], place.flags()), "config_file", "connections_max");
}

#[test]
fn the_public_address_is_plain_http_without_a_slash_at_the_end() {
    let place = At::new("public_url = \"https://log.example/argocd\"\n");
    let config = place.load(&[], place.flags()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.public_url.as_deref(), Some("https://log.example/argocd"));
    for wrong in ["log.example", "ftp://log.example", "https://", "https://log.example/", "https://a'b", "http:///x"] {
        refused(place.load(&[("PULSELOG_PUBLIC_URL", wrong)], place.flags()), "config_invalid", "public_url");
    }
}

#[test]
fn refuses_an_unknown_key_in_the_file() {
    let place = At::new("listn = \"127.0.0.1:1\"\n");
    refused(place.load(&[], place.flags()), "config_file", "unknown field `listn`; serve --help lists all");
}

#[test]
fn refuses_a_key_that_others_can_read_and_says_what_to_run() {
    for mode in [0o644, 0o640, 0o604, 0o660, 0o610] {
        let place = At::new("");
        place.key_mode(mode);
        refused(place.load(&[], place.flags()), "key_mode", "chmod 600");
    }
    let place = At::new("");
    place.key_mode(0o400);
    assert!(place.load(&[], place.flags()).is_ok());
}

#[test]
fn refuses_to_listen_beyond_this_machine_unless_told_that_it_is_public() {
    for listen in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:80"] {
        let place = At::new("");
        let flags = RawConfig { listen: Some(listen.into()), ..place.flags() };
        refused(place.load(&[], flags.clone()), "listen_not_public", "--public");
        assert!(place.load(&[], RawConfig { public: Some(true), ..flags }).is_ok(), "{listen}");
    }
}

#[test]
fn refuses_what_is_missing_or_of_another_type() {
    let place = At::new("");
    refused(place.load(&[], Place { origin: None, ..place.place() }.into()), "config_missing", "--origin");
    refused(place.load(&[], Place { key: None, ..place.place() }.into()), "config_missing", "PULSELOG_KEY");
    refused(place.load(&[], Place { operator: None, ..place.place() }.into()), "config_missing", "operator");
    refused(place.load(&[], Place { data: None, ..place.place() }.into()), "config_missing", "data");
    refused(place.load(&[("PULSELOG_BODY_BYTES_MAX", "4M")], place.flags()), "config_invalid", "BODY_BYTES_MAX");
    refused(place.load(&[("PULSELOG_BATCH_ITEMS_MAX", "0")], place.flags()), "config_invalid", "batch_items_max");
    refused(place.load(&[("PULSELOG_BATCH_ITEMS_MAX", "4097")], place.flags()), "config_invalid", "4096");
    refused(
        place.load(&[("PULSELOG_OPERATOR", "did:web:x")], Place { operator: None, ..place.place() }.into()),
        "config_invalid",
        "operator",
    );
    refused(
        place.load(&[("PULSELOG_ORIGIN", "a+b")], Place { origin: None, ..place.place() }.into()),
        "config_invalid",
        "origin",
    );
    refused(place.load(&[("PULSELOG_LISTEN", "8080")], place.flags()), "config_invalid", "listen");
    let guard = [("PULSELOG_GUARD", "/nowhere/log.guard")];
    refused(place.load(&guard, place.flags()), "config_invalid", "its directory /nowhere does not exist");
    let flags = Place { config: Some(Path::new("/nonexistent/x.toml").into()), ..place.place() }.into();
    refused(place.load(&[], flags), "config_file", "x.toml");
    let place = At::new("");
    std::fs::write(place.path("log.pem"), "not a key").expect("a file");
    refused(place.load(&[], place.flags()), "key_unreadable", "log.pem");
}

#[test]
fn paths_in_the_file_begin_at_the_file_and_those_of_flags_where_it_is_started() {
    let place = At::new("key = \"../log.pem\"\nguard = \"log.guard\"\n");
    let flags = Place { key: None, ..place.place() };
    let config = place.load(&[], flags.clone().into()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.guard, place.path("data/log.guard"));
    let flags = Place { guard: Some("here.guard".into()), ..flags };
    let config = place.load(&[], flags.into()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.guard, Path::new("here.guard"));
}

#[test]
fn reads_the_checkpoints_that_were_seen() {
    let place = At::new("");
    std::fs::write(place.path("old.checkpoint"), "a note").expect("a file");
    let flags = RawConfig { seen: Some(vec![place.path("old.checkpoint")]), ..place.flags() };
    let config = place.load(&[], flags).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.seen, [b"a note".to_vec()]);
}

/// Settings that stand beside the file, or say something about one start.
const NOT_IN_THE_FILE: [&str; 3] = ["data", "config", "accept_clock"];

#[test]
fn every_setting_is_taken_from_the_file_and_the_environment_and_a_flag_alike() {
    use clap::{Args as _, FromArgMatches as _};

    let command = RawConfig::augment_args(clap::Command::new("").no_binary_name(true));
    let mut seen = 0;
    for arg in command.get_arguments() {
        let (name, Some(flag)) = (arg.get_id().as_str(), arg.get_long()) else { continue };
        assert_eq!(flag.replace('-', "_"), name, "one name everywhere");
        let flags = |value: &str| {
            let read = command.clone().try_get_matches_from([format!("--{flag}={value}")]);
            read.and_then(|flags| RawConfig::from_arg_matches(&flags))
        };
        let value = ["7", "true", "/x"].into_iter().find(|value| flags(value).is_ok()).expect("some value fits");
        let given = flags(value).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_ne!(given, RawConfig::default(), "{name}");
        let variable = (format!("PULSELOG_{}", name.to_uppercase()), value.to_owned());
        let of_env = RawConfig::from_env([variable].into_iter()).unwrap_or_else(|e| panic!("{e}"));
        let is_said_once = name == "accept_clock";
        assert_eq!(of_env, if is_said_once { RawConfig::default() } else { given.clone() }, "{name}");
        let in_file = [format!("{name} = {value}"), format!("{name} = \"{value}\""), format!("{name} = [\"{value}\"]")];
        let of_file = in_file.iter().find_map(|text| RawConfig::from_toml(text, Path::new("pulselog.toml")).ok());
        match of_file {
            Some(of_file) => assert_eq!(of_file, given, "{name}"),
            None => assert!(NOT_IN_THE_FILE.contains(&name), "{name} is not taken from the file"),
        }
        seen += 1;
    }
    assert!(seen > 40, "{seen} settings");
}

#[test]
fn a_nearer_no_wins_over_a_yes_in_the_file() {
    let place = At::new("read_only = true\n");
    assert!(place.load(&[], place.flags()).unwrap_or_else(|e| panic!("{e}")).read_only);
    let config = place.load(&[("PULSELOG_READ_ONLY", "false")], place.flags()).unwrap_or_else(|e| panic!("{e}"));
    assert!(!config.read_only);
    refused(place.load(&[("PULSELOG_READ_ONLY", "perhaps")], place.flags()), "config_invalid", "READ_ONLY");
}

#[test]
fn rows_of_webhooks_are_checked_before_anything_starts() {
    let key = "0123456789abcdef0123456789abcdef\n";
    let with = |row: &str, key: &str, mode: u32| {
        let place = At::new(row);
        let path = place.path("data/hook.key");
        std::fs::write(&path, key).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        place.load(&[], place.flags())
    };
    let row = |more: &str| format!("[[webhooks]]\nname = \"oncall\"\nkey_file = \"hook.key\"\n{more}");
    let https = "url = \"https://hooks.example/a\"\n";
    let config = with(&row(https), key, 0o600).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((config.webhooks.len(), config.webhooks[0].events.len()), (1, 5), "all events, unless some are named");
    let chosen = with(&row(&format!("{https}events = [\"finding.closed\"]\n")), key, 0o600);
    assert_eq!(chosen.unwrap_or_else(|e| panic!("{e}")).webhooks[0].events.len(), 1);
    refused(with(&row("url = \"http://hooks.example/a\"\n"), key, 0o600), "config_invalid", "https://");
    refused(with(&row(https), key, 0o644), "config_file", "chmod 600");
    refused(with(&row(https), "short\n", 0o600), "config_file", "one line");
    refused(with(&row(&format!("{https}events = [\"verdict\"]\n")), key, 0o600), "config_invalid", "verdict.changed");
    refused(with(&row(&format!("{https}ca_file = \"hook.key\"\n")), key, 0o600), "config_file", "certificate");
    refused(with(&row(&format!("{https}retries = 3\n")), key, 0o600), "config_file", "retries");
    refused(with(&row(https).replace("oncall", "../up"), key, 0o600), "config_invalid", "name");
    let twice = row(https).repeat(2);
    refused(with(&twice, key, 0o600), "config_invalid", "twice");
    let many: String = (0..9).map(|n| row(https).replace("oncall", &format!("hook-{n}"))).collect();
    refused(with(&many, key, 0o600), "config_invalid", "at most 8");
}

#[test]
fn who_may_read_stands_in_a_table_of_its_own_and_half_a_setting_refuses() {
    use pulselog::server::access::Access;

    let proxy = "[viewer]\naccess = \"proxy\"\nuser_header = \"X-Auth-User\"\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]\n";
    let place = At::new(proxy);
    let viewer = place.load(&[], place.flags()).unwrap_or_else(|e| panic!("{e}")).viewer;
    assert_eq!(
        (viewer.access, viewer.user_header.as_str(), viewer.trusted_proxies.len()),
        (Access::Proxy, "x-auth-user", 2)
    );
    let place = At::new("");
    assert!(place.load(&[], place.flags()).unwrap_or_else(|e| panic!("{e}")).viewer.access.is_public());
    let token = place.load(&[("PULSELOG_VIEWER_ACCESS", "token")], place.flags()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(token.viewer.access, Access::Token);
    let named = "[viewer]\naccess = \"token\"\nclient_header = \"X-Real-IP\"\ntrusted_proxies = [\"::1\"]\n";
    let place = At::new(named);
    let viewer = place.load(&[], place.flags()).unwrap_or_else(|e| panic!("{e}")).viewer;
    assert_eq!((viewer.client_header.as_str(), viewer.trusted_proxies.len()), ("x-real-ip", 1));
    let wrong = [
        ("access = \"closed\"", "viewer_access"),
        ("access = \"proxy\"\ntrusted_proxies = [\"::1\"]", "viewer_user_header"),
        ("access = \"proxy\"\nuser_header = \"x-user\"", "viewer_trusted_proxies"),
        ("access = \"proxy\"\nuser_header = \"cookie\"\ntrusted_proxies = [\"::1\"]", "viewer_user_header"),
        (
            "access = \"proxy\"\nuser_header = \"x-user\"\ntrusted_proxies = [\"proxy.example\"]",
            "viewer_trusted_proxies",
        ),
        ("access = \"token\"\nuser_header = \"x-user\"", "viewer_user_header"),
        ("trusted_proxies = [\"::1\"]", "viewer_trusted_proxies"),
        ("access = \"token\"\ntrusted_proxies = [\"::1\"]", "viewer_client_header"),
        ("access = \"token\"\nclient_header = \"x-forwarded-for\"", "viewer_trusted_proxies"),
        ("access = \"token\"\nclient_header = \"forwarded\"\ntrusted_proxies = [\"::1\"]", "viewer_client_header"),
        ("client_header = \"x-forwarded-for\"", "viewer_client_header"),
        (
            "access = \"proxy\"\nuser_header = \"x-user\"\nclient_header = \"x-ip\"\ntrusted_proxies = [\"::1\"]",
            "viewer_client_header",
        ),
    ];
    for (text, name) in wrong {
        let place = At::new(&format!("[viewer]\n{text}\n"));
        refused(place.load(&[], place.flags()), "config_invalid", name);
    }
}

//! Tessera's POSIX conformance server, installed with Go and run in a process
//! of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64ct::{Base64, Encoding};
use pulselog::note::{KeyName, SignerKey};

use crate::process::{Process, await_listener, free_port};

const MODULE: &str = "github.com/transparency-dev/tessera/cmd/conformance/posix";
const VERSION: &str = "v1.0.4";
const ORIGIN: &str = "tessera.bench.example.com";

/// What its source says of this version, printed beside its figures.
pub const DURABILITY: &str = "Tessera: checks no signature; batches of 256 or a second; answers when a batch is \
    integrated, before a checkpoint covers it; checkpoint once a second; files written with O_SYNC, directories synced";

pub struct Tessera {
    pub process: Process,
    pub addr: SocketAddr,
    /// As it was started.
    pub command: String,
}

/// Its binary, built once and kept beside what cargo builds; `Err` says why
/// there is none.
pub fn install() -> Result<PathBuf, String> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tessera-{VERSION}"));
    let binary = dir.join("posix");
    if binary.is_file() {
        return Ok(binary);
    }
    let install = Command::new("go").arg("install").arg(format!("{MODULE}@{VERSION}")).env("GOBIN", &dir).output();
    match install {
        Err(error) => Err(format!("go: {error}")),
        Ok(output) if output.status.success() && binary.is_file() => Ok(binary),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("go install {MODULE}@{VERSION}: {}", said.lines().last().unwrap_or("no word")))
        }
    }
}

/// Starts it on a new log.
pub fn serve(binary: &Path, dir: &Path) -> Tessera {
    let (data, addr) = (dir.join("log"), free_port());
    std::fs::create_dir_all(&data).expect("a directory");
    let name = KeyName::parse(ORIGIN).expect("a key name");
    let vkey = SignerKey::new(name, &[7; 32]).expect("a key").vkey().to_string();
    let id = vkey.split('+').nth(1).expect("a key id");
    let secret = [&[1_u8][..], &[7; 32]].concat();
    let skey = format!("PRIVATE+KEY+{ORIGIN}+{id}+{}", Base64::encode_string(&secret));
    let log = std::fs::File::create(dir.join("tessera.log")).expect("a file");
    let mut serve = Command::new(binary);
    serve.arg("--storage_dir").arg(&data).args(["--antispam=false", "--listen", &addr.to_string()]);
    let command = format!("{serve:?}").replace('"', "");
    serve.env("LOG_PRIVATE_KEY", skey).stdout(Stdio::null()).stderr(log);
    let process = Process(serve.spawn().expect("the binary"));
    await_listener(addr);
    Tessera { process, addr, command }
}

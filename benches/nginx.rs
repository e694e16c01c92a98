//! nginx over a folder of files, in a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process};

use crate::process::{await_listener, free_port};

/// As fast as it goes: no log, files sent by the kernel, descriptors kept.
const SETTINGS: &str = "access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; \
    open_file_cache max=16384 inactive=60m; open_file_cache_valid 60m; default_type application/octet-stream;";

pub struct Nginx {
    child: Child,
    pub addr: SocketAddr,
}

/// What it is, or why it is not there.
pub fn version() -> Result<String, String> {
    let output = Command::new("nginx").arg("-v").output().map_err(|error| format!("nginx: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// Serves `files`; what it writes itself lies in `dir`.
pub fn serve(dir: &Path, files: &Path) -> Nginx {
    let (addr, here) = (free_port(), dir.display());
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {here}/{name};"))
        .concat();
    // Its workers may read what this process made.
    let text = format!(
        "user root; worker_processes auto; daemon off; pid {here}/nginx.pid; error_log {here}/nginx.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ {SETTINGS} {temporary}\n server {{ listen {addr}; root {}; }} }}\n",
        files.display()
    );
    let config = dir.join("nginx.conf");
    std::fs::write(&config, text).expect("a file");
    let mut nginx = Command::new("nginx");
    nginx.arg("-e").arg(dir.join("nginx.log")).arg("-c").arg(&config);
    let child = nginx.spawn().expect("nginx");
    await_listener(addr);
    println!("nginx: worker_processes auto; {SETTINGS}");
    Nginx { child, addr }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Killed, it would leave its workers behind.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

//! Connections that only take up room must not cost the log its files.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use crate::make::logs::receipt;
use crate::make::served::{Served, agent};

/// Open files of the process: enough for 80 connections beside its own.
const OPEN_FILES: u32 = 720;
/// Nearly twice as many connections as may be open at once.
const IDLE: usize = 150;

#[test]
fn goes_on_writing_while_more_connections_idle_than_it_has_files_for() {
    let served = Served::start();
    served.stop();
    served.spawn_with_open_files(OPEN_FILES);
    served.wait_ready();
    let writer = agent();
    let write = |n: u64| served.post(&writer, "v1/entries", "application/json", receipt(n).as_bytes()).unwrap().status;
    // This connection is kept and used again.
    assert_eq!(write(0), 201);
    let idle: Vec<TcpStream> = (0..IDLE)
        .map(|_| {
            let mut stream = TcpStream::connect(served.url.trim_start_matches("http://")).unwrap();
            stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
            stream.write_all(b"GET /checkpoint HTTP/1.1\r\nHost: half").unwrap();
            stream
        })
        .collect();
    for n in 1..40 {
        assert_eq!(write(n), 201, "{}", served.log_text());
    }
    assert!(served.is_running(), "{}", served.log_text());
    drop(idle);
    // The rest of them is closed, and new connections are answered again.
    assert_eq!(served.post(&agent(), "v1/entries", "application/json", receipt(40).as_bytes()).unwrap().status, 201);
    served.stop();
}

//! A small server of a test, which answers every connection on a thread of its
//! own and keeps what it held for the test to look at.

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Starts one on this machine; its address, and what it keeps. It ends with the
/// process.
pub fn listening<H: Default + Send + 'static>(
    answer: fn(TcpStream, &Mutex<H>) -> Option<()>,
) -> (String, Arc<Mutex<H>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let held = Arc::new(Mutex::new(H::default()));
    let shared = Arc::clone(&held);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || answer(stream, &shared));
        }
    });
    (url, held)
}

//! Five things that the standard library does not ask of the kernel, and the
//! only code in this crate that the compiler cannot check.
#![allow(unsafe_code)]

mod heap;

/// An error of the clock below this counts as synchronised, microseconds: the
/// kernel lets it grow to this and stops there when nobody corrects the clock.
#[cfg(target_os = "linux")]
const CLOCK_ERROR_MAX_US: libc::c_long = 16_000_000;

/// Whether something outside holds the wall clock right, as far as the kernel
/// knows; `None` when it does not say. The flag alone is not enough: time
/// daemons set it too where they keep the hardware clock to themselves.
#[cfg(target_os = "linux")]
#[must_use]
pub fn clock_is_synchronised() -> Option<bool> {
    // SAFETY: `timex` is integers only, for which zeros are a value; without
    // modes the call reads.
    let mut clock: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a whole `timex` that lives through the call.
    let state = unsafe { libc::adjtimex(&raw mut clock) };
    let is_held = clock.status & libc::STA_UNSYNC == 0 || clock.maxerror < CLOCK_ERROR_MAX_US;
    (state >= 0).then_some(is_held)
}

/// Other kernels do not say.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub const fn clock_is_synchronised() -> Option<bool> {
    None
}

/// Heaps that the system's allocator may keep side by side.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS_MAX: libc::c_int = 2;

/// Keeps memory of the system's allocator together: the database's and what is
/// large. Left alone, that gives each thread which asks a heap of its own and
/// lets all of them grow. Before any thread is started.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep_heaps_few() {
    // SAFETY: sets a number of the allocator; it may refuse, which changes nothing.
    let _ = unsafe { libc::mallopt(libc::M_ARENA_MAX, HEAPS_MAX) };
}

/// Other allocators do not do this.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub const fn keep_heaps_few() {}

/// Ends the process now: no destructor runs, neither ours nor the database's.
/// A thread that still works on the store while `main` returns would work on
/// what is taken apart under it, and end the process by a signal instead.
/// Whatever counts was synced before anybody was answered.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: takes any number and does not return.
    unsafe { libc::_exit(code) }
}

/// How often a sync that a signal interrupts is begun in all, before it counts
/// as failed: nobody may wait for a disk that never says more.
#[cfg(target_os = "linux")]
const SYNC_TRIES_MAX: u32 = 1_000;

/// `fdatasync` of this whole process, the database's too: the linker takes this
/// one for the system library's. RocksDB does not begin a sync again that was
/// interrupted (file systems over FUSE or NFS say so); it counts as a write
/// that failed, and would stop the log.
///
/// An interrupted sync is no verdict: Linux asks for write errors of this file
/// before it waits for the server of such a file system, so that a second call
/// has nothing to hide. Any other error is given on as it is, and never tried
/// again: after it the page cache may show what the disk does not have.
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(fd: libc::c_int) -> libc::c_int {
    synced(libc::SYS_fdatasync, fd)
}

/// The same of `fsync`, by which directories and moved files are synced.
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
pub extern "C" fn fsync(fd: libc::c_int) -> libc::c_int {
    synced(libc::SYS_fsync, fd)
}

/// Makes the system call, and again while it is interrupted. The last word is
/// `EIO`: the standard library repeats an interrupted call without end.
#[cfg(target_os = "linux")]
fn synced(call: libc::c_long, fd: libc::c_int) -> libc::c_int {
    for _ in 0..SYNC_TRIES_MAX {
        // SAFETY: takes any number, reads and writes no memory of ours.
        if unsafe { libc::syscall(call, fd) } == 0 {
            return 0;
        }
        // SAFETY: the pointer is to this thread's own number, which is always there.
        if unsafe { *libc::__errno_location() } != libc::EINTR {
            return -1;
        }
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = libc::EIO };
    -1
}

//! Two things that the standard library does not ask of the kernel, and the
//! only code in this crate that the compiler cannot check.
#![allow(unsafe_code)]

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

/// Ends the process now: no destructor runs, neither ours nor the database's.
/// A thread that still works on the store while `main` returns would work on
/// what is taken apart under it, and end the process by a signal instead.
/// Whatever counts was synced before anybody was answered.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: takes any number and does not return.
    unsafe { libc::_exit(code) }
}

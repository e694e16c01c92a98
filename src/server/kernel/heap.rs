//! Memory of this program, though not of the database, in every binary that
//! serves: small pieces from an allocator of their own, large ones from the
//! system's.
//!
//! What one thread takes and another gives back goes through no lock here. With
//! the system's allocator, kept from growing a heap for each thread, a sixth of
//! a single add was spent at such a lock. Large pieces grow in place there and
//! go back to the system at once, which keeps a run within its `--memory-max`.

use std::alloc::{GlobalAlloc, Layout, System};

use mimalloc::MiMalloc;

/// Pieces up to this many bytes are small: what an entry, a request and an
/// answer consist of.
const SMALL_BYTES_MAX: usize = 8 << 10;

/// Whose a piece is shows in its size alone, which whoever gives it back knows.
struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

const fn is_small(layout: Layout) -> bool {
    layout.size() <= SMALL_BYTES_MAX
}

// SAFETY: each piece goes back to the allocator that it came from, since both
// ways ask the same question of the same layout, and both keep the contract of
// `GlobalAlloc` themselves.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are what each of the two asks for.
        unsafe { if is_small(layout) { MiMalloc.alloc(layout) } else { System.alloc(layout) } }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe { if is_small(layout) { MiMalloc.alloc_zeroed(layout) } else { System.alloc_zeroed(layout) } }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: the piece came from `alloc` with this layout, hence from the
        // allocator that takes it back here.
        unsafe { if is_small(layout) { MiMalloc.dealloc(piece, layout) } else { System.dealloc(piece, layout) } }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that this size with this alignment is a layout.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: as in `dealloc`; a piece that changes hands is copied as far as
        // both reach, and given back only when there is another.
        unsafe {
            match (is_small(layout), is_small(new)) {
                (true, true) => MiMalloc.realloc(piece, layout, size),
                (false, false) => System.realloc(piece, layout, size),
                _ => {
                    let moved = self.alloc(new);
                    if !moved.is_null() {
                        moved.copy_from_nonoverlapping(piece, layout.size().min(size));
                        self.dealloc(piece, layout);
                    }
                    moved
                }
            }
        }
    }
}

//! The one integration binary: it links once, however many files there are.

mod merkle;

pub fn x() {}
pub mod artifact;

//! A list as Argo CD answers it, taken apart while it comes.
//!
//! ```text
//! {"metadata":{"resourceVersion":"88260050"},"items":[ {…} , {…} ]}
//!  └──────────────── head ─────────────────┘          └ each ┘
//! ```
//!
//! An installation has thousands of applications, each tens of kilobytes; kept
//! apart, they need the room of one. Nothing of a list counts before its end was
//! read: one that breaks off was never a shorter list.

use crate::artifact::json::{self, DEPTH_MAX, Value};

/// Longest item, bytes: a resource of Kubernetes has at most 1.5 MiB in its
/// database, and some more as JSON.
pub const ITEM_BYTES_MAX: usize = 8 << 20;
/// Longest rest of a list, bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Most items of one list: as many rows as a snapshot counts.
const ITEMS_MAX: u64 = 1_000_000;
/// The member that is taken apart.
const ITEMS: &[u8] = b"\"items\"";

/// Why something is no list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemsError {
    #[error("an item has more than {ITEM_BYTES_MAX} bytes")]
    ItemTooLong,
    #[error("there is more than {HEAD_BYTES_MAX} bytes beside the items")]
    HeadTooLong,
    #[error("there are more than {ITEMS_MAX} items")]
    TooMany,
    #[error("it ends early")]
    Unended,
    #[error("what stands beside the items is no JSON: {0}")]
    Head(String),
    #[error("it has no list of items")]
    NoItems,
}

/// Takes a list apart that comes in pieces.
#[derive(Default)]
pub struct Items {
    /// Containers that are open.
    depth: u32,
    in_text: bool,
    escaped: bool,
    /// Whether the array of items is open.
    in_items: bool,
    count: u64,
    /// The list without its items.
    head: Vec<u8>,
    /// The item that is being read.
    item: Vec<u8>,
}

impl Items {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and hands over every item that ends in them. Items
    /// are cut by their brackets alone: whether one is JSON is seen by whoever
    /// reads it.
    ///
    /// # Errors
    /// A bound that is passed.
    pub fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), ItemsError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let run = if self.in_text && !self.escaped {
                // Most bytes are within texts, where only two mean something.
                memchr::memchr2(b'"', b'\\', rest).map_or(rest.len(), |at| at.max(1))
            } else {
                1
            };
            let (now, later) = rest.split_at(run);
            self.step(now, each)?;
            rest = later;
        }
        Ok(())
    }

    /// The list without its items, once it has come to its end.
    ///
    /// # Errors
    /// It has not, or is no list.
    pub fn finish(self) -> Result<Value<'static>, ItemsError> {
        if self.depth > 0 || self.in_text || self.head.is_empty() {
            return Err(ItemsError::Unended);
        }
        let head = json::parse(&self.head, DEPTH_MAX).map_err(|error| ItemsError::Head(error.to_string()))?;
        match head.get("items") {
            // Go writes an empty list as null.
            Some(Value::Null) => Ok(head.into_owned()),
            Some(Value::Array(items)) if items.is_empty() => Ok(head.into_owned()),
            _ => Err(ItemsError::NoItems),
        }
    }

    /// One byte, or several within one text.
    fn step(&mut self, bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), ItemsError> {
        let byte = bytes[0];
        if self.in_text {
            if self.escaped {
                self.escaped = false;
            } else if byte == b'\\' {
                self.escaped = true;
            } else if byte == b'"' {
                self.in_text = false;
            }
            return self.keep(bytes);
        }
        match byte {
            b'"' => self.in_text = true,
            b'[' if self.depth == 1 && self.head_ends_with_items() => {
                self.in_items = true;
                self.depth += 1;
                self.head.push(byte);
                return Ok(());
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.checked_sub(1).ok_or_else(|| ItemsError::Head("a bracket too many".into()))?;
                if self.in_items && self.depth == 1 {
                    self.end_item(each)?;
                    self.in_items = false;
                }
            }
            b',' if self.in_items && self.depth == 2 => return self.end_item(each),
            b' ' | b'\n' | b'\r' | b'\t' => return Ok(()),
            _ => {}
        }
        self.keep(bytes)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), ItemsError> {
        let (kept, max, error) = match self.in_items {
            true => (&mut self.item, ITEM_BYTES_MAX, ItemsError::ItemTooLong),
            false => (&mut self.head, HEAD_BYTES_MAX, ItemsError::HeadTooLong),
        };
        if kept.len() + bytes.len() > max {
            return Err(error);
        }
        kept.extend_from_slice(bytes);
        Ok(())
    }

    fn end_item(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), ItemsError> {
        if self.item.is_empty() {
            return Ok(());
        }
        self.count += 1;
        if self.count > ITEMS_MAX {
            return Err(ItemsError::TooMany);
        }
        each(&self.item);
        self.item.clear();
        Ok(())
    }

    fn head_ends_with_items(&self) -> bool {
        self.head.strip_suffix(b":").is_some_and(|head| head.ends_with(ITEMS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str, piece: usize) -> Result<(Vec<String>, Value<'static>), ItemsError> {
        let (mut items, mut got) = (Items::new(), Vec::new());
        for bytes in text.as_bytes().chunks(piece) {
            items.push(bytes, &mut |item| got.push(String::from_utf8_lossy(item).into_owned()))?;
        }
        items.finish().map(|head| (got, head))
    }

    #[test]
    fn hands_over_each_item_whatever_stands_in_it_and_however_it_comes() {
        let items = [
            r#"{"a":"],}\"{[","items":[1,{"items":[2]}]}"#,
            r#"{"b":"\\"}"#,
            r#"{"c":{"d":["e","\u005d"]}}"#,
            r#"{"no":json}"#,
        ];
        let text = format!(
            "{{\"metadata\": {{\"resourceVersion\":\"7\"}}, \"items\" : [ {} ] , \"x\":[1]}}\n",
            items.join(" ,\n")
        );
        for piece in 1..text.len() {
            let (got, head) = taken(&text, piece).unwrap_or_else(|error| panic!("{piece}: {error}"));
            assert_eq!(got, items, "{piece}");
            assert_eq!(head.text_at("metadata.resourceVersion"), Some("7"));
        }
    }

    #[test]
    fn an_empty_list_is_written_in_two_ways() {
        for text in [r#"{"metadata":{},"items":null}"#, r#"{"items":[]}"#] {
            assert_eq!(taken(text, 3).expect("a list").0, Vec::<String>::new());
        }
    }

    #[test]
    fn what_ends_early_or_has_no_items_is_no_list() {
        let whole = r#"{"metadata":{"resourceVersion":"7"},"items":[{"a":1},{"b":2}]}"#;
        for end in 0..whole.len() {
            assert!(taken(&whole[..end], 5).is_err(), "{}", &whole[..end]);
        }
        for text in ["[]", "{}", "7", "\"items\"", r#"{"items":7}"#, r#"{"items":[1],"items":[2]}"#, "{}}", "]", "{]"] {
            assert!(taken(text, 5).is_err(), "{text}");
        }
        assert_eq!(taken(r#"{"message":"permission denied"}"#, 5), Err(ItemsError::NoItems));
    }

    #[test]
    fn an_item_and_the_rest_have_a_longest() {
        let long = "x".repeat(ITEM_BYTES_MAX);
        assert_eq!(taken(&format!(r#"{{"items":["{long}"]}}"#), 1 << 16), Err(ItemsError::ItemTooLong));
        assert_eq!(taken(&format!(r#"{{"a":"{long}"}}"#), 1 << 16), Err(ItemsError::HeadTooLong));
    }
}

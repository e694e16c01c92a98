//! How values are packed.

use std::sync::Arc;

use crate::artifact::json::{Number, Object, Value};
use crate::artifact::vocabulary;

use super::{Alike, FALSE, LIST, NULL, NUMBER, OBJECT, ONCE_BYTES, Packed, SHARED, SMALL, TEXT, TRUE, WORD};

/// Members whose values many statements have alike.
const ALIKE: [&str; 12] = [
    "app",
    "cst",
    "destination",
    "initiator",
    "instance",
    "job_id",
    "params",
    "policy_hash_b64u",
    "run_id",
    "signer_did",
    "username",
    "decision_reason",
];
/// Values that are had once for all; of more than these, each statement has its own.
const ALIKE_MAX: usize = 1 << 17;

/// A value while it is packed.
#[derive(Default)]
pub(super) struct Packer<'s> {
    units: Vec<u16>,
    texts: String,
    shared: Vec<Arc<Packed>>,
    alike: Option<&'s mut Alike>,
}

/// `count` in the bits below `mark`.
fn unit(mark: u16, count: usize) -> Option<u16> {
    Some(mark | u16::try_from(count).ok().filter(|count| *count < mark)?)
}

impl<'s> Packer<'s> {
    /// `None` where something in it is too large to be counted.
    pub(super) fn pack(value: &Value, alike: Option<&'s mut Alike>) -> Option<Packed> {
        let mut packer = Packer { alike, ..Packer::default() };
        packer.put(value)?;
        Some(packer.packed())
    }

    fn packed(self) -> Packed {
        let Self { units, texts, shared, alike } = self;
        let texts = texts.into();
        match alike {
            Some(alike) => Packed { units: alike.units(&units), texts, shared: alike.together(shared) },
            None => Packed { units: units.into(), texts, shared: shared.into() },
        }
    }

    fn put(&mut self, value: &Value) -> Option<()> {
        match value {
            Value::Null => self.units.push(NULL),
            Value::Bool(is) => self.units.push(if *is { TRUE } else { FALSE }),
            Value::Number(number) => self.number(*number),
            Value::String(text) => self.text(text)?,
            Value::Array(items) => {
                let length = self.open(unit(LIST, items.len())?);
                items.iter().try_for_each(|item| self.put(item))?;
                self.close(length)?;
            }
            Value::Object(object) => {
                let length = self.open(unit(OBJECT, object.len())?);
                let from = length - 2;
                self.units.resize(length + 2 * object.len(), NULL);
                for (place, (name, value)) in object.iter().enumerate() {
                    self.units[length + object.len() + place] = u16::try_from(self.units.len() - from).ok()?;
                    match vocabulary::number(name) {
                        Some(number) => self.units[length + place] = WORD | number,
                        None => self.text(name)?,
                    }
                    if ALIKE.contains(&name) && self.alike.is_some() { self.share(value)? } else { self.put(value)? }
                }
                self.close(length)?;
            }
        }
        Some(())
    }

    fn open(&mut self, unit: u16) -> usize {
        self.units.extend([unit, 0]);
        self.units.len()
    }

    fn close(&mut self, from: usize) -> Option<()> {
        self.units[from - 1] = u16::try_from(self.units.len() - from).ok()?;
        // Places of units are counted in as many bits.
        u16::try_from(self.units.len()).ok().map(|_| ())
    }

    fn number(&mut self, number: Number) {
        match number.as_i64().and_then(|whole| unit(SMALL, usize::try_from(whole).ok()?)) {
            Some(small) => self.units.push(small),
            None => {
                let bits = number.as_f64().to_bits();
                self.units.push(NUMBER);
                self.units.extend([48, 32, 16, 0].map(|by| (bits >> by) as u16));
            }
        }
    }

    fn text(&mut self, text: &str) -> Option<()> {
        if let Some(number) = vocabulary::number(text) {
            self.units.push(WORD | number);
            return Some(());
        }
        // A revision that was asked for, resolved and deployed stands here once.
        let from = self.texts.find(text).unwrap_or_else(|| {
            self.texts.push_str(text);
            self.texts.len() - text.len()
        });
        self.units.extend([unit(TEXT, text.len())?, u16::try_from(from).ok()?]);
        Some(())
    }

    /// What many have alike: once for all of them, while there are not too many.
    fn share(&mut self, value: &Value) -> Option<()> {
        let is_word = value.as_str().is_some_and(|text| vocabulary::number(text).is_some());
        if is_word || value.as_object().is_some_and(Object::is_empty) {
            return self.put(value);
        }
        let part = Packer::pack(value, None)?;
        let Some(part) = self.alike.as_mut().and_then(|alike| alike.one(part)) else {
            return self.put(value);
        };
        let at = self.shared.iter().position(|known| Arc::ptr_eq(known, &part));
        let at = at.unwrap_or_else(|| {
            self.shared.push(part);
            self.shared.len() - 1
        });
        self.units.push(unit(SHARED, at)?);
        Some(())
    }
}

impl Alike {
    /// The one of this value, if there is room for more.
    fn one(&mut self, packed: Packed) -> Option<Arc<Packed>> {
        if let Some(known) = self.parts.get(&packed) {
            return Some(Arc::clone(known));
        }
        if self.parts.len() >= ALIKE_MAX {
            return None;
        }
        self.bytes += ONCE_BYTES + packed.own_bytes();
        let part = Arc::new(packed);
        self.parts.insert(Arc::clone(&part));
        Some(part)
    }

    fn units(&mut self, units: &[u16]) -> Arc<[u16]> {
        if let Some(known) = self.units.get(units) {
            return Arc::clone(known);
        }
        let own: Arc<[u16]> = units.into();
        if self.units.len() < ALIKE_MAX {
            self.bytes += ONCE_BYTES + size_of_val(units);
            self.units.insert(Arc::clone(&own));
        }
        own
    }

    /// Parts that are here: none of them moves or goes while this is kept.
    fn together(&mut self, parts: Vec<Arc<Packed>>) -> Arc<[Arc<Packed>]> {
        let which: Box<[usize]> = parts.iter().map(|part| Arc::as_ptr(part).addr()).collect();
        if let Some(known) = self.together.get(&which) {
            return Arc::clone(known);
        }
        let own: Arc<[Arc<Packed>]> = parts.into();
        if self.together.len() < ALIKE_MAX {
            self.bytes += ONCE_BYTES + 2 * size_of_val::<[usize]>(&which);
            self.together.insert(which, Arc::clone(&own));
        }
        own
    }
}

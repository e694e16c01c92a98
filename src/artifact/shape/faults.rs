//! Everything that is wrong with a value, for whoever writes one by hand.
//! Admission stops at the first fault and needs no more.

use crate::artifact::json::{Object, Value};
use crate::artifact::shape::{Broken, Field, Shape, ShapeError, check};

/// Most faults that are collected of one value.
pub(crate) const FAULTS_MAX: usize = 64;

/// Broken rules of `value`, in document order, missing members behind those
/// that are there: none exactly when [`check`] passes. Linear in the value.
pub(crate) fn faults(shape: &Shape, value: &Value) -> Vec<ShapeError> {
    let mut found = Vec::new();
    collect(shape, value, &mut |fault| {
        if found.len() < FAULTS_MAX {
            found.push(fault);
        }
    });
    found
}

fn collect(shape: &Shape, value: &Value, add: &mut dyn FnMut(ShapeError)) {
    match (shape, value) {
        (Shape::Object { fields, open }, Value::Object(object)) => of_object(fields, *open, object, add),
        (Shape::Array { of, min, max }, Value::Array(items)) if (*min..=*max).contains(&items.len()) => {
            for (at, item) in items.iter().enumerate() {
                collect(of, item, &mut |fault| add(fault.in_element(at)));
            }
        }
        (Shape::OneOrMany { many, .. }, Value::Array(_)) => collect(many, value, add),
        (Shape::Nullable(shape), value) if !matches!(value, Value::Null) => collect(shape, value, add),
        (Shape::ByField { field, cases }, Value::Object(_)) => {
            match cases.iter().find(|(name, _)| value.text_at(field) == Some(name)) {
                Some((_, shape)) => collect(shape, value, add),
                None => check(shape, value).err().into_iter().for_each(add),
            }
        }
        _ => check(shape, value).err().into_iter().for_each(add),
    }
}

fn of_object(fields: &[Field], open: bool, object: &Object, add: &mut dyn FnMut(ShapeError)) {
    for (name, member) in object.iter() {
        match fields.iter().find(|field| field.name == name) {
            Some(field) => collect(field.shape, member, &mut |fault| add(fault.below(name))),
            None if open => {}
            None => add(ShapeError::here(Broken::UnknownField, "is not a field here").below(name)),
        }
    }
    for field in fields.iter().filter(|field| field.required && !object.contains(field.name)) {
        add(ShapeError::here(Broken::MissingField, "is required").below(field.name));
    }
}

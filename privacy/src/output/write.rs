//! Writes the kept slots as JSON, in the contract's order.

use super::decimal;
use super::tree::{Node, Shape, Tree};
use super::walk::Slot;

/// Appends the answer's permitted part to `out`.
pub(super) fn write(tree: &Tree, fields: u64, slots: &Slot<'_>, out: &mut Vec<u8>) {
    match (slots, &tree.root().shape) {
        // Nothing is permitted: an empty document of the contract's own shape.
        (Slot::Absent, Shape::Array { .. }) => out.extend_from_slice(b"[]"),
        (Slot::Absent, _) => out.extend_from_slice(b"{}"),
        _ => node(tree, fields, tree.root(), slots, out),
    }
}

/// Appends the permitted part of one place.
pub(super) fn node(tree: &Tree, fields: u64, at: &Node, slot: &Slot<'_>, out: &mut Vec<u8>) {
    match (slot, &at.shape) {
        (Slot::Absent | Slot::Null, _) => out.extend_from_slice(b"null"),
        (Slot::Boolean(value), _) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        (Slot::Integer(value), _) => scalar(value, out),
        (Slot::Number(value), _) => scalar(value, out),
        (Slot::Decimal(value), _) => decimal::write(*value, out),
        (Slot::Text(value), _) => scalar(value, out),
        (Slot::Object(slots), Shape::Object(members)) => {
            out.push(b'{');
            let mut first = true;
            for ((key, child), slot) in members.iter().zip(slots) {
                let child = tree.node(*child);
                if matches!(slot, Slot::Absent) || child.leaves & fields == 0 {
                    continue;
                }
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                scalar(key, out);
                out.push(b':');
                node(tree, fields, child, slot, out);
            }
            out.push(b'}');
        }
        (Slot::Items(slots), Shape::Array { item, .. }) => {
            out.push(b'[');
            for (at, slot) in slots.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                node(tree, fields, tree.node(*item), slot, out);
            }
            out.push(b']');
        }
        (Slot::Object(_) | Slot::Items(_), _) => unreachable!("the walk gives a slot the shape of its node"),
    }
}

fn scalar(value: &(impl serde::Serialize + ?Sized), out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("writing a scalar to memory cannot fail");
}

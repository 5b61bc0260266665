//! Walks an answer and the contract together: one pass over the bytes, texts borrowed where they hold no escape.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::keyed::{MaskKey, Use};
use super::rule::Scalar;
use super::tree::{Node, Shape, Tree};
use super::{ANSWER_DEPTH_MAX, Violation};

/// What was kept of one place of the contract.
#[derive(Debug)]
pub(super) enum Slot<'a> {
    /// Not in the answer, or not permitted.
    Absent,
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    /// A number rounded to its step, in nano-units.
    Decimal(i128),
    Text(Cow<'a, str>),
    /// One slot per member of the contract's object.
    Object(Vec<Slot<'a>>),
    Items(Vec<Slot<'a>>),
}

/// What the walk carries along.
struct Walk<'t> {
    tree: &'t Tree,
    fields: u64,
    key: Option<&'t MaskKey>,
    unlisted: Cell<u32>,
    violation: RefCell<Option<Violation>>,
}

/// Reads `answer`: what is kept, and how many leaves no contract lists.
pub(super) fn walk<'a>(
    tree: &Tree,
    fields: u64,
    key: Option<&MaskKey>,
    answer: &'a [u8],
) -> Result<(Slot<'a>, u32), Violation> {
    let walk = Walk { tree, fields, key, unlisted: Cell::new(0), violation: RefCell::new(None) };
    let mut reader = serde_json::Deserializer::from_slice(answer);
    let read = At { walk: &walk, node: Some(tree.root()), depth: 0 }.deserialize(&mut reader);
    match read.and_then(|slots| reader.end().map(|()| slots)) {
        Ok(slots) => Ok((slots, walk.unlisted.get())),
        Err(_) => Err(walk
            .violation
            .into_inner()
            .unwrap_or(Violation { at: String::new(), what: "not well-formed JSON" })),
    }
}

/// A place of the walk: where in the contract, `None` outside it, and how deep in the answer.
#[derive(Clone, Copy)]
struct At<'w, 't> {
    walk: &'w Walk<'t>,
    node: Option<&'t Node>,
    depth: u32,
}

/// A member's name, borrowed from the answer where it holds no escape.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'t> At<'_, 't> {
    fn is_permitted(self) -> bool {
        self.node.is_some_and(|node| node.leaves & self.walk.fields != 0)
    }

    fn violate<E: Error>(self, what: &'static str) -> E {
        self.violate_at(self.node.map_or("", |node| &node.pointer), what)
    }

    fn violate_at<E: Error>(self, at: &str, what: &'static str) -> E {
        *self.walk.violation.borrow_mut() = Some(Violation { at: at.to_owned(), what });
        E::custom(what)
    }

    fn count_unlisted(self) {
        self.walk.unlisted.set(self.walk.unlisted.get().saturating_add(1));
    }

    /// Whether an element is in the sample: a function of what would leave of it, and of how many like it stand before it, so
    /// that an element stays in the sample, or out of it, wherever it stands.
    fn is_sampled<E: Error>(
        self,
        one_in: Option<u32>,
        item: Option<&'t Node>,
        seen: &mut HashMap<Vec<u8>, u32>,
        slot: &Slot<'_>,
    ) -> Result<bool, E> {
        let (Some(one_in), Some(item)) = (one_in, item) else { return Ok(true) };
        let key = self.walk.key.ok_or_else(|| self.violate("no key for its sample"))?;
        let mut element = Vec::new();
        super::write::node(self.walk.tree, self.walk.fields, item, slot, &mut element);
        let before = seen.entry(element.clone()).or_default();
        element.extend(before.to_be_bytes());
        *before = before.saturating_add(1);
        Ok(key.below(one_in.into(), Use::Sample, &item.pointer, &element) == 0)
    }

    fn below(self, node: Option<&'t Node>) -> Self {
        Self { node, depth: self.depth + 1, ..self }
    }

    fn check_depth<E: Error>(self) -> Result<(), E> {
        if self.depth >= ANSWER_DEPTH_MAX {
            return Err(self.violate_at("", "nested too deeply"));
        }
        Ok(())
    }

    fn scalar<'a, E: Error>(self, value: Scalar<'a>) -> Result<Slot<'a>, E> {
        match self.node.map(|node| &node.shape) {
            Some(&Shape::Leaf(at)) if self.is_permitted() => {
                let leaf = &self.walk.tree.leaves()[at];
                leaf.rule.admit(value, &leaf.pointer, self.walk.key).map_err(|what| self.violate(what))
            }
            Some(Shape::Leaf(_)) => Ok(Slot::Absent),
            Some(_) if self.is_permitted() => Err(self.violate("wrong type")),
            _ => {
                self.count_unlisted();
                Ok(Slot::Absent)
            }
        }
    }

    /// The members of the contract's object here, or none where the contract has no object here.
    fn members<E: Error>(self) -> Result<&'t [(String, usize)], E> {
        match self.node.map(|node| &node.shape) {
            Some(Shape::Object(members)) => Ok(members),
            Some(_) if self.is_permitted() => Err(self.violate("wrong type")),
            _ => Ok(&[]),
        }
    }

    /// Refuses when a permitted, required leaf lies in a member that was not `seen`.
    fn check_missing<E: Error>(self, members: &[(String, usize)], seen: u64) -> Result<(), E> {
        let tree = self.walk.tree;
        for (at, &(_, child)) in members.iter().enumerate() {
            let missing = tree.node(child).leaves & self.walk.fields & tree.required;
            if seen >> at & 1 == 0 && missing != 0 {
                let leaf = &tree.leaves()[missing.trailing_zeros() as usize];
                return Err(self.violate_at(&leaf.pointer, "a required leaf is missing"));
            }
        }
        Ok(())
    }
}

impl<'a> DeserializeSeed<'a> for At<'_, '_> {
    type Value = Slot<'a>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Slot<'a>, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for At<'_, '_> {
    type Value = Slot<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Slot<'a>, E> {
        self.scalar(Scalar::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Slot<'a>, E> {
        self.scalar(Scalar::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Slot<'a>, E> {
        self.scalar(Scalar::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Slot<'a>, E> {
        // Above i64 no rule has room: any bound refuses the saturated value.
        self.scalar(Scalar::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Slot<'a>, E> {
        self.scalar(Scalar::Number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Slot<'a>, E> {
        self.scalar(Scalar::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'a str) -> Result<Slot<'a>, E> {
        self.scalar(Scalar::Text(Cow::Borrowed(value)))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<Slot<'a>, A::Error> {
        self.check_depth()?;
        let (item, items_max, sample) = match self.node.map(|node| &node.shape) {
            Some(&Shape::Array { item, items_max, sample_one_in }) => {
                (Some(self.walk.tree.node(item)), items_max, sample_one_in)
            }
            Some(_) if self.is_permitted() => return Err(self.violate("wrong type")),
            _ => (None, u32::MAX, None),
        };
        let mut kept = Vec::new();
        let (mut count, mut seen) = (0_u32, HashMap::new());
        while let Some(slot) = items.next_element_seed(self.below(item))? {
            count = count.saturating_add(1);
            if count > items_max && self.is_permitted() {
                return Err(self.violate("too many elements"));
            }
            if self.is_permitted() && self.is_sampled(sample, item, &mut seen, &slot)? {
                kept.push(slot);
            }
        }
        if count == 0 && item.is_none() {
            self.count_unlisted();
        }
        Ok(if self.is_permitted() { Slot::Items(kept) } else { Slot::Absent })
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Slot<'a>, A::Error> {
        self.check_depth()?;
        let members = self.members()?;
        let mut kept: Vec<Slot<'a>> = Vec::with_capacity(members.len());
        kept.resize_with(members.len(), || Slot::Absent);
        let mut seen = 0_u64;
        let mut strangers = Vec::new();
        let mut is_empty = true;
        while let Some(Key(key)) = map.next_key()? {
            is_empty = false;
            if let Some(at) = members.iter().position(|(name, _)| *name == key) {
                if seen >> at & 1 == 1 {
                    return Err(self.violate("a key is repeated"));
                }
                seen |= 1 << at;
                kept[at] = map.next_value_seed(self.below(Some(self.walk.tree.node(members[at].1))))?;
            } else {
                map.next_value_seed(self.below(None))?;
                strangers.push(key);
            }
        }
        // Sorting keeps an object of very many unlisted members from costing quadratic time.
        strangers.sort_unstable();
        if strangers.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(self.violate("a key is repeated"));
        }
        if is_empty && members.is_empty() {
            self.count_unlisted();
        }
        self.check_missing(members, seen)?;
        Ok(if self.is_permitted() { Slot::Object(kept) } else { Slot::Absent })
    }
}

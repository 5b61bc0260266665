//! The compiled contract: a tree of objects, arrays and leaves, flat in one vector.

use serde_json::Value;

use super::rule::Rule;
use super::{ITEMS_DEFAULT, LEAVES_MAX, POINTER_DEPTH_MAX};

/// A place in the tree.
pub(super) type NodeId = usize;

/// A compiled contract's nodes and leaves. The root is node 0.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    leaves: Vec<Leaf>,
    /// Leaves that must be present, as a set.
    pub(super) required: u64,
}

/// An object, array or leaf of the contract.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Pointer of this place.
    pub(super) pointer: String,
    /// Leaves at or below this place, as a set.
    pub(super) leaves: u64,
    pub(super) shape: Shape,
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Members in the order they are written. At most [`LEAVES_MAX`].
    Object(Vec<(String, NodeId)>),
    Array {
        item: NodeId,
        items_max: u32,
        /// One in so many elements is kept.
        sample_one_in: Option<u32>,
    },
    Leaf(usize),
}

#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) pointer: String,
    pub(super) rule: Rule,
}

impl Tree {
    pub(super) fn root(&self) -> &Node {
        &self.nodes[0]
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    pub(super) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }
}

/// A declared leaf with its pointer taken apart.
struct Declared {
    segments: Vec<String>,
    leaf: Leaf,
}

/// Compiles the declaration, or names every fault.
pub(super) fn compile(declared: &Value) -> Result<Tree, Vec<String>> {
    let Some(members) = declared.as_object() else { return Err(vec![": not an object".to_owned()]) };
    let mut faults = Vec::new();
    if members.is_empty() {
        faults.push(": lists no leaf".to_owned());
    }
    if members.len() > LEAVES_MAX {
        faults.push(format!(": lists more than {LEAVES_MAX} leaves"));
    }
    let mut all = Vec::new();
    for (pointer, rule) in members {
        let mut reasons = Vec::new();
        let segments = segments(pointer).map_err(|reason| reasons.push(reason)).ok();
        let rule = Rule::read(rule, &mut reasons);
        if let (Some(segments), Some(rule)) = (segments, rule) {
            let is_in_array = segments.iter().any(|segment| segment == "*");
            if rule.max_items.is_some() && !is_in_array {
                reasons.push("max_items applies to leaves in arrays".to_owned());
            }
            if rule.sample_one_in.is_some() && !is_in_array {
                reasons.push("sample_one_in applies to leaves in arrays".to_owned());
            }
            all.push(Declared { segments, leaf: Leaf { pointer: pointer.clone(), rule } });
        }
        faults.extend(reasons.into_iter().map(|reason| format!("{pointer}: {reason}")));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    all.sort_by(|a, b| a.segments.cmp(&b.segments));
    let mut tree = Tree { nodes: Vec::new(), leaves: Vec::new(), required: 0 };
    grow(&mut tree, &all, 0, 0, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    for (at, one) in all.into_iter().enumerate() {
        tree.required |= u64::from(one.leaf.rule.required) << at;
        tree.leaves.push(one.leaf);
    }
    Ok(tree)
}

/// Takes a pointer apart (RFC 6901 §3, §4).
fn segments(pointer: &str) -> Result<Vec<String>, String> {
    let Some(rest) = pointer.strip_prefix('/') else {
        return Err("a pointer starts with '/' and names a leaf".to_owned());
    };
    let segments: Vec<&str> = rest.split('/').collect();
    if segments.len() > POINTER_DEPTH_MAX {
        return Err(format!("a pointer has at most {POINTER_DEPTH_MAX} segments"));
    }
    let unescape = |segment: &str| {
        let valid = segment.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
        valid.then(|| segment.replace("~1", "/").replace("~0", "~"))
    };
    let unescaped: Option<Vec<String>> = segments.into_iter().map(unescape).collect();
    unescaped.ok_or_else(|| "'~' is followed by 0 or 1".to_owned())
}

/// Adds the node above `declared`, which are sorted, agree in their first `depth` segments, and of which the first
/// is leaf number `base`.
fn grow(
    tree: &mut Tree,
    declared: &[Declared],
    base: usize,
    depth: usize,
    faults: &mut Vec<String>,
) -> NodeId {
    let id = tree.nodes.len();
    let first = &declared[0];
    let pointer = if depth == first.segments.len() {
        first.leaf.pointer.clone()
    } else {
        first.leaf.pointer.split('/').take(depth + 1).collect::<Vec<_>>().join("/")
    };
    tree.nodes.push(Node { pointer: pointer.clone(), leaves: 1 << base, shape: Shape::Leaf(base) });
    if first.segments.len() == depth {
        if declared.len() > 1 {
            faults.push(format!("{pointer}: is a leaf and also holds leaves"));
        }
        return id;
    }
    let (mut members, mut next) = (Vec::new(), base);
    for group in declared.chunk_by(|a, b| a.segments[depth] == b.segments[depth]) {
        let child = grow(tree, group, next, depth + 1, faults);
        next += group.len();
        tree.nodes[id].leaves |= tree.nodes[child].leaves;
        members.push((group[0].segments[depth].clone(), child));
    }
    let is_array = members.iter().any(|(key, _)| key == "*");
    if is_array && members.len() > 1 {
        faults.push(format!("{pointer}: is both an array and an object"));
    }
    tree.nodes[id].shape = if is_array {
        let declared_max = declared.iter().filter_map(|one| one.leaf.rule.max_items).min();
        // Of an array in an array the inner one is sampled: that is the one around the leaf.
        let is_inner = |one: &&Declared| !one.segments[depth + 1..].iter().any(|segment| segment == "*");
        let sampled = declared.iter().filter(is_inner).filter_map(|one| one.leaf.rule.sample_one_in);
        Shape::Array {
            item: members[0].1,
            items_max: declared_max.unwrap_or(ITEMS_DEFAULT),
            sample_one_in: sampled.max(),
        }
    } else {
        Shape::Object(members)
    };
    id
}

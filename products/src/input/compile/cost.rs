//! What a node can cost: the most steps that any value within its bounds takes, as [`Walk`] counts them.
//!
//! [`Walk`]: crate::input::walk::Walk

use super::at;
use crate::input::HEIGHT_MAX;
use crate::input::node::{Node, Rest, Shape, values_in};
use crate::input::pattern::FORMAT_STEPS;
use crate::input::walk::STEP_BYTES;

/// Works out the shape of `node`, whose children are all in `nodes`.
pub(super) fn settle(node: &mut Node, nodes: &[Node], place: &str) -> Result<(), String> {
    let mut shape = Shape { cost: 1, height: 1, ..Shape::default() };
    let mut add = |times: usize, steps: u64, child: usize| {
        let child = nodes[child].shape;
        shape.cost =
            shape.cost.saturating_add((times as u64).saturating_mul(child.cost.saturating_add(steps)));
        shape.height = shape.height.max(child.height + 1);
        shape.combines |= child.combines;
        shape.lists_combinators |= child.lists_combinators;
    };
    let list = &node.list;
    list.first.iter().for_each(|&child| add(1, 0, child));
    if let Rest::Is(child) = list.rest {
        add(list.most, 0, child);
    }
    let members = &node.members;
    members.listed.values().for_each(|&child| add(1, 1, child));
    if let Rest::Is(child) = members.rest {
        add(members.most, 1, child);
    }
    if let Some(child) = node.refers {
        add(1, 0, child);
    }
    let branches: Vec<usize> = node.branches.every().collect();
    branches.iter().for_each(|&child| add(1, 0, child));
    let items =
        list.first.iter().copied().chain(if let Rest::Is(child) = list.rest { Some(child) } else { None });
    shape.lists_combinators |= items.into_iter().any(|child| nodes[child].shape.combines);
    shape.combines |= !branches.is_empty();
    shape.cost = shape.cost.saturating_add(own(node, nodes));
    if branches.iter().any(|&child| nodes[child].shape.lists_combinators) {
        return at(place, "an array in a branch of a combinator may hold no combinator");
    }
    if shape.height > HEIGHT_MAX {
        return at(place, format_args!("more than {HEIGHT_MAX} schemas within one another"));
    }
    node.shape = shape;
    Ok(())
}

/// The steps of the node itself.
fn own(node: &Node, nodes: &[Node]) -> u64 {
    let text = &node.text;
    // In UTF-8, a character has at most four bytes.
    let bytes = (text.most as u64).saturating_mul(4);
    let mut steps = if text.most == usize::MAX { 0 } else { bytes / STEP_BYTES as u64 };
    if let Some(pattern) = &text.pattern {
        steps = steps.saturating_add(pattern.states.saturating_mul(bytes.saturating_add(1)));
    }
    if text.format.is_some() {
        steps = steps.saturating_add(FORMAT_STEPS.saturating_mul(bytes));
    }
    if let (true, Rest::Is(item)) = (node.list.unique, node.list.rest) {
        let length = (nodes[item].text.most as u64).saturating_mul(4) / STEP_BYTES as u64;
        steps = steps.saturating_add((node.list.most as u64).saturating_mul(length.saturating_add(2)));
    }
    let members = &node.members;
    let fixed: u64 = node.fixed.iter().flatten().map(values_in).sum();
    let named = members.required.len() + members.together.len() + 1;
    steps.saturating_add(fixed).saturating_add(named as u64)
}

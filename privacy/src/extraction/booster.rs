//! Gradient-boosted regression trees (Friedman 2001), by histograms: the surrogate for models of any shape.

use super::{Input, count, mean};

/// Trees.
const TREES: usize = 120;
/// Splits on the longest way down a tree.
const DEPTH: usize = 3;
/// How much of what a tree explains is taken.
const RATE: f64 = 0.1;
/// Most steps of one axis that are told apart.
const BINS_MAX: usize = 32;
/// Fewest answers in a leaf.
const LEAF_MIN: usize = 2;

/// A learned surrogate.
pub(super) struct Booster {
    base: f64,
    trees: Vec<Tree>,
}

/// The root stands first.
type Tree = Vec<Node>;

enum Node {
    Leaf(f64),
    Split { axis: usize, edge: f64, below: usize, above: usize },
}

/// Answers as they are told apart: per answer and axis, in which bin it lies.
struct Binned {
    edges: Vec<Vec<f64>>,
    bins: Vec<Vec<usize>>,
}

impl Booster {
    pub(super) fn learn(inputs: &[Input], answers: &[f64]) -> Self {
        let base = mean(answers);
        let mut left: Vec<f64> = answers.iter().map(|answer| answer - base).collect();
        let binned = Binned::new(inputs);
        let all: Vec<usize> = (0..inputs.len()).collect();
        let mut trees = Vec::with_capacity(TREES);
        for _ in 0..TREES {
            let mut tree = Tree::new();
            binned.grow(&mut tree, &all, &left, DEPTH);
            if tree.len() <= 1 {
                break;
            }
            for (input, left) in inputs.iter().zip(&mut left) {
                *left -= RATE * answer(&tree, input);
            }
            trees.push(tree);
        }
        Self { base, trees }
    }

    pub(super) fn answer(&self, input: &Input) -> f64 {
        self.base + RATE * self.trees.iter().map(|tree| answer(tree, input)).sum::<f64>()
    }
}

fn answer(tree: &Tree, input: &Input) -> f64 {
    let mut at = 0;
    loop {
        match tree[at] {
            Node::Leaf(value) => return value,
            Node::Split { axis, edge, below, above } => at = if input[axis] <= edge { below } else { above },
        }
    }
}

impl Binned {
    fn new(inputs: &[Input]) -> Self {
        let axes = inputs.first().map_or(0, Vec::len);
        let edges: Vec<Vec<f64>> = (0..axes).map(|axis| edges(inputs, axis)).collect();
        let bin = |input: &Input, axis: usize| edges[axis].partition_point(|edge: &f64| *edge < input[axis]);
        let bins = inputs.iter().map(|input| (0..axes).map(|axis| bin(input, axis)).collect()).collect();
        Self { edges, bins }
    }

    /// Grows the tree over the answers `at`; gives the place of its root.
    fn grow(&self, tree: &mut Tree, at: &[usize], left: &[f64], depth: usize) -> usize {
        let root = tree.len();
        let values: Vec<f64> = at.iter().map(|one| left[*one]).collect();
        tree.push(Node::Leaf(mean(&values)));
        let Some((axis, bin)) = (depth > 0).then(|| self.best_split(at, left)).flatten() else { return root };
        let (below, above): (Vec<_>, Vec<_>) = at.iter().partition(|one| self.bins[**one][axis] <= bin);
        let below = self.grow(tree, &below, left, depth - 1);
        let above = self.grow(tree, &above, left, depth - 1);
        tree[root] = Node::Split { axis, edge: self.edges[axis][bin], below, above };
        root
    }

    /// The axis and bin after which to split; none where no split explains anything.
    fn best_split(&self, at: &[usize], left: &[f64]) -> Option<(usize, usize)> {
        let total: f64 = at.iter().map(|one| left[*one]).sum();
        let mut best = (total * total / count(at.len().max(1)) + 1e-9, None);
        for (axis, edges) in self.edges.iter().enumerate() {
            let mut histogram = [(0_usize, 0.0); BINS_MAX + 1];
            for one in at {
                let bin = &mut histogram[self.bins[*one][axis]];
                *bin = (bin.0 + 1, bin.1 + left[*one]);
            }
            let (mut number, mut sum) = (0, 0.0);
            for (bin, (more, of_them)) in histogram.iter().enumerate().take(edges.len()) {
                number += more;
                sum += of_them;
                let rest = at.len() - number;
                if number < LEAF_MIN || rest < LEAF_MIN {
                    continue;
                }
                let gained = sum * sum / count(number) + (total - sum).powi(2) / count(rest);
                if gained > best.0 {
                    best = (gained, Some((axis, bin)));
                }
            }
        }
        best.1
    }
}

/// Where one axis is parted: between the values that occur, thinned.
fn edges(inputs: &[Input], axis: usize) -> Vec<f64> {
    let mut values: Vec<f64> = inputs.iter().map(|input| input[axis]).collect();
    values.sort_by(f64::total_cmp);
    let among: Vec<f64> =
        values.windows(2).filter(|two| two[0] < two[1]).map(|two| f64::midpoint(two[0], two[1])).collect();
    let step = among.len().div_ceil(BINS_MAX).max(1);
    among.into_iter().step_by(step).take(BINS_MAX).collect()
}

//! Near neighbours of a descriptor without looking at all: a forest of random-projection trees.
//!
//! Each tree splits its points by the plane halfway between two of them drawn at random, until a leaf holds few; a query looks into the
//! leaves whose planes it is nearest to, over all trees at once (as in Annoy; Dasgupta & Freund 2008 for why it works). Building takes
//! O(n log n), a query O(log n), and both depend on the seed alone, not on threads.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::polar::DIMENSIONS;

const TREES: u64 = 10;
const LEAF: usize = 24;
/// Points met in leaves, all trees together, before a query ends.
const LOOKED_AT: usize = 600;

pub(super) type Point = [f32; DIMENSIONS];

enum Node {
    Split {
        normal: Box<Point>,
        offset: f32,
        near: usize,
        far: usize,
    },
    Leaf(Vec<u32>),
}

struct Tree {
    nodes: Vec<Node>,
}

/// An index over points, which it borrows.
pub(super) struct Forest<'a> {
    points: &'a [Point],
    trees: Vec<Tree>,
}

impl<'a> Forest<'a> {
    pub fn new(points: &'a [Point]) -> Self {
        let trees = (0..TREES)
            .into_par_iter()
            .map(|stream| {
                let mut rng = ChaCha8Rng::seed_from_u64(stream);
                let mut tree = Tree { nodes: Vec::new() };
                tree.grow(points, (0..points.len() as u32).collect(), &mut rng);
                tree
            })
            .collect();
        Self { points, trees }
    }

    /// Up to `k` points nearest to `query` and nearer than `within`, nearest first: (index, distance).
    pub fn nearest(&self, query: &Point, k: usize, within: f32) -> Vec<(u32, f32)> {
        let mut queue = BinaryHeap::new();
        for tree in 0..self.trees.len() {
            queue.push(Branch {
                margin: f32::INFINITY,
                tree,
                node: 0,
            });
        }
        let mut seen: Vec<u32> = Vec::with_capacity(LOOKED_AT + LEAF);
        while let Some(Branch { margin, tree, node }) = queue.pop() {
            if seen.len() >= LOOKED_AT {
                break;
            }
            match &self.trees[tree].nodes[node] {
                Node::Leaf(points) => seen.extend(points),
                Node::Split {
                    normal,
                    offset,
                    near,
                    far,
                } => {
                    let side = dot(normal, query) - offset;
                    let (first, second) = if side < 0.0 {
                        (*near, *far)
                    } else {
                        (*far, *near)
                    };
                    queue.push(Branch {
                        margin,
                        tree,
                        node: first,
                    });
                    queue.push(Branch {
                        margin: margin.min(-side.abs()),
                        tree,
                        node: second,
                    });
                }
            }
        }
        seen.sort_unstable();
        seen.dedup();
        let limit = within * within;
        let mut found: Vec<(u32, f32)> = seen
            .into_iter()
            .map(|i| (i, distance2(&self.points[i as usize], query)))
            .filter(|&(_, d)| d < limit)
            .collect();
        found.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        found.truncate(k);
        for (_, d) in &mut found {
            *d = d.sqrt();
        }
        found
    }
}

impl Tree {
    fn grow(&mut self, points: &[Point], members: Vec<u32>, rng: &mut ChaCha8Rng) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node::Leaf(Vec::new()));
        let split = (members.len() > LEAF)
            .then(|| plane(points, &members, rng))
            .flatten();
        let Some((normal, offset)) = split else {
            self.nodes[node] = Node::Leaf(members);
            return node;
        };
        let (left, right): (Vec<u32>, Vec<u32>) = members
            .into_iter()
            .partition(|&i| dot(&normal, &points[i as usize]) < offset);
        let near = self.grow(points, left, rng);
        let far = self.grow(points, right, rng);
        self.nodes[node] = Node::Split {
            normal: Box::new(normal),
            offset,
            near,
            far,
        };
        node
    }
}

/// A plane that divides the points: halfway between two of them, or, where that is lopsided, at a quartile along their line. `None`
/// where nearly all points are one.
fn plane(points: &[Point], members: &[u32], rng: &mut ChaCha8Rng) -> Option<(Point, f32)> {
    for _ in 0..4 {
        let draw =
            |rng: &mut ChaCha8Rng| &points[members[rng.random_range(0..members.len())] as usize];
        let (a, b) = (draw(rng), draw(rng));
        let length = distance2(a, b).sqrt();
        if length < 1e-6 {
            continue;
        }
        let normal: Point = std::array::from_fn(|i| (b[i] - a[i]) / length);
        let mut along: Vec<f32> = members
            .iter()
            .map(|&i| dot(&normal, &points[i as usize]))
            .collect();
        // Halfway may be anywhere in the middle half: the tree stays of logarithmic depth.
        let halfway = f32::midpoint(dot(&normal, a), dot(&normal, b));
        let mut rank = |r: usize| *along.select_nth_unstable_by(r, f32::total_cmp).1;
        let (low, high) = (rank(members.len() / 4), rank(members.len() * 3 / 4));
        let offset = halfway.clamp(low, high);
        let below = along.iter().filter(|&&v| v < offset).count();
        if below > 0 && below < members.len() {
            return Some((normal, offset));
        }
    }
    None
}

#[derive(PartialEq)]
struct Branch {
    margin: f32,
    tree: usize,
    node: usize,
}

impl Eq for Branch {}

impl Ord for Branch {
    fn cmp(&self, other: &Self) -> Ordering {
        self.margin
            .total_cmp(&other.margin)
            .then_with(|| (other.tree, other.node).cmp(&(self.tree, self.node)))
    }
}

impl PartialOrd for Branch {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Summed in eight lanes, so that it becomes vector code.
fn sum_of(a: &Point, b: &Point, term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; 8];
    for (x, y) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for (lane, (&x, &y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += term(x, y);
        }
    }
    lanes.iter().sum()
}

fn dot(a: &Point, b: &Point) -> f32 {
    sum_of(a, b, |x, y| x * y)
}

fn distance2(a: &Point, b: &Point) -> f32 {
    sum_of(a, b, |x, y| (x - y) * (x - y))
}

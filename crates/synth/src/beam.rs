//! The beam: Beer–Lambert. What a ray meets adds up to `L = Σ μ·path`, a pure number; of the photons, `e^−L` arrive.

use super::bone::{Fragment, Shape};
use super::crack::{Crack, share};
use super::frame::Patch;
use super::limb::{Scene, View};
use super::texture::Texture;
use super::tissue::MUSCLE;

/// A value a pixel, row by row from the top left.
pub(super) type Map = Vec<f32>;

/// Path through soft tissue, cm.
pub(super) fn flesh(scene: &Scene) -> Map {
    let view = scene.view;
    let mut path = vec![0.0; view.width * view.height];
    for tube in &scene.tubes {
        tube.add(&mut path, view.size(), view.per_cm, 0.0);
    }
    path
}

/// Turns a map of paths through flesh into attenuation, with the faint streaks of muscle and fat along the limb.
pub(super) fn attenuate(scene: &Scene, mut path: Map) -> Map {
    // The streaks are broad: it is enough to know them at every eighth pixel of a row.
    const RUN: usize = 8;
    let view = scene.view;
    let pixel = 1.0 / view.per_cm;
    for (y, row) in path.chunks_exact_mut(view.width).enumerate() {
        let unevenness = |x: usize| {
            let (s, v) = scene.joint.locate((x as f32 * pixel, y as f32 * pixel));
            let streaks = scene.texture.at(s * 0.3, v * 1.4);
            let lumps = scene.texture.at(9.5 - s * 0.16, v * 0.4);
            MUSCLE * (1.0 + 0.012 * streaks + 0.03 * lumps)
        };
        let mut next = unevenness(0);
        for (i, run) in row.chunks_mut(RUN).enumerate() {
            let mut here = next;
            next = unevenness((i + 1) * RUN);
            let slope = (next - here) / RUN as f32;
            for value in run {
                *value *= here;
                here += slope;
            }
        }
    }
    path
}

/// Adds every bone to a map of attenuation.
pub(super) fn bones(scene: &Scene, map: &mut [f32]) {
    for bone in &scene.bones {
        for fragment in &bone.fragments {
            add(bone, fragment, &scene.texture, scene.view, map);
        }
    }
}

fn add(bone: &Shape, fragment: &Fragment, texture: &Texture, view: View, map: &mut [f32]) {
    let (mut s, v) = bone.bounds();
    let soft = 1.0 / view.per_cm;
    // Where along the bone the cracks lie; elsewhere a piece is whole or not there.
    let mut torn = (f32::MAX, f32::MIN);
    let mut mark = |crack: &Crack| {
        let reach = 1.6 * crack.reach() + soft;
        torn = (torn.0.min(crack.s - reach), torn.1.max(crack.s + reach));
        (crack.s - reach, crack.s + reach)
    };
    if let Some(crack) = &fragment.before {
        s.1 = s.1.min(mark(crack).1);
    }
    if let Some(crack) = &fragment.after {
        s.0 = s.0.max(mark(crack).0);
    }
    if let Some(crack) = &fragment.fissure {
        mark(crack);
    }
    let patch = Patch {
        frame: fragment.frame,
        s,
        v,
    };
    patch.each(view.size(), view.per_cm, |i, s, v| {
        let kept = if s > torn.0 && s < torn.1 {
            fragment.kept(s, v, soft)
        } else {
            1.0
        };
        if kept > 0.0 {
            map[i] += kept * bone.attenuation(s, v, texture);
        }
    });
}

impl Fragment {
    /// The share of the bone at `(s, v)` that belongs to this piece: 0, ½ (one wall only) or 1, with edges `soft` cm wide.
    fn kept(&self, s: f32, v: f32, soft: f32) -> f32 {
        let mut walls = [0.5, 0.5];
        if let Some(crack) = &self.before {
            let (past, half) = crack.past(s, v);
            walls[0] *= share(-past[0] - half, soft);
            walls[1] *= share(-past[1] - half, soft);
        }
        if let Some(crack) = &self.after {
            let (past, half) = crack.past(s, v);
            walls[0] *= share(past[0] - half, soft);
            walls[1] *= share(past[1] - half, soft);
        }
        if let Some(crack) = &self.fissure {
            let (past, half) = crack.past(s, v);
            walls[0] *= share(past[0].abs() - half, soft);
            walls[1] *= share(past[1].abs() - half, soft);
        }
        walls[0] + walls[1]
    }
}

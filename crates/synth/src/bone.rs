//! One bone: a hollow, bowed shaft that flares at its ends, with rounded knobs (condyles, heads, carpals) joined to it.
//!
//! Everything is in the bone's own frame: `s` along it from the near end, `v` across it, cm. The shaft is a table of stations;
//! at each the cross-section is an elliptic tube, so a ray at distance `u` from its centre passes
//! `2·depth·(√(r² − u²) − √(rᵢ² − u²))` cm of cortex and `2·depth·√(rᵢ² − u²)` cm of spongy bone, with `rᵢ = r − cortex`.

use super::calc::{bump, lerp, sin_cos};
use super::crack::Crack;
use super::dice::Dice;
use super::frame::Frame;
use super::texture::Texture;

/// Attenuation of cortical bone above that of the soft tissue it displaces, 1/cm, at about 60 keV.
pub(super) const CORTEX: f32 = 0.6;
/// The same for dense spongy bone at the ends.
pub(super) const SPONGY: f32 = 0.2;
/// Distance between stations, cm.
const STRIDE: f32 = 0.05;

/// The shaft's cross-section at one `s`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Station {
    pub(super) centre: f32,
    pub(super) radius: f32,
    pub(super) cortex: f32,
    /// Attenuation of what fills the tube, 1/cm above soft tissue.
    pub(super) filling: f32,
    /// Depth along the beam over width across it.
    pub(super) depth: f32,
}

/// How a shaft ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// Half the width at the end, cm.
    pub(super) radius: f32,
    /// How far from the end the flare begins, cm.
    pub(super) reach: f32,
    /// Length of the rounded cap, cm.
    pub(super) cap: f32,
    /// Sideways shift of the end, cm.
    pub(super) lean: f32,
}

/// What a shaft is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    pub(super) length: f32,
    /// Half the shaft's width, cm.
    pub(super) radius: f32,
    /// Thickness of its wall, cm.
    pub(super) cortex: f32,
    pub(super) near: End,
    pub(super) far: End,
    /// How far the middle bows out, cm.
    pub(super) bow: f32,
}

/// An ellipsoid of spongy bone in a thin shell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knob {
    pub(super) s: f32,
    pub(super) v: f32,
    /// Half axes along, across and in depth, cm.
    pub(super) half: (f32, f32, f32),
    /// How far the outline bulges to three corners, −0.3 to 0.3: bones are no ellipses.
    pub(super) skew: f32,
    pub(super) shell: f32,
}

/// A growth plate: a lucent, slightly wavy band across the bone near an end, with a denser rim.
#[derive(Clone, Copy, Debug)]
pub(super) struct GrowthPlate {
    pub(super) s: f32,
    pub(super) width: f32,
    pub(super) wave: f32,
    /// Radians of the wave a cm across.
    pub(super) turns: f32,
    pub(super) bow: f32,
    pub(super) depth: f32,
}

/// A nutrient canal: a short, faint, oblique line in one wall of the shaft.
#[derive(Clone, Copy, Debug)]
pub(super) struct Canal {
    pub(super) s: f32,
    /// The shaft's centre and half width there.
    pub(super) centre: f32,
    pub(super) radius: f32,
    /// The wall it enters by: −1 or 1.
    pub(super) side: f32,
    /// How many times further it runs along the bone than into it.
    pub(super) slope: f32,
    pub(super) width: f32,
    /// Share of the attenuation it takes away.
    pub(super) depth: f32,
}

/// A piece of a bone: the bone's shape, seen from its own frame and cut by cracks.
#[derive(Clone, Debug)]
pub(super) struct Fragment {
    pub(super) frame: Frame,
    /// The piece lies on the near side of this crack.
    pub(super) before: Option<Crack>,
    /// The piece lies on the far side of this crack.
    pub(super) after: Option<Crack>,
    /// Cracks that run through the piece without parting it.
    pub(super) fissure: Option<Crack>,
}

/// A bone in one or more fragments.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) frame: Frame,
    pub(super) length: f32,
    pub(super) stations: Vec<Station>,
    pub(super) knobs: Vec<Knob>,
    pub(super) plates: Vec<GrowthPlate>,
    pub(super) canal: Option<Canal>,
    /// The stretch of `s` where a fracture may lie; `None` for bones that stay whole.
    pub(super) breakable: Option<(f32, f32)>,
    /// The chain this bone hangs in and its place there: a fracture carries along all of its chain that lies further out.
    pub(super) chain: (u32, u32),
    pub(super) fragments: Vec<Fragment>,
    /// Where this bone reads the texture.
    pub(super) grain: f32,
}

impl Shape {
    /// A whole long bone at `frame`.
    pub(super) fn long(spec: &Spec, frame: Frame, chain: (u32, u32), dice: &mut Dice) -> Self {
        let count = (spec.length / STRIDE) as usize + 2;
        let (wave, phase) = (dice.between(0.0, 0.03), dice.between(0.0, 64.0));
        let swell = dice.between(-0.06, 0.06);
        let stations = (0..count)
            .map(|i| {
                let s = i as f32 * STRIDE;
                let near = flare(s / spec.near.reach);
                let far = flare((spec.length - s) / spec.far.reach);
                let ends = near.max(far);
                let middle = (s / spec.length - 0.5) * 2.0;
                let cap = cap_of(s / spec.near.cap) * cap_of((spec.length - s) / spec.far.cap);
                let ripple = wave * sin_cos(phase + s / (2.0 * spec.radius)).0;
                let radius = (spec.radius * (1.0 + swell * middle + ripple)
                    + (spec.near.radius - spec.radius) * near
                    + (spec.far.radius - spec.radius) * far)
                    * cap;
                let wall = spec.cortex * (1.15 - 0.25 * middle * middle);
                Station {
                    centre: spec.bow * (1.0 - middle * middle)
                        + spec.near.lean * near
                        + spec.far.lean * far,
                    radius: radius.max(0.0),
                    cortex: lerp(wall, (0.25 * wall).max(0.07), ends * (2.0 - ends)),
                    filling: lerp(0.015, SPONGY, ends * (2.0 - ends)),
                    depth: lerp(1.0, 0.72, ends),
                }
            })
            .collect();
        Self {
            frame,
            length: spec.length,
            stations,
            knobs: Vec::new(),
            plates: Vec::new(),
            canal: None,
            breakable: None,
            chain,
            fragments: vec![Fragment::whole(frame)],
            grain: dice.between(0.0, 64.0),
        }
    }

    /// A short bone (carpal, tarsal, patella): knobs only.
    pub(super) fn short(frame: Frame, knobs: Vec<Knob>, chain: (u32, u32), grain: f32) -> Self {
        Self {
            frame,
            length: 0.0,
            stations: Vec::new(),
            knobs,
            plates: Vec::new(),
            canal: None,
            breakable: None,
            chain,
            fragments: vec![Fragment::whole(frame)],
            grain,
        }
    }

    /// The station at `s`, interpolated; `None` off the shaft.
    pub(super) fn station(&self, s: f32) -> Option<Station> {
        if s < 0.0 || s >= self.length {
            return None;
        }
        let at = s / STRIDE;
        let i = at as usize;
        let (a, b) = (self.stations.get(i)?, self.stations.get(i + 1)?);
        let t = at - i as f32;
        Some(Station {
            centre: lerp(a.centre, b.centre, t),
            radius: lerp(a.radius, b.radius, t),
            cortex: lerp(a.cortex, b.cortex, t),
            filling: lerp(a.filling, b.filling, t),
            depth: lerp(a.depth, b.depth, t),
        })
    }

    /// Changes each station, given its `s`.
    pub(super) fn reshape(&mut self, mut change: impl FnMut(f32, &mut Station)) {
        for (i, station) in self.stations.iter_mut().enumerate() {
            change(i as f32 * STRIDE, station);
        }
    }

    /// The rectangle of `(s, v)` the bone fills.
    pub(super) fn bounds(&self) -> ((f32, f32), (f32, f32)) {
        let mut s = (0.0_f32, self.length);
        let mut v = (f32::MAX, f32::MIN);
        for station in &self.stations {
            v.0 = v.0.min(station.centre - station.radius);
            v.1 = v.1.max(station.centre + station.radius);
        }
        for knob in &self.knobs {
            let (a, b) = (1.3 * knob.half.0, 1.3 * knob.half.1);
            s = (s.0.min(knob.s - a), s.1.max(knob.s + a));
            v = (v.0.min(knob.v - b), v.1.max(knob.v + b));
        }
        (s, v)
    }

    /// Attenuation (a pure number, above soft tissue) of a ray through `(s, v)` of the unbroken bone.
    pub(super) fn attenuation(&self, s: f32, v: f32, texture: &Texture) -> f32 {
        // Trabeculae run along the bone: three times as long as wide.
        let trabeculae =
            |t: &Texture| 1.0 + 0.11 * t.at(self.grain + s * 5.0, self.grain + v * 15.0);
        let mut most = 0.0_f32;
        if let Some(at) = self.station(s) {
            let u = v - at.centre;
            let outer = at.radius * at.radius - u * u;
            if outer > 0.0 {
                let outer = outer.sqrt();
                let hollow = (at.radius - at.cortex).max(0.0);
                let inner = (hollow * hollow - u * u).max(0.0).sqrt();
                let wall = (outer - inner) * CORTEX;
                let core = if inner > 0.0 {
                    inner * at.filling * trabeculae(texture)
                } else {
                    0.0
                };
                most = 2.0 * at.depth * (wall + core);
            }
        }
        for knob in &self.knobs {
            most = most.max(knob.attenuation(s, v, || trabeculae(texture)));
        }
        if most > 0.0 {
            for plate in &self.plates {
                most *= plate.factor(s, v);
            }
            if let Some(canal) = self.canal.filter(|c| (s - c.s).abs() < 4.0 * c.radius) {
                most *= canal.factor(s, v);
            }
        }
        most
    }
}

impl Fragment {
    pub(super) fn whole(frame: Frame) -> Self {
        Self {
            frame,
            before: None,
            after: None,
            fissure: None,
        }
    }
}

impl Knob {
    /// Attenuation through the knob; `grain` gives the trabeculae's factor and is asked for only inside.
    pub(super) fn attenuation(&self, s: f32, v: f32, grain: impl Fn() -> f32) -> f32 {
        let ds = s - self.s;
        let dv = v - self.v;
        let (a, b, depth) = self.half;
        let q = self.inside(ds / a, dv / b);
        if q <= 0.0 {
            return 0.0;
        }
        let (ia, ib) = (a - self.shell, b - self.shell);
        let p = self.inside(ds / ia, dv / ib);
        let inner = (depth - self.shell).max(0.0) * p.max(0.0).sqrt();
        2.0 * ((depth * q.sqrt() - inner) * CORTEX + inner * SPONGY * grain())
    }

    /// 1 in the middle, 0 on the outline, at `(x, y)` in half axes: an ellipse, squared off and bulging to three corners.
    fn inside(&self, x: f32, y: f32) -> f32 {
        let (x2, y2) = (x * x, y * y);
        if x2 + y2 > 1.7 {
            return -1.0;
        }
        1.0 - x2 - y2 + 0.55 * x2 * y2 + self.skew * x * (x2 - 3.0 * y2)
    }
}

impl GrowthPlate {
    fn factor(&self, s: f32, v: f32) -> f32 {
        let d = s - self.s;
        if d.abs() > 1.5 {
            return 1.0;
        }
        let x =
            (d - self.bow * v * v - self.wave * sin_cos(self.s + v * self.turns).0) / self.width;
        1.0 - self.depth * bump(x) + 0.2 * self.depth * bump(x.abs() - 1.4)
    }
}

impl Canal {
    fn factor(&self, s: f32, v: f32) -> f32 {
        // The line starts at the wall and runs inwards for about 0.8 radii.
        let inwards = (s - self.s) / (self.radius * self.slope);
        let across = (v - self.centre) * self.side - self.radius * (0.95 - inwards);
        1.0 - self.depth * bump((inwards - 0.35) / 0.5) * bump(across / self.width)
    }
}

/// 1 at the end of a bone, 0 from one reach on, smooth.
fn flare(x: f32) -> f32 {
    if x >= 1.0 {
        return 0.0;
    }
    let x = x.max(0.0);
    (1.0 - x) * (1.0 - x) * (1.0 + 1.7 * x)
}

/// Rounds the end: 0 at the end itself, 1 from one cap length on.
fn cap_of(x: f32) -> f32 {
    let q = 1.0 - x.clamp(0.0, 1.0);
    (1.0 - q * q * q).max(0.0).sqrt()
}

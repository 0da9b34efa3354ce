//! Whether two images are one picture: lay one on the other, then compare.
//!
//! The fit is affine, by Gauss–Newton on the squared difference (Lucas & Kanade 1981), coarse level first, from the turn that the polar views
//! gave. What is compared is not gray but *detail*: the image less its surroundings, over the local contrast. All wrists share their gross shape; only a
//! copy shares trabeculae, growth plates and the burnt-in marker, everywhere at once. A straight edge, of a shaft or a plate, fits any other at every
//! place along it: what lies beside straight edges must agree, too. Black that touches the rim (corners of a turned canvas,
//! padding, collimation) is not compared.

use image::GrayImage;
use nalgebra::{Matrix6, Vector6};

use super::polar::{Turn, Window};
use super::thumb::Thumb;

/// Gray level up to which a pixel connected to the rim counts as no image.
const BLACK: u8 = 12;
/// Radius of the surroundings at the coarse and the fine level, in pixels: wide enough to be led to the place, then narrow enough to see
/// trabeculae.
const SURROUND: [usize; 2] = [5, 2];
/// What is kept back at the image's rim, in pixels.
const RIM: usize = 2;
/// Radius of what counts as around a pixel where it is asked whether an edge is straight, in pixels.
const EDGE: usize = 4;
/// Patches across and down.
const PATCHES: usize = 4;

/// One level of an image, ready to compare.
pub(crate) struct Detail {
    pub w: usize,
    pub h: usize,
    /// Row by row; 0 where there is no image.
    pub values: Vec<f32>,
    valid: Vec<bool>,
    count: usize,
}

/// How well two images agree once fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Agreement {
    /// Correlation of the coarse level's detail, −1 to 1.
    pub coarse: f32,
    /// Correlation of the fine level's detail over all that both show, −1 to 1.
    pub whole: f32,
    /// Correlation that a quarter of the patches fall short of.
    pub patches: f32,
    /// What both show as a share of the one that shows less.
    pub overlap: f32,
    /// Correlation of the fine level's detail beside straight edges, −1 to 1.
    pub beside: f32,
}

/// `x ↦ m·x + t`, from pixels of the first image to pixels of the second, both counted from the middle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Affine {
    m: [[f32; 2]; 2],
    t: [f32; 2],
}

/// Fits `b` onto `a` from a start and says how well they agree. `None` where their coarse levels do not correlate to `least`: the fine
/// levels, which cost four times as much, are then not made.
pub(super) fn compare(a: &Thumb, b: &Thumb, start: Affine, least: f32) -> Option<Agreement> {
    let (a_coarse, b_coarse) = (
        Detail::new(&a.coarse, SURROUND[0]),
        Detail::new(&b.coarse, SURROUND[0]),
    );
    let (fit, coarse) = a_coarse.fit(&b_coarse, start, 12, 2, least);
    if coarse < least || !fit.is_sane(&start) {
        return None;
    }
    let doubled = Affine {
        m: fit.m,
        t: [fit.t[0] * 2.0, fit.t[1] * 2.0],
    };
    let (a_fine, b_fine) = (
        Detail::new(&a.fine, SURROUND[1]),
        Detail::new(&b.fine, SURROUND[1]),
    );
    let (fit, _) = a_fine.fit(&b_fine, doubled, 6, 2, 0.0);
    Some(Agreement {
        coarse,
        ..a_fine.agreement(&b_fine, &fit)
    })
}

impl Affine {
    /// The map that lays the window of the second image, turned, onto that of the first. Sizes in pixels of the coarse level.
    pub fn from_turn(a: (&GrayImage, Window), b: (&GrayImage, Window), turn: Turn) -> Self {
        let half = |(film, window): (&GrayImage, Window)| {
            (
                film.width() as f32 / 2.0 * window.x,
                film.height() as f32 / 2.0 * window.y,
            )
        };
        let ((ax, ay), (bx, by)) = (half(a), half(b));
        let (sin, cos) = turn.angle.sin_cos();
        let flip = if turn.mirrored { -1.0 } else { 1.0 };
        Self {
            m: [
                [flip * bx * cos / ax, flip * bx * sin / ay],
                [-by * sin / ax, by * cos / ay],
            ],
            t: [0.0, 0.0],
        }
    }

    fn apply(&self, x: f32, y: f32) -> (f32, f32) {
        (
            self.m[0][0] * x + self.m[0][1] * y + self.t[0],
            self.m[1][0] * x + self.m[1][1] * y + self.t[1],
        )
    }

    fn determinant(&self) -> f32 {
        self.m[0][0] * self.m[1][1] - self.m[0][1] * self.m[1][0]
    }

    /// A fit that ran away from its start (area doubled or halved, or mirrored) fits something else.
    fn is_sane(&self, start: &Self) -> bool {
        let ratio = self.determinant() / start.determinant();
        (0.6..1.7).contains(&ratio)
    }
}

impl Detail {
    /// The detail of one level of an image, told from surroundings of that radius in pixels.
    pub fn new(film: &GrayImage, surround: usize) -> Self {
        let (w, h) = (film.width() as usize, film.height() as usize);
        let shown = not_black_rim(film);
        let mask: Vec<f32> = shown.iter().map(|&v| f32::from(u8::from(v))).collect();
        let gray: Vec<f32> = film
            .as_raw()
            .iter()
            .zip(&mask)
            .map(|(&v, m)| f32::from(v) * m)
            .collect();
        let near = |values: &[f32], radius| blur(&blur(values, w, h, radius), w, h, radius);
        let (mask_small, mask_wide) = (near(&mask, 1), near(&mask, surround));
        let (small, wide) = (near(&gray, 1), near(&gray, surround));
        let mut values: Vec<f32> = (0..w * h)
            .map(|i| {
                if shown[i] {
                    small[i] / mask_small[i].max(1e-3) - wide[i] / mask_wide[i].max(1e-3)
                } else {
                    0.0
                }
            })
            .collect();
        let power: Vec<f32> = values.iter().map(|v| v * v).collect();
        let local = near(&power, SURROUND[0]);
        let covered: f32 = mask.iter().sum();
        let floor = 0.1 * power.iter().sum::<f32>() / covered.max(1.0) + 1e-3;
        for ((v, l), m) in values.iter_mut().zip(&local).zip(&mask_wide) {
            *v /= (l / m.max(1e-3) + floor).sqrt();
        }
        let valid = eroded(&shown, w, h);
        let count = valid.iter().filter(|&&v| v).count();
        Self {
            w,
            h,
            values,
            valid,
            count,
        }
    }

    /// Gauss–Newton from a start, given up where half the steps do not lead to half of `least`. Gives the best map met and its correlation.
    fn fit(
        &self,
        other: &Self,
        start: Affine,
        steps: usize,
        stride: usize,
        least: f32,
    ) -> (Affine, f32) {
        let mut map = start;
        let mut best = (start, f32::NEG_INFINITY);
        // Puts turning, scaling and shifting on one footing.
        let unit = self.w.max(self.h) as f32 / 2.0;
        for step in 0..=steps {
            let mut sums = Sums::default();
            let mut hessian = Matrix6::<f32>::zeros();
            let mut gradient = Vector6::<f32>::zeros();
            self.for_overlap(other, &map, stride, |x, y, a, b| {
                sums.add(a, b.value, 1.0);
                let (u, v) = (x / unit, y / unit);
                let j = Vector6::new(b.dx * u, b.dx * v, b.dy * u, b.dy * v, b.dx, b.dy);
                let r = a - b.value;
                for row in 0..6 {
                    for col in row..6 {
                        hessian[(row, col)] += j[row] * j[col];
                    }
                    gradient[row] += j[row] * r;
                }
            });
            if (sums.n as usize) * stride * stride * 4 < self.count {
                break;
            }
            let correlation = sums.correlation();
            if correlation > best.1 {
                best = (map, correlation);
            }
            if step == steps || (2 * step > steps && best.1 < least / 2.0) {
                break;
            }
            for row in 0..6 {
                hessian[(row, row)] *= 1.01;
                for col in 0..row {
                    hessian[(row, col)] = hessian[(col, row)];
                }
            }
            let Some(cholesky) = hessian.cholesky() else {
                break;
            };
            let d = cholesky.solve(&gradient);
            map.m[0][0] += d[0] / unit;
            map.m[0][1] += d[1] / unit;
            map.m[1][0] += d[2] / unit;
            map.m[1][1] += d[3] / unit;
            map.t[0] += d[4];
            map.t[1] += d[5];
            if d.amax() < 0.02 {
                break;
            }
        }
        best
    }

    fn agreement(&self, other: &Self, map: &Affine) -> Agreement {
        let mut whole = Sums::default();
        let mut beside = Sums::default();
        let straight = self.straightness();
        let (cx, cy) = ((self.w as f32 - 1.0) / 2.0, (self.h as f32 - 1.0) / 2.0);
        let mut patches = [Sums::default(); PATCHES * PATCHES];
        let (half_w, half_h) = (self.w as f32 / 2.0, self.h as f32 / 2.0);
        self.for_overlap(other, map, 1, |x, y, a, b| {
            whole.add(a, b.value, 1.0);
            let at = (y + cy) as usize * self.w + (x + cx) as usize;
            beside.add(a, b.value, 1.0 - straight[at]);
            let cell = |v: f32, half: f32| {
                ((f32::midpoint(v / half, 1.0) * PATCHES as f32) as usize).min(PATCHES - 1)
            };
            patches[cell(y, half_h) * PATCHES + cell(x, half_w)].add(a, b.value, 1.0);
        });
        let enough = (self.w * self.h / (PATCHES * PATCHES * 4)) as f32;
        let mut each: Vec<f32> = patches
            .iter()
            .filter(|p| p.n >= enough)
            .map(Sums::correlation)
            .collect();
        each.sort_unstable_by(f32::total_cmp);
        // Pixels of the second image that the overlap covers: the map stretches area by its determinant.
        let covered_a = whole.n / (self.count as f32).max(1.0);
        let covered_b = whole.n * map.determinant().abs() / (other.count as f32).max(1.0);
        Agreement {
            coarse: 0.0,
            whole: whole.correlation(),
            patches: each.get(each.len() / 4).copied().unwrap_or(-1.0),
            overlap: covered_a.max(covered_b).min(1.0),
            beside: beside.correlation(),
        }
    }

    /// How far what lies around each pixel is one straight edge, 0 to 1: the coherence of the structure tensor.
    fn straightness(&self) -> Vec<f32> {
        let (w, h) = (self.w, self.h);
        let [mut xx, mut yy, mut xy] = std::array::from_fn(|_| vec![0.0_f32; w * h]);
        for y in 1..h.saturating_sub(1) {
            for at in y * w + 1..(y + 1) * w - 1 {
                let dx = self.values[at + 1] - self.values[at - 1];
                let dy = self.values[at + w] - self.values[at - w];
                (xx[at], yy[at], xy[at]) = (dx * dx, dy * dy, dx * dy);
            }
        }
        let [xx, yy, xy] = [xx, yy, xy].map(|products| blur(&products, w, h, EDGE));
        (0..w * h)
            .map(|at| {
                let sum = xx[at] + yy[at];
                let difference = (xx[at] - yy[at]).hypot(2.0 * xy[at]);
                if sum > 1e-6 { difference / sum } else { 0.0 }
            })
            .collect()
    }

    /// Walks over the pixels that both images show: place from the middle, value here, value and slope there.
    fn for_overlap(
        &self,
        other: &Self,
        map: &Affine,
        stride: usize,
        mut see: impl FnMut(f32, f32, f32, Sample),
    ) {
        let (cx, cy) = ((self.w as f32 - 1.0) / 2.0, (self.h as f32 - 1.0) / 2.0);
        let (ox, oy) = ((other.w as f32 - 1.0) / 2.0, (other.h as f32 - 1.0) / 2.0);
        for row in (0..self.h).step_by(stride) {
            let y = row as f32 - cy;
            for col in (0..self.w).step_by(stride) {
                let at = row * self.w + col;
                if !self.valid[at] {
                    continue;
                }
                let x = col as f32 - cx;
                let (bx, by) = map.apply(x, y);
                if let Some(b) = other.sample(bx + ox, by + oy) {
                    see(x, y, self.values[at], b);
                }
            }
        }
    }

    fn sample(&self, x: f32, y: f32) -> Option<Sample> {
        if !(x >= 0.0 && y >= 0.0) {
            return None;
        }
        let (x0, y0) = (x as usize, y as usize);
        if x0 + 1 >= self.w || y0 + 1 >= self.h {
            return None;
        }
        let at = y0 * self.w + x0;
        if !self.valid[at] {
            return None;
        }
        let (fx, fy) = (x - x0 as f32, y - y0 as f32);
        let v = &self.values;
        let (a, b, c, d) = (v[at], v[at + 1], v[at + self.w], v[at + self.w + 1]);
        let (top, bottom) = (b - a, d - c);
        let (upper, lower) = (a + top * fx, c + bottom * fx);
        Some(Sample {
            value: upper + (lower - upper) * fy,
            dx: top + (bottom - top) * fy,
            dy: lower - upper,
        })
    }
}

struct Sample {
    value: f32,
    dx: f32,
    dy: f32,
}

/// What a correlation needs.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: f32,
    a: f32,
    b: f32,
    aa: f32,
    bb: f32,
    ab: f32,
}

impl Sums {
    fn add(&mut self, a: f32, b: f32, weight: f32) {
        self.n += weight;
        self.a += weight * a;
        self.b += weight * b;
        self.aa += weight * a * a;
        self.bb += weight * b * b;
        self.ab += weight * a * b;
    }

    fn correlation(&self) -> f32 {
        let covariance = self.ab * self.n - self.a * self.b;
        let spread = (self.aa * self.n - self.a * self.a) * (self.bb * self.n - self.b * self.b);
        if spread > 1e-6 {
            covariance / spread.sqrt()
        } else {
            0.0
        }
    }
}

/// What is image: everything but black that is connected to the rim.
fn not_black_rim(film: &GrayImage) -> Vec<bool> {
    let (w, h) = (film.width() as usize, film.height() as usize);
    let gray = film.as_raw();
    let mut shown = vec![true; w * h];
    let mut stack: Vec<usize> = (0..w)
        .flat_map(|x| [x, (h - 1) * w + x])
        .chain((0..h).flat_map(|y| [y * w, y * w + w - 1]))
        .collect();
    while let Some(i) = stack.pop() {
        if !shown[i] || gray[i] > BLACK {
            continue;
        }
        shown[i] = false;
        let (x, y) = (i % w, i / w);
        if x > 0 {
            stack.push(i - 1);
        }
        if x + 1 < w {
            stack.push(i + 1);
        }
        if y > 0 {
            stack.push(i - w);
        }
        if y + 1 < h {
            stack.push(i + w);
        }
    }
    shown
}

/// What is image and lies more than [`RIM`] pixels inside it.
fn eroded(shown: &[bool], w: usize, h: usize) -> Vec<bool> {
    let mask: Vec<f32> = shown.iter().map(|&v| f32::from(u8::from(v))).collect();
    let full = ((2 * RIM + 1) * (2 * RIM + 1)) as f32;
    blur(&mask, w, h, RIM)
        .iter()
        .map(|&v| v * full > full - 0.5)
        .collect()
}

/// The mean over a square of side `2·radius + 1`; what lies outside counts as 0.
fn blur(values: &[f32], w: usize, h: usize, radius: usize) -> Vec<f32> {
    let share = 1.0 / (2 * radius + 1) as f32;
    let mut across = vec![0.0; w * h];
    for (from, to) in values.chunks_exact(w).zip(across.chunks_exact_mut(w)) {
        let mut sum: f32 = from.iter().take(radius).sum();
        for x in 0..w {
            sum += from.get(x + radius).copied().unwrap_or(0.0);
            to[x] = sum * share;
            if x >= radius {
                sum -= from[x - radius];
            }
        }
    }
    let mut down = vec![0.0; w * h];
    let mut sums = vec![0.0_f32; w];
    let add = |sums: &mut [f32], row: usize, sign: f32| {
        for (s, v) in sums.iter_mut().zip(&across[row * w..(row + 1) * w]) {
            *s += sign * v;
        }
    };
    (0..radius.min(h)).for_each(|row| add(&mut sums, row, 1.0));
    for y in 0..h {
        if y + radius < h {
            add(&mut sums, y + radius, 1.0);
        }
        for (to, s) in down[y * w..(y + 1) * w].iter_mut().zip(&sums) {
            *to = s * share;
        }
        if y >= radius {
            add(&mut sums, y - radius, -1.0);
        }
    }
    down
}

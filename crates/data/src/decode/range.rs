//! The gray levels that a deep picture is shown over: from its darkest to its brightest sample, but for what is no part of the
//! picture. A hot pixel or a marker burned in at 65535 would leave an image of 12 bits with 16 of 256 levels, which is black.

/// Single samples far from all others: this share of the pixels at either end at most.
const SPARSE: u64 = 500;
/// A marker, a frame or a bar of one level far from all others: this share at either end at most.
const BLOCK: u64 = 8;
/// A gap is wide that is this part of the whole range.
const WIDE: f64 = 0.25;
/// Less than this between the darkest and the brightest sample that are left is no picture: such a range is shown as it is.
const LEAST: f64 = 16.0;

/// Bytes that levels of 16 bits take at most, counted and listed.
pub(super) const HELD: u64 = (8 + 16) << 16;

/// The levels of a picture, by how often each is there.
pub(super) fn levels(counts: &[u64]) -> Vec<(f64, u64)> {
    let there = || counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let mut levels = Vec::with_capacity(there().count());
    levels.extend(there().map(|(level, &count)| (level as f64, count)));
    levels
}

/// The darkest and the brightest level without what lies far outside the picture, of levels in rising order, each with how often it
/// is there; `None` where nothing does.
///
/// Two rules, since there are two kinds. Of the outermost 0.2 % at either end, what is farther from the rest than the rest spans
/// is left out, up to the first gap of an eighth of that. Then, as long as there is such a block, at most an eighth of the pixels at
/// either end is left out where a gap divides it from the rest that is a quarter of the whole range and wider than all the rest.
pub(super) fn without_outliers(levels: &[(f64, u64)]) -> Option<(f64, f64)> {
    let all = 0..levels.len();
    let mut kept = without_sparse(levels)?;
    loop {
        let less = without_blocks(levels, kept.clone());
        if less == kept {
            break;
        }
        kept = less;
    }
    (kept != all).then(|| (levels[kept.start].0, levels[kept.end - 1].0))
}

type Kept = std::ops::Range<usize>;

/// Without single samples; `None` where there is nothing to look at.
fn without_sparse(levels: &[(f64, u64)]) -> Option<Kept> {
    let total: u64 = levels.iter().map(|(_, count)| count).sum();
    let few = total / SPARSE;
    let low = first_beyond(levels.iter(), few)?;
    let high = levels.len() - 1 - first_beyond(levels.iter().rev(), few)?;
    let span = levels.get(high)?.0 - levels.get(low)?.0;
    let mut kept = 0..levels.len();
    if span < LEAST {
        return Some(kept);
    }
    let gap = span / 8.0;
    if levels[levels.len() - 1].0 > levels[high].0 + span {
        let jump = (high..levels.len() - 1).find(|&i| levels[i + 1].0 - levels[i].0 > gap);
        kept.end = jump.map_or(kept.end, |i| i + 1);
    }
    if levels[0].0 < levels[low].0 - span {
        let jump = (1..=low)
            .rev()
            .find(|&i| levels[i].0 - levels[i - 1].0 > gap);
        kept.start = jump.unwrap_or(kept.start);
    }
    Some(kept)
}

/// The first level with more than so many pixels before it and at it.
fn first_beyond<'a>(levels: impl Iterator<Item = &'a (f64, u64)>, pixels: u64) -> Option<usize> {
    let mut seen = 0;
    levels
        .map(|(_, count)| {
            seen += count;
            seen
        })
        .position(|seen| seen > pixels)
}

/// Without a block of pixels at either end or both.
fn without_blocks(levels: &[(f64, u64)], within: Kept) -> Kept {
    let inner = &levels[within.clone()];
    let total: u64 = inner.iter().map(|(_, count)| count).sum();
    let most = total / BLOCK;
    let range = inner[inner.len() - 1].0 - inner[0].0;
    // Where a wide gap begins: three at most.
    let gap = |i: &usize| inner[i + 1].0 - inner[*i].0;
    let wide: Vec<usize> = (0..inner.len() - 1)
        .filter(|i| gap(i) > range * WIDE)
        .collect();
    let pixels = |levels: &[(f64, u64)]| levels.iter().map(|(_, count)| count).sum::<u64>();
    let below = wide.iter().map(|&i| i + 1);
    let below = below.filter(|&i| pixels(&inner[..i]) <= most);
    let above = wide.iter().map(|&i| i + 1);
    let above = above.filter(|&i| pixels(&inner[i..]) <= most);
    let starts: Vec<usize> = below.chain([0]).collect();
    let ends: Vec<usize> = above.chain([inner.len()]).collect();
    let mut best = 0..inner.len();
    let mut least = range;
    for &start in &starts {
        for &end in ends.iter().filter(|&&end| end > start) {
            let span = inner[end - 1].0 - inner[start].0;
            let apart = (start == 0 || gap(&(start - 1)) > span)
                && (end == inner.len() || gap(&(end - 1)) > span);
            if apart && span >= LEAST && span < least {
                (best, least) = (start..end, span);
            }
        }
    }
    within.start + best.start..within.start + best.end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of 10,000 pixels over these levels, evenly, and what else is there.
    fn film(low: u32, high: u32, beside: &[(u32, u64)]) -> Vec<(f64, u64)> {
        let mut counts = std::collections::BTreeMap::new();
        for i in 0..10_000_u64 {
            let level = u64::from(low) + i * u64::from(high - low) / 9_999;
            *counts.entry(level as u32).or_default() += 1;
        }
        for &(level, count) in beside {
            *counts.entry(level).or_default() += count;
        }
        counts.into_iter().map(|(v, n)| (f64::from(v), n)).collect()
    }

    #[test]
    fn what_lies_far_outside_is_left_out() {
        let twelve = Some((0.0, 4095.0));
        let found = |low, high, beside: &[_]| without_outliers(&film(low, high, beside));
        assert_eq!(found(0, 4095, &[(65_535, 1)]), twelve);
        assert_eq!(found(0, 4095, &[(8191, 1)]), twelve);
        assert_eq!(found(0, 4095, &[(65_535, 1280)]), twelve);
        assert_eq!(found(0, 4095, &[(20_000, 600), (65_535, 600)]), twelve);
        let spread = [5000, 7000, 9000, 14_000, 30_000, 65_535].map(|level| (level, 2));
        assert_eq!(found(0, 4095, &spread), twelve);
        let deep = Some((20_000.0, 24_095.0));
        assert_eq!(found(20_000, 24_095, &[(0, 1)]), deep);
        assert_eq!(found(20_000, 24_095, &[(0, 900), (65_535, 900)]), deep);
        let middle = Some((30_000.0, 34_095.0));
        assert_eq!(found(30_000, 34_095, &[(0, 1), (65_535, 1)]), middle);
        assert_eq!(found(30_000, 34_095, &[(0, 700), (65_535, 700)]), middle);
    }

    #[test]
    fn a_picture_is_left_as_it_is() {
        let nothing = |levels: &[(f64, u64)]| assert_eq!(without_outliers(levels), None);
        nothing(&film(0, 4095, &[]));
        nothing(&film(100, 3000, &[(4095, 1)]));
        // A border without exposure, and one that is saturated.
        nothing(&film(1500, 4095, &[(0, 1200)]));
        nothing(&film(0, 3000, &[(4095, 4000)]));
        // Half of it is no outlier, however far.
        nothing(&film(0, 4095, &[(65_535, 9000)]));
        // Nothing, one level, two, and three.
        nothing(&[]);
        nothing(&[(7.0, 10)]);
        nothing(&[(7.0, 9999), (65_535.0, 1)]);
        nothing(&[(100.0, 1), (2050.0, 1), (4000.0, 1)]);
        // A dark ground and a small bright part of a hundred levels, as a finger on a large plate.
        let mut finger = film(0, 40, &[]);
        finger.extend((200..1200).map(|level| (f64::from(level), 1)));
        nothing(&finger);
    }
}

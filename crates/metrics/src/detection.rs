//! Boxes that a model gives, judged against boxes that are known: average precision by COCO's rules, and the FROC curve.

use serde::{Deserialize, Serialize};

use crate::bootstrap::{Groups, check_plan, draw, percentiles, replicate};
use crate::{Estimate, MetricsError, Rect, check, wilson};

/// Boxes of an image that count at most, those with the highest scores: COCO's `maxDets`.
const MOST: usize = 100;
/// Overlaps at which a box is right: 0.5, 0.55, … 0.95.
const OVERLAPS: usize = 10;
/// Numbers of false boxes an image at which the FROC curve is read.
pub const FALSE_BOXES: [f64; 4] = [0.125, 0.25, 0.5, 1.0];
/// Shares of the image's area that bound small, middle and large boxes.
pub const SIZES: [f64; 2] = [0.002, 0.01];

/// A box that a model gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Where, in the unit of the boxes that are known.
    pub area: Rect,
    /// How sure it is: any finite number, more is surer.
    pub score: f64,
}

/// An image, with or without a fracture, and what is on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxedImage<'a> {
    /// Its area, in the square of the boxes' unit.
    pub area: f64,
    /// The boxes that are known; none on an image without a fracture.
    pub known: &'a [Rect],
    /// The boxes that the model gives.
    pub found: &'a [Detection],
}

/// How boxes do against those that are known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectionSummary {
    /// Images, those without a box included.
    pub images: u64,
    /// Boxes that are known.
    pub known: u64,
    /// Boxes that the model gives, at most 100 an image.
    pub found: u64,
    /// Average precision where an intersection over union of 0.5 is right; `None` where no box is known.
    pub ap50: Estimate,
    /// The mean of it over intersections over union of 0.5, 0.55, … 0.95: COCO's AP.
    pub ap: Estimate,
    /// The FROC curve at the numbers of [`FALSE_BOXES`].
    pub froc: Vec<FrocPoint>,
    /// Small, middle and large boxes, by [`SIZES`].
    pub sizes: Vec<SizeStratum>,
}

/// A point of the FROC curve: a box that is known counts as found from an intersection over union of 0.5 on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FrocPoint {
    /// False boxes an image, over all images; at most so many.
    pub false_boxes: f64,
    /// Share of the known boxes that are found there.
    pub sensitivity: Estimate,
}

/// Boxes of one size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SizeStratum {
    /// Share of the image's area from which on.
    pub from: f64,
    /// Up to which; 1 for the largest.
    pub to: f64,
    /// Boxes of that size.
    pub known: u64,
    /// Share of them found with at most one false box an image; Wilson's interval, which takes boxes as independent.
    pub sensitivity: Estimate,
}

impl DetectionSummary {
    /// Judges the boxes of images; intervals by a bootstrap of `groups` where there are any, else of images, as in
    /// [`grouped`](crate::grouped).
    ///
    /// Matching is COCO's: the boxes of an image in the order of their scores, each taking of the known boxes that are left the one that it
    /// overlaps most, if that is enough. Average precision is the mean, over 101 levels of recall, of the best precision at that recall or
    /// above. Source: `pycocotools.cocoeval`, against which the tests hold it.
    ///
    /// # Errors
    /// A score that is not finite; another number of groups than of images; no replicates; a confidence not strictly between 0 and 1.
    pub fn new(
        images: &[BoxedImage<'_>],
        groups: Option<&[usize]>,
        replicates: usize,
        confidence: f64,
        seed: u64,
    ) -> Result<Self, MetricsError> {
        check_plan(replicates, confidence)?;
        let scores = images.iter().flat_map(|image| image.found);
        if let Some((index, bad)) = scores.enumerate().find(|(_, d)| !d.score.is_finite()) {
            return Err(MetricsError::NonFiniteScore {
                index,
                value: bad.score,
            });
        }
        let alone: Vec<usize> = (0..images.len()).collect();
        let groups = groups.unwrap_or(&alone);
        check::groups(images.len(), groups.len())?;
        let groups = Groups::new(groups);
        let board = Board::new(images);
        let once = vec![1; images.len()];
        let point = board.figures(&once);
        let drawn = replicate(
            replicates,
            seed,
            |generator, (times, images): &mut (Vec<u32>, Vec<u32>)| {
                draw(generator, groups.count, times);
                images.clear();
                images.extend(groups.of.iter().map(|group| times[*group]));
                board.figures(images)
            },
        );
        let estimate = |figure: &dyn Fn(&Figures) -> Option<f64>| {
            let all: Vec<Option<f64>> = drawn.iter().map(figure).collect();
            percentiles(figure(&point), &all, confidence)
        };
        let froc = FALSE_BOXES
            .iter()
            .enumerate()
            .map(|(at, &false_boxes)| FrocPoint {
                false_boxes,
                sensitivity: estimate(&|figures| figures.froc[at]),
            });
        Ok(Self {
            images: images.len() as u64,
            known: board.known.iter().map(|&known| u64::from(known)).sum(),
            found: board.found.len() as u64,
            ap50: estimate(&|figures| figures.ap[0]),
            ap: estimate(&|figures| {
                let each: Option<Vec<f64>> = figures.ap.iter().copied().collect();
                each.map(|each| each.iter().sum::<f64>() / OVERLAPS as f64)
            }),
            froc: froc.collect(),
            sizes: board.sizes(images, confidence)?,
        })
    }
}

/// A box that was given, matched within its image: that does not change when images are drawn again.
struct Matched {
    image: usize,
    score: f64,
    /// The known box that it has found, at each overlap.
    hits: [Option<usize>; OVERLAPS],
}

/// All boxes, the highest score first.
struct Board {
    /// Known boxes of each image.
    known: Vec<u32>,
    found: Vec<Matched>,
}

/// The figures of the images, or of images that were drawn.
struct Figures {
    ap: [Option<f64>; OVERLAPS],
    froc: [Option<f64>; FALSE_BOXES.len()],
}

impl Board {
    fn new(images: &[BoxedImage<'_>]) -> Self {
        let mut found: Vec<Matched> = images
            .iter()
            .enumerate()
            .flat_map(|(number, image)| matched(number, image))
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        Self {
            known: images
                .iter()
                .map(|image| image.known.len() as u32)
                .collect(),
            found,
        }
    }

    /// With each image as often as `times` says.
    fn figures(&self, times: &[u32]) -> Figures {
        let known = self.known.iter().zip(times);
        let known: f64 = known.map(|(known, times)| f64::from(known * times)).sum();
        let images: f64 = times.iter().copied().map(f64::from).sum();
        if known == 0.0 {
            return Figures {
                ap: [None; OVERLAPS],
                froc: [None; FALSE_BOXES.len()],
            };
        }
        Figures {
            ap: std::array::from_fn(|at| Some(self.average_precision(at, times, known))),
            froc: FALSE_BOXES.map(|most| Some(self.sensitivity(most * images, times) / known)),
        }
    }

    fn average_precision(&self, overlap: usize, times: &[u32], known: f64) -> f64 {
        let (mut right, mut all) = (0.0, 0.0);
        let mut curve: Vec<(f64, f64)> = Vec::with_capacity(self.found.len());
        for found in &self.found {
            let weight = f64::from(times[found.image]);
            if weight > 0.0 {
                all += weight;
                right += weight * f64::from(u8::from(found.hits[overlap].is_some()));
                curve.push((right / known, right / all));
            }
        }
        let mut best = 0.0_f64;
        for (_, precision) in curve.iter_mut().rev() {
            best = best.max(*precision);
            *precision = best;
        }
        let at = |level: usize| {
            let recall = if level == 100 {
                1.0
            } else {
                level as f64 * 0.01
            };
            let place = curve.partition_point(|(reached, _)| *reached < recall);
            curve.get(place).map_or(0.0, |(_, precision)| *precision)
        };
        (0..=100).map(at).sum::<f64>() / 101.0
    }

    /// Known boxes that are found before there are more than `most` false ones. Boxes of one score come together.
    fn sensitivity(&self, most: f64, times: &[u32]) -> f64 {
        let (mut right, mut wrong, mut reached) = (0.0, 0.0, 0.0);
        for same in self
            .found
            .chunk_by(|a, b| a.score.total_cmp(&b.score).is_eq())
        {
            for found in same {
                let weight = f64::from(times[found.image]);
                match found.hits[0] {
                    Some(_) => right += weight,
                    None => wrong += weight,
                }
            }
            if wrong > most {
                break;
            }
            reached = right;
        }
        reached
    }

    /// What is found with at most one false box an image, by size.
    fn sizes(
        &self,
        images: &[BoxedImage<'_>],
        confidence: f64,
    ) -> Result<Vec<SizeStratum>, MetricsError> {
        let stratum = |share: f64| SIZES.iter().filter(|&&limit| share >= limit).count();
        let of = |image: usize, known: usize| {
            stratum(images[image].known[known].size() / images[image].area)
        };
        let (mut known, mut hit) = ([0_u64; SIZES.len() + 1], [0_u64; SIZES.len() + 1]);
        for (number, image) in images.iter().enumerate() {
            for place in 0..image.known.len() {
                known[of(number, place)] += 1;
            }
        }
        let (mut right, mut wrong) = (hit, 0);
        for same in self
            .found
            .chunk_by(|a, b| a.score.total_cmp(&b.score).is_eq())
        {
            for found in same {
                match found.hits[0] {
                    Some(place) => right[of(found.image, place)] += 1,
                    None => wrong += 1,
                }
            }
            if wrong > images.len() {
                break;
            }
            hit = right;
        }
        (0..=SIZES.len())
            .map(|at| {
                Ok(SizeStratum {
                    from: at.checked_sub(1).map_or(0.0, |below| SIZES[below]),
                    to: SIZES.get(at).copied().unwrap_or(1.0),
                    known: known[at],
                    sensitivity: wilson(hit[at], known[at], confidence)?,
                })
            })
            .collect()
    }
}

/// The boxes given on an image, the surest first, with what each has found.
fn matched(number: usize, image: &BoxedImage<'_>) -> Vec<Matched> {
    let mut found: Vec<&Detection> = image.found.iter().collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(MOST);
    let step = (0.95 - 0.5) / (OVERLAPS - 1) as f64;
    let overlaps: [f64; OVERLAPS] = std::array::from_fn(|at| 0.5 + at as f64 * step);
    let mut taken = vec![[false; OVERLAPS]; image.known.len()];
    found
        .into_iter()
        .map(|given| Matched {
            image: number,
            score: given.score,
            hits: std::array::from_fn(|at| {
                let mut best = (overlaps[at], None);
                for (place, known) in image.known.iter().enumerate() {
                    let overlap = given.area.overlap(known);
                    // Of two that are overlapped alike the later one, as pycocotools has it.
                    if !taken[place][at] && overlap >= best.0 {
                        best = (overlap, Some(place));
                    }
                }
                if let Some(place) = best.1 {
                    taken[place][at] = true;
                }
                best.1
            }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(left: f64, top: f64, side: f64) -> Rect {
        Rect {
            left,
            top,
            right: left + side,
            bottom: top + side,
        }
    }

    fn summary(images: &[BoxedImage<'_>]) -> DetectionSummary {
        DetectionSummary::new(images, None, 50, 0.95, 1).expect("is judged")
    }

    #[test]
    fn a_perfect_model_finds_all_and_a_silent_one_nothing() {
        let known = [rect(0.0, 0.0, 10.0), rect(50.0, 50.0, 20.0)];
        let found = known.map(|area| Detection { area, score: 0.9 });
        let image = |found| BoxedImage {
            area: 10_000.0,
            known: &known,
            found,
        };
        let all = summary(&[image(&found)]);
        assert_eq!((all.ap50.value, all.ap.value), (Some(1.0), Some(1.0)));
        assert_eq!(all.froc[0].sensitivity.value, Some(1.0));
        let none = summary(&[image(&[])]);
        assert_eq!((none.ap50.value, none.found), (Some(0.0), 0));
        assert_eq!(none.froc[3].sensitivity.value, Some(0.0));
        assert_eq!(none.sizes[2].known, 2);
    }

    #[test]
    fn a_box_found_twice_is_one_right_and_one_false() {
        let known = [rect(0.0, 0.0, 10.0)];
        let found = [0.9, 0.8].map(|score| Detection {
            area: known[0],
            score,
        });
        let twice = summary(&[BoxedImage {
            area: 10_000.0,
            known: &known,
            found: &found,
        }]);
        assert_eq!(twice.ap50.value, Some(1.0));
        assert_eq!(twice.froc[3].sensitivity.value, Some(1.0));
    }

    #[test]
    fn without_a_known_box_nothing_is_defined() {
        let found = [Detection {
            area: rect(0.0, 0.0, 5.0),
            score: 0.4,
        }];
        let sound = summary(&[BoxedImage {
            area: 100.0,
            known: &[],
            found: &found,
        }]);
        assert_eq!(sound.ap50, Estimate::UNDEFINED);
        assert_eq!(sound.froc[0].sensitivity, Estimate::UNDEFINED);
    }

    #[test]
    fn boxes_of_one_score_come_together_and_what_is_no_number_is_refused() {
        let known = [rect(0.0, 0.0, 10.0)];
        let at = |left: f64, score: f64| Detection {
            area: rect(left, 0.0, 10.0),
            score,
        };
        // One right and two false ones of one score: with at most one false box an image none of them counts.
        let found = [at(0.0, 0.5), at(30.0, 0.5), at(60.0, 0.5)];
        let image = BoxedImage {
            area: 10_000.0,
            known: &known,
            found: &found,
        };
        assert_eq!(summary(&[image]).froc[3].sensitivity.value, Some(0.0));
        let bad = [at(0.0, f64::NAN)];
        let refused = DetectionSummary::new(
            &[BoxedImage {
                found: &bad,
                ..image
            }],
            None,
            5,
            0.95,
            1,
        );
        assert!(matches!(
            refused,
            Err(MetricsError::NonFiniteScore { index: 0, .. })
        ));
    }
}

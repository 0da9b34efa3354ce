//! Mixed images against what their recipes say, made step by step; and images that come twice.

use std::sync::Arc;

use osteon_data::{
    Augment, Augmenter, Batch, Blend, Dataset, LoadOptions, Recipe, Sampler, Transform,
};

use crate::sharing::grouped_films;

fn batches(films: &Arc<Dataset>, options: &LoadOptions) -> Vec<Batch> {
    let loader = films.loader(options.clone());
    loader.map(|batch| batch.expect("in memory")).collect()
}

fn options(augment: Augment) -> LoadOptions {
    LoadOptions {
        sampler: Sampler::Shuffled,
        augment: Some(augment),
        seed: 4,
        ..LoadOptions::plain(8)
    }
}

/// An image changed and normalised.
fn changed(films: &Dataset, film: usize, transform: &Transform) -> Vec<f32> {
    let preprocess = films.preprocess();
    let side = preprocess.size;
    let mut out = vec![0.0; (side * side) as usize];
    let levels = (1.0, 0.0);
    Augmenter::new().apply(transform, films.gray(film), levels, (side, side), &mut out);
    out.iter()
        .map(|&level| preprocess.normalise(level))
        .collect()
}

#[test]
fn a_mixed_film_is_its_own_and_its_partner_s() {
    let (_dir, _, films) = grouped_films(37);
    let augment = Augment {
        mixup: 0.4,
        cutmix: 1.0,
        mix: 0.8,
        ..Augment::default()
    };
    let (mut mixed, mut cut, mut plain) = (0, 0, 0);
    let recipes = films.recipes(options(augment.clone()));
    for (recipes, batch) in recipes.zip(batches(&films, &options(augment))) {
        let pixels = batch.pixels.chunks_exact(24 * 24);
        for ((recipe, seen), target) in recipes.recipes.iter().zip(pixels).zip(&batch.targets) {
            let Recipe {
                turn,
                transform,
                mix,
            } = recipe;
            let label = |film: usize| f32::from(u8::from(films.truths()[film]));
            let mut expected = changed(&films, turn.film, transform);
            let Some(mix) = mix else {
                plain += 1;
                assert!((target - label(turn.film)).abs() < 1e-6);
                continue;
            };
            let partner = changed(&films, mix.turn.film, &mix.transform);
            let own = match mix.blend {
                Blend::Mixup { own } => {
                    mixed += 1;
                    for (to, from) in expected.iter_mut().zip(&partner) {
                        *to = own * *to + (1.0 - own) * from;
                    }
                    own
                }
                Blend::Cutmix(patch) => {
                    cut += 1;
                    let mut inside = 0;
                    for (place, to) in expected.iter_mut().enumerate() {
                        let (x, y) = ((place % 24) as f32 + 0.5, (place / 24) as f32 + 0.5);
                        let across = (patch.x * 24.0).round()..((patch.x + patch.w) * 24.0).round();
                        let down = (patch.y * 24.0).round()..((patch.y + patch.h) * 24.0).round();
                        if across.contains(&x) && down.contains(&y) {
                            inside += 1;
                            *to = partner[place];
                        }
                    }
                    1.0 - inside as f32 / 576.0
                }
            };
            let soft = own * label(turn.film) + (1.0 - own) * label(mix.turn.film);
            assert!((target - soft).abs() < 1e-5, "{recipe:?}: {target} {soft}");
            let worst = seen
                .iter()
                .zip(&expected)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(worst < 1e-5, "{recipe:?}: {worst}");
        }
    }
    assert!(mixed > 2 && cut > 2 && plain > 0, "{mixed} {cut} {plain}");
}

#[test]
fn mixing_leaves_the_other_changes_as_they_were() {
    let (_dir, _, films) = grouped_films(37);
    let plain = Augment {
        noise: 4.0,
        ..Augment::default()
    };
    let mixed = Augment {
        mixup: 0.4,
        ..plain.clone()
    };
    let recipes = |augment: &Augment| -> Vec<Transform> {
        films
            .recipes(options(augment.clone()))
            .flat_map(|batch| batch.recipes)
            .map(|recipe| recipe.transform)
            .collect()
    };
    assert_eq!(recipes(&plain), recipes(&mixed));
    // Off by the share, it is off to the bit.
    let off = Augment { mix: 0.0, ..mixed };
    assert_eq!(
        batches(&films, &options(off)),
        batches(&films, &options(plain))
    );
}

#[test]
fn a_film_that_comes_twice_is_changed_in_two_ways() {
    let (_dir, _, films) = grouped_films(37);
    let weighted = LoadOptions {
        sampler: Sampler::Weighted,
        ..options(Augment::default())
    };
    let recipes: Vec<Recipe> = films.recipes(weighted).flat_map(|b| b.recipes).collect();
    let again = recipes.iter().find(|recipe| recipe.turn.repeat == 1);
    let again = again.expect("26 draws of 26 images");
    let first = recipes
        .iter()
        .find(|r| r.turn.film == again.turn.film && r.turn.repeat == 0);
    let first = first.expect("it came before");
    assert_ne!(first.transform, again.transform);
    // The first time it is what it would be in a shuffled epoch.
    let shuffled = Augment::default().draw(4, 0, first.turn.film as u64);
    assert_eq!(first.transform, shuffled);
}

//! Orders, shards and the place where a run goes on: whichever way an epoch is cut, the same images are made.

use std::sync::Arc;

use osteon_data::{
    Augment, Batch, Catalog, Dataset, Decoder, Entry, LoadOptions, Preprocess, Recipe, Sampler,
    Shard, Split,
};
use osteon_synth::write_synth;

/// Images of which the first eight are one group and the next two another.
pub(crate) fn grouped_films(images: usize) -> (tempfile::TempDir, Vec<Entry>, Arc<Dataset>) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("set");
    write_synth(&root, images, 3, &|| {}).expect("writes");
    let catalog = Catalog::open(&root).expect("opens");
    let mut entries = catalog.split(Split::Train).expect("train").to_vec();
    for (number, entry) in entries.iter_mut().enumerate().take(10) {
        entry.group = Some(if number < 8 { "a" } else { "b" }.to_owned());
    }
    let preprocess = Preprocess {
        size: 24,
        ..Preprocess::default()
    };
    let films = Dataset::load(&entries, &Decoder::default(), &preprocess, &|| {});
    (dir, entries, Arc::new(films.expect("loads")))
}

fn options(sampler: Sampler) -> LoadOptions {
    LoadOptions {
        sampler,
        augment: Some(Augment {
            noise: 4.0,
            mixup: 0.4,
            cutmix: 1.0,
            mix: 0.7,
            ..Augment::default()
        }),
        seed: 11,
        epochs: 0..2,
        threads: 2,
        ..LoadOptions::plain(4)
    }
}

const ORDERS: [Sampler; 4] = [
    Sampler::InOrder,
    Sampler::Shuffled,
    Sampler::Weighted,
    Sampler::Grouped,
];

fn all(films: &Arc<Dataset>, options: &LoadOptions) -> Vec<Batch> {
    let loader = films.loader(options.clone());
    loader.map(|batch| batch.expect("in memory")).collect()
}

/// Pixels, targets and images of several batches, one after another.
fn joined<'a>(batches: impl Iterator<Item = &'a Batch>) -> (Vec<f32>, Vec<f32>, Vec<usize>) {
    let mut joined = (Vec::new(), Vec::new(), Vec::new());
    for batch in batches {
        joined.0.extend_from_slice(&batch.pixels);
        joined.1.extend_from_slice(&batch.targets);
        joined.2.extend_from_slice(&batch.indices);
    }
    joined
}

#[test]
fn the_parts_of_all_ranks_are_the_whole() {
    // 25, 26 and 29 images: last batches of 1, 2 and more images, fewer than there are ranks among them.
    for images in [37, 38, 42] {
        let (_dir, _, films) = grouped_films(images);
        for (order, world) in ORDERS.iter().flat_map(|&o| (1..5).map(move |w| (o, w))) {
            let whole = LoadOptions {
                batch_size: 4 * world,
                ..options(order)
            };
            let whole = all(&films, &whole);
            let ranks: Vec<Vec<Batch>> = (0..world)
                .map(|rank| {
                    let part = LoadOptions {
                        shard: Shard { rank, world },
                        ..options(order)
                    };
                    all(&films, &part)
                })
                .collect();
            for (number, batch) in whole.iter().enumerate() {
                let said = format!("{order:?}, {world} ranks, batch {number}");
                let parts = || ranks.iter().map(|rank| &rank[number]);
                assert_eq!(joined(parts()), joined([batch].into_iter()), "{said}");
                assert_eq!(batch.global_len, batch.len(), "{said}");
                for part in parts() {
                    assert_eq!(
                        (part.global_len, part.epoch, part.number),
                        (batch.len(), batch.epoch, batch.number),
                        "{said}"
                    );
                    let even = batch.len() / world..=batch.len().div_ceil(world);
                    assert!(even.contains(&part.len()), "{said}: {}", part.len());
                }
            }
            assert!(ranks.iter().all(|rank| rank.len() == whole.len()));
        }
    }
}

#[test]
fn a_run_goes_on_inside_an_epoch() {
    let (_dir, _, films) = grouped_films(37);
    for order in ORDERS {
        let whole = all(&films, &options(order));
        for first_batch in [0, 1, 3, films.epoch_len(order).div_ceil(4), 9, 1000] {
            let rest = LoadOptions {
                first_batch,
                ..options(order)
            };
            let expected = &whole[first_batch.min(whole.len())..];
            assert_eq!(all(&films, &rest), expected, "{order:?} from {first_batch}");
        }
    }
}

#[test]
fn an_epoch_is_as_long_as_its_order_says() {
    let (_dir, entries, films) = grouped_films(37);
    assert_eq!(films.groups()[..11], [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2]);
    assert_eq!(films.epoch_len(Sampler::Grouped), films.len() - 8);
    for order in ORDERS {
        let batches = all(&films, &options(order));
        let first: Vec<&Batch> = batches.iter().filter(|batch| batch.epoch == 0).collect();
        let turns = films.epoch_order(order, 11, 0);
        assert_eq!(turns.len(), films.epoch_len(order));
        let (_, _, indices) = joined(first.iter().copied());
        assert!(indices.iter().copied().eq(turns.iter().map(|t| t.film)));
        let loader = films.loader(options(order));
        assert_eq!(loader.batches_an_epoch(), first.len());
        // Images that are decoded as they are needed go the same way.
        let stream = osteon_data::DataLoader::stream(
            entries.clone(),
            &Decoder::default(),
            films.preprocess(),
            false,
            options(order),
        );
        let streamed: Vec<Batch> = stream.map(|batch| batch.expect("reads")).collect();
        assert_eq!(streamed, batches, "{order:?}");
    }
}

#[test]
fn recipes_say_what_the_batches_hold() {
    let (_dir, _, films) = grouped_films(37);
    for order in ORDERS {
        let part = LoadOptions {
            shard: Shard { rank: 1, world: 2 },
            first_batch: 2,
            ..options(order)
        };
        let batches = all(&films, &part);
        let recipes: Vec<_> = films.recipes(part).collect();
        assert_eq!(recipes.len(), batches.len());
        for (recipes, batch) in recipes.iter().zip(&batches) {
            assert_eq!(
                (recipes.epoch, recipes.number, recipes.global_len),
                (batch.epoch, batch.number, batch.global_len)
            );
            let turns = recipes.recipes.iter().map(|recipe| recipe.turn.film);
            assert!(turns.eq(batch.indices.iter().copied()));
            let truths = films.truths();
            let target = |recipe: &Recipe| recipe.target(batch.side, |film| truths[film]);
            let targets = recipes.recipes.iter().map(target);
            assert!(targets.eq(batch.targets.iter().copied()));
        }
    }
}

//! Batches made on a device against those of the loader. The device is the CPU, as tensors, or the one that `OSTEON_TEST_DEVICE` names:
//! `xtask/gpu_check.sh` runs these tests on a GPU.

use std::sync::Arc;

use osteon_data::{
    Augment, Catalog, Dataset, Decoder, LoadOptions, Preprocess, Sampler, Shard, Split,
};
use osteon_synth::write_synth;
use tch::{Device, Tensor};

use super::{DeviceDataset, to_device};

fn films(images: usize, size: u32) -> Arc<Dataset> {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("set");
    write_synth(&root, images, 3, &|| {}).expect("writes");
    let catalog = Catalog::open(&root).expect("opens");
    let preprocess = Preprocess {
        size,
        ..Preprocess::default()
    };
    let entries = catalog.split(Split::Train).expect("train");
    let films = Dataset::load(entries, &Decoder::default(), &preprocess, &|| {});
    Arc::new(films.expect("loads"))
}

/// Where batches are made in these tests.
fn device() -> Device {
    let name = std::env::var("OSTEON_TEST_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
    crate::choose_device(&name).unwrap_or_else(|error| panic!("OSTEON_TEST_DEVICE: {error}"))
}

fn options(augment: Option<Augment>) -> LoadOptions {
    LoadOptions {
        sampler: Sampler::Weighted,
        augment,
        seed: 5,
        epochs: 3..4,
        ..LoadOptions::plain(8)
    }
}

/// How far two ways to the same batches are apart, in gray levels.
#[derive(Debug, Default)]
struct Apart {
    mean: f64,
    most: f64,
    /// Share of pixels that differ by more than a hundredth of a level.
    share: f64,
}

/// Makes an epoch both ways. Targets, and how many images there are, must be equal.
fn apart(films: &Arc<Dataset>, options: &LoadOptions) -> Apart {
    let made_there = DeviceDataset::new(films, options.crop, device()).expect("uploads");
    let level = f64::from(255.0 * films.preprocess().std);
    let (mut sum, mut most, mut differ, mut pixels) = (0.0, 0.0_f64, 0, 0);
    let recipes = films.recipes(options.clone());
    for (recipes, batch) in recipes.zip(films.loader(options.clone())) {
        let batch = batch.expect("in memory");
        let (expected, targets) = to_device(&batch, device()).expect("sends");
        let (made, soft) = made_there.batch(&recipes.recipes).expect("makes");
        let values = |tensor: &Tensor| {
            Vec::<f32>::try_from(tensor.f_flatten(0, -1).expect("flat")).expect("values")
        };
        assert_eq!(made.size(), expected.size());
        assert_eq!(values(&soft), values(&targets));
        for (a, b) in values(&made).iter().zip(values(&expected)) {
            let gap = f64::from(a - b).abs() * level;
            assert!(gap.is_finite());
            sum += gap;
            most = most.max(gap);
            differ += usize::from(gap > 0.01);
            pixels += 1;
        }
    }
    assert!(pixels > 0);
    Apart {
        mean: sum / f64::from(pixels),
        most,
        share: differ as f64 / f64::from(pixels),
    }
}

fn geometry() -> Augment {
    Augment {
        brightness: 0.0,
        contrast: 0.0,
        ..Augment::default()
    }
}

#[test]
fn plain_films_are_the_same() {
    let films = films(30, 48);
    for augment in [None, Some(Augment::NONE)] {
        let apart = apart(&films, &options(augment));
        assert!(apart.most < 1e-4, "{apart:?}");
    }
}

/// The places are the same, so that a level differs by one where it rounds the other way, and by no more.
#[test]
fn geometry_differs_by_a_rounding() {
    let hard = Augment {
        rotate: 180.0,
        zoom: 0.9,
        shift: 0.5,
        shear: 40.0,
        ..geometry()
    };
    for (size, crop) in [(96, None), (50, None), (96, Some(61))] {
        let films = films(30, size);
        for augment in [geometry(), hard.clone()] {
            let options = LoadOptions {
                crop,
                ..options(Some(augment))
            };
            let apart = apart(&films, &options);
            println!("geometry at {size} px, crop {crop:?}: {apart:?}");
            assert!(apart.most < 1.001, "{apart:?}");
            assert!(apart.mean < 0.02 && apart.share < 0.02, "{apart:?}");
            assert!(apart.mean > 0.0, "two programs never agree to the bit");
        }
    }
}

/// Without a warp there is no rounding to differ.
#[test]
fn tone_erasing_noise_and_partners_are_the_same() {
    let films = films(30, 48);
    let bright = Augment {
        brightness: 0.4,
        contrast: 0.5,
        ..Augment::NONE
    };
    let gamma = Augment {
        gamma: 0.5,
        ..bright.clone()
    };
    let cases = [
        bright.clone(),
        gamma.clone(),
        Augment {
            erase: 0.7,
            erase_area: 0.4,
            ..bright.clone()
        },
        Augment {
            noise: 12.0,
            ..gamma.clone()
        },
        Augment {
            mixup: 0.5,
            ..bright.clone()
        },
        Augment {
            cutmix: 1.0,
            ..bright
        },
        Augment {
            noise: 6.0,
            erase: 0.5,
            mixup: 0.5,
            cutmix: 1.0,
            mix: 0.6,
            ..gamma
        },
    ];
    for augment in cases {
        let apart = apart(&films, &options(Some(augment.clone())));
        println!("tone: {apart:?}");
        assert!(apart.most < 2e-3, "{apart:?} for {augment:?}");
    }
}

#[test]
fn everything_at_once_on_two_ranks() {
    let films = films(37, 64);
    let augment = Augment {
        gamma: 0.2,
        noise: 5.0,
        erase: 0.5,
        mixup: 0.4,
        cutmix: 1.0,
        mix: 0.7,
        ..Augment::default()
    };
    // 25 images: of the last batch of one image, a rank has none.
    for rank in 0..2 {
        let part = LoadOptions {
            shard: Shard { rank, world: 2 },
            batch_size: 4,
            sampler: Sampler::Shuffled,
            ..options(Some(augment.clone()))
        };
        let apart = apart(&films, &part);
        println!("everything, rank {rank}: {apart:?}");
        // One level, which gamma stretches to 2.6 in the dark, times brightness and contrast of up to 1.44.
        assert!(apart.most < 4.0 && apart.mean < 0.02, "{apart:?}");
    }
}

#[test]
fn films_take_half_of_the_memory_at_most() {
    let films = films(30, 48);
    let bytes = DeviceDataset::bytes(&films);
    assert_eq!(bytes, films.len() as u64 * 48 * 48);
    assert!(DeviceDataset::fits(&films, 2 * bytes));
    assert!(!DeviceDataset::fits(&films, 2 * bytes - 1));
}

#[test]
fn a_film_that_is_not_there_is_named() {
    let few = films(30, 32);
    let device = DeviceDataset::new(&few, None, device()).expect("uploads");
    let mut batch = few.recipes(options(None)).next().expect("a batch");
    batch.recipes[2].turn.film = 1000;
    let said = device
        .batch(&batch.recipes)
        .expect_err("absent")
        .to_string();
    assert!(said.contains("image 1000"), "{said}");
}

//! Images and batches: what a batch holds depends on seed and epoch, not on threads.

use std::sync::Arc;

use osteon_data::{
    Augment, Batch, Cache, Catalog, Dataset, Decoder, Instructions, LoadOptions, Packed,
    Preprocess, Sampler, Shard, Split, epoch_order,
};
use osteon_synth::write_synth;

fn films(images: usize) -> (tempfile::TempDir, Arc<Dataset>) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("set");
    write_synth(&root, images, 3, &|| {}).expect("writes");
    let catalog = Catalog::open(&root).expect("opens");
    let preprocess = Preprocess {
        size: 48,
        ..Preprocess::default()
    };
    let films = Dataset::load(
        catalog.split(Split::Train).expect("train"),
        &Decoder::default(),
        &preprocess,
        &|| {},
    );
    (dir, Arc::new(films.expect("loads")))
}

const OPTIONS: LoadOptions = LoadOptions {
    batch_size: 6,
    sampler: Sampler::Shuffled,
    shard: Shard::WHOLE,
    first_batch: 0,
    augment: None,
    crop: None,
    seed: 9,
    epochs: 2..3,
    prefetch: 1,
    threads: 1,
    instructions: Instructions::Scalar,
};

fn augmented() -> LoadOptions {
    LoadOptions {
        augment: Some(Augment {
            noise: 5.0,
            erase: 0.5,
            gamma: 0.2,
            ..Augment::default()
        }),
        ..OPTIONS
    }
}

fn all(films: &Arc<Dataset>, options: &LoadOptions) -> Vec<Batch> {
    films
        .loader(options.clone())
        .collect::<Result<_, _>>()
        .expect("images in memory")
}

#[test]
fn contents_do_not_depend_on_threads_prefetch_or_resume_point() {
    let (_dir, films) = films(40);
    let options = LoadOptions {
        epochs: 1..4,
        ..augmented()
    };
    let one = all(&films, &options);
    assert_eq!(one.iter().map(Batch::len).sum::<usize>(), 3 * films.len());
    for (threads, prefetch) in [(2, 0), (2, 3), (7, 5)] {
        let more = LoadOptions {
            prefetch,
            threads,
            instructions: Instructions::best(),
            ..options.clone()
        };
        assert_eq!(
            all(&films, &more),
            one,
            "{threads} threads, {prefetch} ahead"
        );
    }
    let resumed = LoadOptions {
        epochs: 2..4,
        ..options
    };
    let first = one.iter().position(|b| b.epoch == 2).expect("epoch 2");
    assert_eq!(all(&films, &resumed), one[first..]);
    assert_ne!(one[first].indices, one[0].indices);
}

#[test]
fn films_read_as_they_are_needed_make_the_same_batches() {
    let (dir, films) = films(40);
    let catalog = Catalog::open(dir.path().join("set")).expect("opens");
    let loader = catalog.loader(
        Split::Train,
        &Decoder::default(),
        films.preprocess(),
        false,
        augmented(),
    );
    let streamed: Vec<Batch> = loader.expect("train").map(|b| b.expect("reads")).collect();
    assert_eq!(streamed, all(&films, &augmented()));
    let ids: Vec<_> = streamed[0].ids().collect();
    assert_eq!(ids[0], films.ids()[streamed[0].indices[0]]);
}

#[test]
fn a_film_that_does_not_read_ends_a_stream_or_is_listed() {
    let (dir, _) = films(40);
    let root = dir.path().join("set");
    std::fs::write(root.join("train/fractured/00000_note.jpg"), b"no image").expect("writes");
    let catalog = Catalog::open(&root).expect("opens");
    let stream = |skip| {
        catalog
            .loader(
                Split::Train,
                &Decoder::default(),
                &Preprocess::default(),
                skip,
                OPTIONS,
            )
            .expect("train")
    };
    let batches: Vec<_> = stream(false).collect();
    let error = batches
        .last()
        .expect("some")
        .as_ref()
        .expect_err("not an image");
    assert!(error.to_string().contains("00000_note.jpg"), "{error}");
    let batches: Vec<Batch> = stream(true).map(|b| b.expect("skips")).collect();
    let unreadable: Vec<_> = batches.iter().flat_map(|b| &b.unreadable).collect();
    assert_eq!(unreadable.len(), 1);
    assert_eq!(unreadable[0].id, "train/fractured/00000_note.jpg");
    let films: usize = batches.iter().map(Batch::len).sum();
    assert_eq!(films + 1, catalog.split(Split::Train).expect("train").len());
    for batch in &batches {
        assert_eq!(batch.pixels.len(), batch.len() * 224 * 224);
        assert_eq!(batch.targets.len(), batch.len());
    }
}

#[test]
fn plain_batches_are_the_films_normalised() {
    let (_dir, films) = films(40);
    let batches = all(&films, &LoadOptions::plain(8));
    let indices: Vec<usize> = batches.iter().flat_map(|b| b.indices.clone()).collect();
    assert_eq!(indices, (0..films.len()).collect::<Vec<_>>());
    let (first, area) = (&batches[0], 48 * 48);
    for (n, film) in first.pixels.chunks_exact(area).enumerate() {
        for (value, &gray) in film.iter().zip(films.gray(n).pixels()) {
            assert!((value - films.preprocess().normalise(f32::from(gray))).abs() < 1e-6);
        }
        assert_eq!(first.targets[n] > 0.5, films.labels()[n].is_fractured());
    }
    // A crop is the middle.
    let cropped = all(
        &films,
        &LoadOptions {
            crop: Some(32),
            ..LoadOptions::plain(8)
        },
    );
    assert_eq!(cropped[0].side, 32);
    assert_eq!(
        cropped[0].pixels[..32],
        first.pixels[8 * 48 + 8..8 * 48 + 40]
    );
}

#[test]
fn an_epoch_left_early_ends_its_threads() {
    let (_dir, films) = films(40);
    let mut batches = films.loader(LoadOptions {
        prefetch: 1,
        threads: 3,
        ..LoadOptions::plain(2)
    });
    assert!(batches.next().is_some());
    drop(batches);
    // The threads held the other reference; they are joined when the iterator is dropped.
    assert_eq!(Arc::strong_count(&films), 1);
}

/// What is in a pack is what was decoded, however often it is opened, and whatever happens to it.
#[test]
fn a_pack_is_found_again_mended_and_left_for_another() {
    let (dir, plain) = films(40);
    let root = dir.path().join("set");
    // A copy and a file that is no image.
    std::fs::copy(
        root.join(&plain.ids()[0]),
        root.join("train/fractured/copy.png"),
    )
    .expect("copies");
    std::fs::write(root.join("train/fractured/note.png"), b"no image").expect("writes");
    let cache = Cache::new(dir.path().join("cache"));
    let open = |size| {
        let catalog = Catalog::open(&root).expect("opens");
        let entries = catalog.split(Split::Train).expect("train").to_vec();
        let preprocess = Preprocess {
            size,
            ..Preprocess::default()
        };
        let decoder = Decoder::default();
        let memory = Dataset::load(&entries, &decoder, &preprocess, &|| {}).expect("loads");
        let (packed, how) = cache
            .dataset(&entries, &decoder, &preprocess, &|| {})
            .expect("packs");
        assert_eq!(packed.fingerprint(), memory.fingerprint());
        assert_eq!(packed.unreadable(), memory.unreadable());
        assert_eq!(packed.unreadable()[0].id, "train/fractured/note.png");
        for index in 0..memory.len() {
            assert_eq!(packed.gray(index), memory.gray(index));
        }
        how
    };
    let packs = || {
        let mut found: Vec<_> = std::fs::read_dir(cache.dir())
            .expect("cache")
            .map(|file| file.expect("file").path())
            .filter(|path| path.extension().is_some_and(|e| e == "safetensors"))
            .collect();
        found.sort();
        found
    };
    assert_eq!(open(48), Packed::Made);
    let first = packs();
    assert_eq!(open(48), Packed::Found);
    assert_eq!(open(32), Packed::Made, "another setting");
    std::fs::rename(
        root.join("train/fractured/copy.png"),
        root.join("train/fractured/moved.png"),
    )
    .expect("renames");
    assert_eq!(
        open(48),
        Packed::Found,
        "the same contents under another name"
    );
    assert_eq!(packs().len(), 2);

    // Any byte of it, but for the spaces after the header.
    let sound = std::fs::read(&first[0]).expect("reads");
    for place in [0, 20, 4096, 5000, sound.len() - 40, sound.len() - 3] {
        let mut damaged = sound.clone();
        damaged[place] ^= 0x10;
        std::fs::write(&first[0], damaged).expect("writes");
        assert!(matches!(open(48), Packed::Rebuilt(_)), "byte {place}");
        assert_eq!(open(48), Packed::Found);
    }
    std::fs::write(&first[0], &sound[..5000]).expect("writes");
    assert!(matches!(open(48), Packed::Rebuilt(_)), "cut");

    let changed = root.join(&plain.ids()[0]);
    image::GrayImage::from_pixel(20, 20, image::Luma([7]))
        .save(changed)
        .expect("writes");
    assert_eq!(open(48), Packed::Made, "a changed image");
}

#[test]
fn two_that_pack_at_once_both_have_films() {
    let (dir, plain) = films(40);
    let catalog = Catalog::open(dir.path().join("set")).expect("opens");
    let entries = catalog.split(Split::Train).expect("train");
    let cache = Cache::new(dir.path().join("cache"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let decoder = Decoder::default();
                let (films, _) = cache
                    .dataset(entries, &decoder, plain.preprocess(), &|| {})
                    .expect("packs");
                assert_eq!(films.fingerprint(), plain.fingerprint());
                assert_eq!(films.gray(3), plain.gray(3));
            });
        }
    });
}

#[test]
fn an_order_is_a_permutation() {
    let mut order = epoch_order(100, 1, 0);
    assert_ne!(order, (0..100).collect::<Vec<_>>());
    assert_ne!(order, epoch_order(100, 1, 1));
    order.sort_unstable();
    assert_eq!(order, (0..100).collect::<Vec<_>>());
}

#[test]
fn files_that_do_not_read_are_listed_and_the_rest_is_kept() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("set");
    write_synth(&root, 20, 3, &|| {}).expect("writes");
    std::fs::write(root.join("train/fractured/0_note.jpg"), b"no image").expect("writes");
    let catalog = Catalog::open(&root).expect("opens");
    let entries = catalog.split(Split::Train).expect("train");
    let films =
        Dataset::load(entries, &Decoder::default(), &Preprocess::default(), &|| {}).expect("loads");
    assert_eq!(films.len() + 1, entries.len());
    assert_eq!(films.unreadable()[0].id, "train/fractured/0_note.jpg");
    assert!(
        films.unreadable()[0].reason.contains("not an image"),
        "{:?}",
        films.unreadable()
    );
    assert_eq!(films.short_digests().count(), films.len());
}

#[test]
fn the_fingerprint_follows_content_and_names() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("set");
    write_synth(&root, 20, 3, &|| {}).expect("writes");
    let load = || {
        let catalog = Catalog::open(&root).expect("opens");
        Dataset::load(
            catalog.split(Split::Train).expect("train"),
            &Decoder::default(),
            &Preprocess::default(),
            &|| {},
        )
        .expect("loads")
    };
    let before = load();
    assert_eq!(before.fingerprint(), load().fingerprint());
    let path = root.join(&before.ids()[0]);
    image::GrayImage::from_pixel(20, 20, image::Luma([7]))
        .save(path)
        .expect("writes");
    assert_ne!(before.fingerprint(), load().fingerprint());
}

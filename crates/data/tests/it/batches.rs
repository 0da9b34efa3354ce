//! Films and batches: what a batch holds depends on seed and epoch, not on threads.

use std::sync::Arc;

use osteon_data::{
    Augment, Batch, Batches, Catalog, Decoder, Films, LoadOptions, Preprocess, Split, epoch_order,
    write_synth,
};

fn films(images: usize) -> (tempfile::TempDir, Arc<Films>) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("set");
    write_synth(&root, images, 3, &|| {}).expect("writes");
    let catalog = Catalog::open(&root).expect("opens");
    let preprocess = Preprocess {
        size: 48,
        ..Preprocess::default()
    };
    let films = Films::load(
        catalog.split(Split::Train).expect("train"),
        &Decoder::default(),
        &preprocess,
        &|| {},
    );
    (dir, Arc::new(films.expect("loads")))
}

fn epoch(films: &Arc<Films>, threads: usize, options: &LoadOptions) -> Vec<Batch> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("pool");
    pool.install(|| Batches::new(Arc::clone(films), options).collect())
}

#[test]
fn contents_do_not_depend_on_threads_or_prefetch() {
    let (_dir, films) = films(40);
    let options = LoadOptions {
        batch_size: 6,
        shuffle: true,
        augment: Some(Augment::default()),
        seed: 9,
        epoch: 2,
        prefetch: 1,
    };
    let one = epoch(&films, 1, &options);
    assert_eq!(one.iter().map(Batch::len).sum::<usize>(), films.len());
    for (threads, prefetch) in [(2, 3), (7, 5)] {
        assert_eq!(
            epoch(
                &films,
                threads,
                &LoadOptions {
                    prefetch,
                    ..options.clone()
                }
            ),
            one,
            "{threads} threads"
        );
    }
    let next = epoch(
        &films,
        2,
        &LoadOptions {
            epoch: 3,
            ..options.clone()
        },
    );
    assert_ne!(next[0].indices, one[0].indices);
}

#[test]
fn plain_batches_are_the_films_normalised() {
    let (_dir, films) = films(40);
    let batches: Vec<Batch> = Batches::new(Arc::clone(&films), &LoadOptions::plain(8)).collect();
    let indices: Vec<usize> = batches.iter().flat_map(|b| b.indices.clone()).collect();
    assert_eq!(indices, (0..films.len()).collect::<Vec<_>>());
    let (first, area) = (&batches[0], 48 * 48);
    for (n, film) in first.pixels.chunks_exact(area).enumerate() {
        for (value, &gray) in film.iter().zip(films.gray(n).as_raw()) {
            assert!((value - films.preprocess().normalise(f32::from(gray))).abs() < 1e-6);
        }
        assert_eq!(first.targets[n] > 0.5, films.labels()[n].is_fractured());
    }
}

#[test]
fn an_epoch_left_early_ends_its_maker() {
    let (_dir, films) = films(40);
    let mut batches = Batches::new(
        Arc::clone(&films),
        &LoadOptions {
            prefetch: 1,
            ..LoadOptions::plain(2)
        },
    );
    assert!(batches.next().is_some());
    drop(batches);
    // The maker held the other reference; it is joined when the iterator is dropped.
    assert_eq!(Arc::strong_count(&films), 1);
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
    std::fs::write(root.join("train/fractured/0_note.jpg"), b"no film").expect("writes");
    let catalog = Catalog::open(&root).expect("opens");
    let entries = catalog.split(Split::Train).expect("train");
    let films =
        Films::load(entries, &Decoder::default(), &Preprocess::default(), &|| {}).expect("loads");
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
        Films::load(
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

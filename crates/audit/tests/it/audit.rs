//! Copies of synthetic images, turned, mirrored, resized and re-encoded, and an audit of a small set on disk.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::Path;

use fast_image_resize::Resizer;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, flip_horizontal, flip_vertical, resize, rotate90};
use image::{GrayImage, Luma};
use imageproc::geometric_transformations::{
    Border, Interpolation, Projection, rotate_about_center, warp_into,
};
use osteon_audit::copies::Thumb;
use osteon_audit::{Audit, Matcher, audit};
use osteon_data::{Catalog, Decoder, Split};
use osteon_synth::Synth;

use crate::real_films;

fn films(seed: u64, n: u64) -> Vec<GrayImage> {
    let synth = Synth::new(seed);
    (0..n).map(|i| synth.image(i).pixels).collect()
}

/// Cluster of each image, by index.
fn clusters(films: &[GrayImage]) -> Vec<usize> {
    let mut resizer = Resizer::new();
    let thumbs: Vec<Thumb> = films.iter().map(|f| Thumb::new(f, &mut resizer)).collect();
    Matcher::default()
        .cluster(&thumbs.iter().collect::<Vec<_>>(), &|_| {})
        .of
}

fn turned(film: &GrayImage, degrees: f32) -> GrayImage {
    let black = Border::Constant(Luma([0]));
    rotate_about_center(film, degrees.to_radians(), Interpolation::Bilinear, black)
}

/// Turned on a canvas that grows to hold all of it.
fn turned_whole(film: &GrayImage, degrees: f32) -> GrayImage {
    let (w, h) = (film.width() as f32, film.height() as f32);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (to_w, to_h) = (
        (w * cos.abs() + h * sin.abs()).ceil(),
        (w * sin.abs() + h * cos.abs()).ceil(),
    );
    let map = Projection::translate(to_w / 2.0, to_h / 2.0)
        * Projection::rotate(degrees.to_radians())
        * Projection::translate(-w / 2.0, -h / 2.0);
    let mut out = GrayImage::new(to_w as u32, to_h as u32);
    warp_into(
        film,
        map,
        Interpolation::Bilinear,
        Border::Constant(Luma([0])),
        &mut out,
    );
    out
}

fn reencoded(film: &GrayImage, quality: u8) -> GrayImage {
    let mut bytes = Cursor::new(Vec::new());
    film.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality))
        .expect("encodes");
    Decoder::default().decode(bytes.get_ref()).expect("decodes")
}

fn shrunk(film: &GrayImage, percent: u32) -> GrayImage {
    resize(
        film,
        film.width() * percent / 100,
        film.height() * percent / 100,
        FilterType::Triangle,
    )
}

type Change = fn(&GrayImage) -> GrayImage;

const CHANGES: [(&str, Change); 11] = [
    ("turned by 17°", |f| turned(f, 17.0)),
    ("turned by 45°", |f| turned(f, 45.0)),
    ("turned by 133°, twice re-encoded", |f| {
        reencoded(&turned(&reencoded(f, 70), 133.0), 70)
    }),
    ("turned by a quarter", rotate90),
    ("mirrored", flip_horizontal),
    ("upside down", flip_vertical),
    ("mirrored, turned by 71°", |f| {
        turned(&flip_horizontal(f), 71.0)
    }),
    ("half the size", |f| shrunk(f, 50)),
    ("JPEG of quality 40", |f| reencoded(f, 40)),
    ("squeezed into 224×224, turned by 30°", |f| {
        turned(&resize(f, 224, 224, FilterType::Triangle), 30.0)
    }),
    ("turned by 40° on a grown canvas", |f| {
        turned_whole(f, 40.0)
    }),
];

#[test]
fn copies_are_found_whatever_was_done_to_them() {
    let originals = films(11, 8);
    let all: Vec<GrayImage> = originals
        .iter()
        .cloned()
        .chain(
            CHANGES
                .iter()
                .flat_map(|(_, change)| originals.iter().map(change)),
        )
        .collect();
    let of = clusters(&all);
    let missed: Vec<String> = CHANGES
        .iter()
        .enumerate()
        .flat_map(|(c, (name, _))| (0..8).map(move |i| (name, i, 8 * (c + 1) + i)))
        .filter(|&(_, original, copy)| of[copy] != of[original])
        .map(|(name, original, _)| format!("image {original} {name}"))
        .collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
    let mut different = of[..8].to_vec();
    different.dedup();
    assert_eq!(
        different.len(),
        8,
        "different images were joined: {:?}",
        &of[..8]
    );
}

#[test]
fn different_films_stay_apart() {
    // Enough for shafts of one width in one pose: without a look beside straight edges a dozen of these are joined.
    let all = films(1, 500);
    let mut resizer = Resizer::new();
    let thumbs: Vec<Thumb> = all.iter().map(|f| Thumb::new(f, &mut resizer)).collect();
    let found = Matcher::default().cluster(&thumbs.iter().collect::<Vec<_>>(), &|_| {});
    assert_eq!(found.links, []);
}

#[test]
fn nothing_to_compare_is_no_copy_and_no_panic() {
    let mut odd = vec![
        GrayImage::new(1, 1),
        GrayImage::new(300, 1),
        GrayImage::from_pixel(64, 64, Luma([90])),
    ];
    odd.push(GrayImage::from_fn(2000, 9, |x, _| Luma([(x % 251) as u8])));
    odd.extend(films(13, 1));
    assert_eq!(clusters(&odd), [0, 1, 2, 3, 4]);
    assert!(clusters(&[]).is_empty());
}

#[test]
fn threads_do_not_matter() {
    let mut all = films(14, 20);
    all.extend(films(14, 20).iter().map(|f| turned(f, 33.0)));
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("pool");
        pool.install(|| clusters(&all))
    };
    assert_eq!(on(1), on(5));
}

fn save(film: &GrayImage, path: &Path) {
    std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
    film.save(path).expect("saves");
}

#[test]
fn an_audit_names_what_is_wrong() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let at = |name: &str| dir.path().join(name);
    for (i, film) in films(15, 8).iter().enumerate() {
        let class = if i % 2 == 0 {
            "fractured"
        } else {
            "not fractured"
        };
        save(film, &at(&format!("train/{class}/{i}.png")));
    }
    let more = films(15, 2);
    save(&more[0], &at("test/fractured/exact.png"));
    save(
        &turned(&more[1], 25.0),
        &at("test/not fractured/turned.jpg"),
    );
    save(
        &flip_horizontal(&more[0]),
        &at("val/not fractured/contradicts.png"),
    );
    save(&films(16, 1)[0], &at("val/fractured/new.png"));
    let png = std::fs::read(at("train/fractured/2.png")).expect("reads");
    std::fs::write(at("val/fractured/named.jpg"), &png).expect("writes");
    std::fs::write(at("val/fractured/cut.png"), &png[..png.len() / 2]).expect("writes");
    std::fs::write(at("val/fractured/text.png"), "no image").expect("writes");

    let catalog = Catalog::open(dir.path()).expect("opens");
    let found = audit(
        catalog.entries(),
        &Decoder::default(),
        &Matcher::default(),
        &|_| {},
    );
    assert_eq!(
        (found.images, found.distinct, found.exact_copies),
        (15, 9, 2)
    );
    let bad: Vec<_> = found
        .unreadable
        .iter()
        .map(|f| (f.path.as_str(), f.truncated))
        .collect();
    assert_eq!(
        bad,
        [
            ("val/fractured/cut.png", true),
            ("val/fractured/text.png", false)
        ]
    );
    assert_eq!(found.mislabeled.len(), 1);
    assert_eq!(
        (
            found.mislabeled[0].path.as_str(),
            found.mislabeled[0].format
        ),
        ("val/fractured/named.jpg", "png")
    );
    assert_eq!(found.conflicts.len(), 1);
    assert_eq!(
        found.conflicts[0].not_fractured,
        ["val/not fractured/contradicts.png"]
    );
    assert!(!found.conflicts[0].exact);
    let leak = |judged, known_to| {
        let leak = found
            .leaks
            .iter()
            .find(|l| (l.judged, l.known_to) == (judged, known_to))
            .expect("pair");
        (leak.images, leak.exact, leak.near)
    };
    assert_eq!(leak(Split::Test, Split::Train), (2, 1, 1));
    assert_eq!(leak(Split::Train, Split::Test), (8, 1, 1));
    assert_eq!(leak(Split::Val, Split::Train), (3, 1, 1));
    let test = found
        .nearest_neighbour
        .iter()
        .find(|n| n.judged == Split::Test)
        .expect("test");
    assert_eq!((test.images, test.remembered), (2, 8));
    // The exact copy is answered right; of the turned one a nearest neighbour knows nothing.
    assert!(test.as_published.accuracy >= Some(0.5));
    let json = serde_json::to_value(&found).expect("JSON");
    assert_eq!(json["files"].as_array().map(Vec::len), Some(15));
}

#[test]
fn figures_that_give_the_class_away_are_named() {
    let dir = tempfile::tempdir().expect("temporary folder");
    for (i, film) in films(17, 16).iter().enumerate() {
        let (class, film) = if i % 2 == 0 {
            ("fractured", film.clone())
        } else {
            ("not fractured", shrunk(film, 60))
        };
        save(&film, &dir.path().join(format!("{class}/{i}.png")));
    }
    let catalog = Catalog::open(dir.path()).expect("opens");
    let found = audit(
        catalog.entries(),
        &Decoder::default(),
        &Matcher::default(),
        &|_| {},
    );
    let row = |name: &str| {
        found
            .trivial_features
            .iter()
            .find(|f| f.feature == name)
            .expect("row")
    };
    assert!(row("megapixels").telling, "{:?}", row("megapixels"));
    assert!(!row("is_png").telling && row("is_png").auc == Some(0.5));
    assert!(found.nearest_neighbour.is_empty(), "no train, no memory");
}

/// Share of true pairs found, and of found pairs that are true.
fn score(found: &Audit, truth: &HashMap<String, String>) -> (f64, f64) {
    let pairs = |keys: Vec<String>| {
        let mut counts = HashMap::<String, u64>::new();
        for key in keys {
            *counts.entry(key).or_default() += 1;
        }
        counts.into_values().map(|n| n * (n - 1) / 2).sum::<u64>() as f64
    };
    let of = |f: &osteon_audit::FileReport| (truth[&f.path].clone(), format!("{:?}", f.cluster));
    let files: Vec<_> = found.files.iter().map(of).collect();
    let both = pairs(files.iter().map(|f| format!("{} {}", f.0, f.1)).collect());
    let (found, true_) = (
        pairs(files.iter().map(|f| f.1.clone()).collect()),
        pairs(files.into_iter().map(|f| f.0).collect()),
    );
    (both / true_, both / found)
}

#[test]
fn real_films_by_their_manifest() {
    let (Some(root), Some(manifests)) = (real_films("kaggle"), real_films("manifests")) else {
        return;
    };
    let mut truth = HashMap::new();
    for row in csv::Reader::from_path(manifests.join("kaggle.csv"))
        .expect("opens")
        .records()
    {
        let row = row.expect("row");
        let film = row[3]
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap_or_default();
        // Image 1 is a right wrist, image 2 a left one; the manifest counts them as one cluster, 291.
        let cluster = if &row[4] == "291" {
            format!("291/{film}")
        } else {
            row[4].to_owned()
        };
        truth.insert(format!("{}/{}/{}", &row[1], &row[2], &row[3]), cluster);
    }
    let catalog = Catalog::open(root).expect("opens");
    let some: Vec<_> = catalog
        .entries()
        .iter()
        .filter(|e| e.split == Split::Test)
        .cloned()
        .collect();
    let found = audit(&some, &Decoder::default(), &Matcher::default(), &|_| {});
    let (recall, precision) = score(&found, &truth);
    assert!(
        recall >= 0.97 && precision >= 0.99,
        "recall {recall}, precision {precision}"
    );
}

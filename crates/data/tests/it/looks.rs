//! What is asked about an image while it is read.

use osteon_data::{Catalog, Dataset, Decoder, Look, Preprocess, Split};
use osteon_synth::write_synth;

/// One reading gives the same images as two, and the boxes where they would be found by reading once more.
#[test]
fn looking_at_images_while_they_are_read_changes_nothing_of_them() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let set = dir.path().join("set");
    write_synth(&set, 40, 5, &|| {}).expect("writes");
    let catalog = Catalog::open(&set).expect("opens");
    let entries = catalog.split(Split::Train).expect("train");
    // The second does not read: nothing is said of it, and all others keep their places.
    std::fs::write(&entries[1].path, b"no image").expect("writes");
    let (decoder, preprocess) = (Decoder::default(), Preprocess::default());
    let mut plain = Dataset::load(entries, &decoder, &preprocess, &|| {}).expect("loads");
    plain.locate(entries, &decoder).expect("locates");
    for in_color in [false, true] {
        let look = Look {
            in_color,
            at: &|image, color| (image.full_size(), color.is_some()),
        };
        let (mut films, said) =
            Dataset::load_and_look(entries, &decoder, &preprocess, look, &|| {}).expect("loads");
        assert_eq!(films.fingerprint(), plain.fingerprint());
        assert_eq!(films.unreadable(), plain.unreadable());
        assert_eq!(said.len(), entries.len() - 1);
        let sizes: Vec<(u32, u32)> = said.iter().map(|(size, _)| *size).collect();
        films.locate_at(entries, &sizes);
        assert!(films.located() > 0);
        for image in 0..films.len() {
            assert_eq!(films.gray(image).pixels(), plain.gray(image).pixels());
            assert_eq!(films.boxes(image), plain.boxes(image));
            let path = &entries[image + usize::from(image > 0)].path;
            let whole = decoder.decode_path(path).expect("decodes");
            assert_eq!(sizes[image], whole.dimensions());
        }
    }
}

#[test]
fn colours_are_shown_where_they_are_asked_for_and_there() {
    let dir = tempfile::tempdir().expect("temporary folder");
    for (name, class) in [("a", "fractured"), ("b", "not fractured")] {
        let folder = dir.path().join("train").join(class);
        std::fs::create_dir_all(&folder).expect("makes");
        let red = image::RgbImage::from_pixel(30, 20, image::Rgb([200, 10, 10]));
        red.save(folder.join(format!("{name}.png"))).expect("saves");
    }
    let catalog = Catalog::open(dir.path()).expect("opens");
    let shown = |in_color| {
        let look = Look {
            in_color,
            at: &|_, color| color.map(|color| color.pixels()[0]),
        };
        let entries = catalog.split(Split::Train).expect("train");
        let (decoder, preprocess) = (Decoder::default(), Preprocess::default());
        let done = Dataset::load_and_look(entries, &decoder, &preprocess, look, &|| {});
        done.expect("loads").1
    };
    assert_eq!(shown(true), [Some([200, 10, 10]); 2]);
    assert_eq!(shown(false), [None; 2]);
}

/// What decodes of a damaged image in colour is not what decodes of its luma alone: it is fitted from the latter, asked about or not.
#[test]
fn a_damaged_image_in_colour_is_fitted_as_it_is_without_a_look() {
    let dir = tempfile::tempdir().expect("temporary folder");
    for (seed, class) in [(3, "fractured"), (7, "not fractured")] {
        let folder = dir.path().join("train").join(class);
        std::fs::create_dir_all(&folder).expect("makes");
        let picture = image::RgbImage::from_fn(300, 260, |x, y| {
            let wave = |step: u32| ((x * step + y * seed * step) % 251) as u8;
            image::Rgb([wave(1), wave(2), wave(5)])
        });
        let path = folder.join("a.jpg");
        picture.save(&path).expect("saves");
        let whole = std::fs::read(&path).expect("reads");
        std::fs::write(&path, &whole[..whole.len() * 2 / 3]).expect("cuts");
    }
    let catalog = Catalog::open(dir.path()).expect("opens");
    let entries = catalog.split(Split::Train).expect("train");
    let preprocess = Preprocess::default();
    let decoder = Decoder {
        repair: true,
        ..Decoder::default()
    };
    let plain = Dataset::load(entries, &decoder, &preprocess, &|| {}).expect("loads");
    let look = Look {
        in_color: true,
        at: &|_, color| color.is_some(),
    };
    let (films, said) =
        Dataset::load_and_look(entries, &decoder, &preprocess, look, &|| {}).expect("loads");
    // libjpeg-turbo gives no colours of what is damaged.
    assert_eq!(said, [cfg!(not(feature = "turbo")); 2]);
    assert_eq!((films.repaired(), films.len()), (plain.repaired(), 2));
    assert_eq!(films.repaired().len(), 2);
    for image in 0..2 {
        assert_eq!(films.gray(image).pixels(), plain.gray(image).pixels());
    }
}

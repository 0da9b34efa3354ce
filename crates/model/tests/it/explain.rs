//! Heatmaps: against PyTorch's autograd (`tests/oracles/make_grad_cam.py`), against what must hold, and on images of every shape.

use std::io::Cursor;
use std::path::Path;

use image::{GrayImage, ImageFormat, Luma};
use osteon_data::{Catalog, Dataset, Decoder, Fit, FittedBox, Preprocess, RelativeBox, Split};
use osteon_metrics::rank_correlation;
use osteon_model::{
    Architecture, ArchitectureName, DELETED_SHARES, Device, HeatKind, Heatmap, ModelError,
    ModelInfo, Net, Placement, Predictor, ResidualOptions, save,
};
use osteon_synth::{Synth, write_synth};
use serde_json::Value;
use tch::{Kind, Tensor};

use crate::parity::{fill, films};

fn flat(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.contiguous().view(-1)).expect("a vector")
}

fn of(name: ArchitectureName) -> Architecture {
    Architecture {
        name,
        ..Architecture::default()
    }
}

fn assert_oracle(net: &Net, side: i64, key: &str) {
    let all: Value = serde_json::from_str(include_str!("../oracles/grad_cam.json")).expect("JSON");
    let theirs: Vec<Vec<Vec<f32>>> = serde_json::from_value(all[key].clone()).expect("maps");
    let (heat, kind) = net.heat(&films(3, side), None).expect("computes");
    let size = [theirs.len(), theirs[0].len(), theirs[0][0].len()].map(|n| n as i64);
    assert_eq!((kind, heat.size()), (HeatKind::GradCam, size.to_vec()));
    let theirs = theirs.concat().concat();
    assert!(
        theirs.iter().any(|v| *v > 0.0 && *v < 1.0),
        "says something"
    );
    for (ours, theirs) in flat(&heat).iter().zip(&theirs) {
        assert!((ours - theirs).abs() < 1e-5, "{key}: {ours} and {theirs}");
    }
}

#[test]
fn hires_cam_is_pytorch_s() {
    let net = of(ArchitectureName::SeedCnn)
        .build(24, Device::Cpu)
        .expect("builds");
    fill(&net);
    assert_oracle(&net, 24, "seed_cnn_24");
    for (key, widths, blocks, stem_stride) in [
        ("residual_33", vec![8, 12, 16], vec![1, 2, 1], 2),
        ("fine_33", vec![8, 12], vec![1, 1], 1),
    ] {
        let residual = ResidualOptions {
            widths,
            blocks,
            stem_stride,
            dropout: 0.0,
            ..ResidualOptions::default()
        };
        let architecture = Architecture {
            residual,
            ..Architecture::default()
        };
        let mut net = architecture.build(33, Device::Cpu).expect("builds");
        fill(&net);
        assert_oracle(&net, 33, key);
        // Folded norms move only the features' last digits; what comes after them is gone through as before.
        net.freeze().expect("freezes");
        assert_oracle(&net, 33, key);
    }
}

/// The logit of `fracture_map` is the mean of its map's eight highest cells, linear in the finest features: HiResCAM is those cells of the map but for
/// its bias, and nothing else speaks.
#[test]
fn of_a_network_with_a_map_it_is_the_map_s_highest_cells_above_its_bias() {
    let net = of(ArchitectureName::FractureMap)
        .build(64, Device::Cpu)
        .expect("builds");
    fill(&net);
    let films = films(2, 64);
    let map = net.answer(&films, false).expect("computes").map;
    let map = map.expect("a map").detach();
    let (own, kind) = net.heat(&films, None).expect("computes");
    assert_eq!((kind, own.size()), (HeatKind::FractureMap, vec![2, 8, 8]));
    assert_eq!(flat(&own), flat(&map.sigmoid()));

    let (cam, kind) = net.heat(&films, Some(HeatKind::GradCam)).expect("computes");
    assert_eq!((kind, cam.size()), (HeatKind::GradCam, vec![2, 8, 8]));
    let tensors = net.tensors();
    let bias = tensors.iter().find(|(name, _)| name == "map.bias");
    let above = (&map - bias.expect("there").1.detach()).relu();
    let (highest, _) = map.flatten(1, 2).topk(8, 1, true, false);
    let least = highest.amin([1], true).unsqueeze(2);
    let above = above * map.ge_tensor(&least).to_kind(Kind::Float);
    let expected = &above / above.amax([1, 2], true);
    let far = (&cam - &expected).abs().max().double_value(&[]);
    assert!(far < 1e-5, "{far}");
    assert!(expected.max().double_value(&[]) > 0.9, "says something");
    // Whatever the caller had chosen for its thread is left as it was.
    let tracked = Tensor::ones([1], (Kind::Float, Device::Cpu)).set_requires_grad(true) * 2.0;
    assert!(tracked.requires_grad());
}

/// The residual network's features go through a mean and a maximum. Where the first speaks against a fracture and the second for one, a channel's mean gradient
/// is negative, and Grad-CAM is empty whatever the image; the hottest cells are what speaks for it.
#[test]
fn mean_and_maximum_do_not_cancel_each_other() {
    let mut net = of(ArchitectureName::Residual)
        .build(128, Device::Cpu)
        .expect("builds");
    fill(&net);
    for (name, tensor) in net.tensors() {
        if name == "fc.weight" {
            let half = tensor.size()[1] / 2;
            let signs = Tensor::cat(
                &[
                    Tensor::ones([half], (Kind::Float, Device::Cpu)) * -2.0,
                    Tensor::ones([half], (Kind::Float, Device::Cpu)),
                ],
                0,
            );
            tensor.detach().copy_(&signs.unsqueeze(0));
        }
    }
    net.freeze().expect("freezes");
    let (heat, kind) = net.heat(&films(3, 128), None).expect("computes");
    assert_eq!((kind, heat.size()), (HeatKind::GradCam, vec![3, 4, 4]));
    for film in flat(&heat).chunks(16) {
        let hot = film.iter().filter(|v| **v > 0.0).count();
        assert!(hot > 0 && hot < 16, "{film:?}");
    }
}

#[test]
fn a_map_is_refused_where_there_is_none() {
    let net = of(ArchitectureName::SeedCnn)
        .build(24, Device::Cpu)
        .expect("builds");
    let refused = net.heat(&films(1, 24), Some(HeatKind::FractureMap));
    assert!(matches!(refused, Err(ModelError::NoMap { .. })));
}

/// Adebayo et al., "Sanity Checks for Saliency Maps", `NeurIPS` 2018: a map that stays when the weights are drawn anew explains the image, not
/// the network. Fixed weights
/// against five fresh draws: the rank correlations' sizes are at most 0.8 on average, and none is 0.95.
#[test]
fn heatmaps_hang_on_the_weights() {
    let film = Synth::new(3).image(0).pixels;
    // Enough cells that none are alike by chance: 8×8 of the map, 7×7 of the residual network's features.
    for (name, side) in [
        (ArchitectureName::FractureMap, 64_i64),
        (ArchitectureName::Residual, 224),
    ] {
        let preprocess = Preprocess {
            size: side as u32,
            ..Preprocess::default()
        };
        let pixels = preprocess.apply(&film);
        let drawn = |seed: i64| {
            tch::manual_seed(seed);
            let net = of(name).build(side as usize, Device::Cpu).expect("builds");
            let input = net.input(&pixels, 1, side as usize).expect("fits");
            (net, input)
        };
        let heat = |net: &Net, input: &Tensor, kind| {
            let (heat, _) = net.heat(input, kind).expect("computes");
            assert!(heat.isfinite().all().int64_value(&[]) == 1);
            flat(&heat)
        };
        let (trained, input) = drawn(1);
        fill(&trained);
        for kind in [HeatKind::FractureMap, HeatKind::GradCam] {
            if name == ArchitectureName::Residual && kind == HeatKind::FractureMap {
                continue;
            }
            let fixed = heat(&trained, &input, Some(kind));
            assert_eq!(fixed, heat(&trained, &input, Some(kind)), "the same again");
            let alike = [11, 12, 13, 14, 15].map(|seed| {
                let (other, input) = drawn(seed);
                let other = heat(&other, &input, Some(kind));
                // A map that is cold everywhere is as different as can be.
                rank_correlation(&fixed, &other).unwrap_or(0.0)
            });
            // An image's shape, its bars above all, shows through any weights: one draw may be alike by chance, not all.
            let mean = alike.iter().map(|r| r.abs()).sum::<f64>() / 5.0;
            assert!(mean <= 0.8, "{name}, {kind}: {alike:?}");
            assert!(alike.iter().all(|r| *r < 0.95), "{name}, {kind}: {alike:?}");
        }
    }
}

fn model(dir: &Path, architecture: Architecture, preprocess: Preprocess) -> Predictor {
    let path = dir.join("model.safetensors");
    let net = architecture
        .build(preprocess.side(), Device::Cpu)
        .expect("builds");
    fill(&net);
    save(&path, &net, &ModelInfo::new(architecture, preprocess)).expect("saves");
    Predictor::open(&path, Device::Cpu).expect("opens")
}

#[test]
fn path_bytes_and_batch_explain_alike() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let preprocess = Preprocess {
        size: 64,
        ..Preprocess::default()
    };
    let predictor = model(dir.path(), of(ArchitectureName::FractureMap), preprocess);
    let root = dir.path().join("set");
    write_synth(&root, 40, 2, &|| {}).expect("writes");
    let catalog = Catalog::open(&root).expect("opens");
    let entries = catalog.split(Split::Train).expect("train");
    let preprocess = &predictor.info().preprocess;
    let films = Dataset::load(entries, &Decoder::default(), preprocess, &|| {}).expect("loads");
    let which: Vec<usize> = (0..films.len()).rev().step_by(2).collect();
    let batch = predictor
        .heatmaps(&films, &which, None, &|_| {})
        .expect("explains");
    assert_eq!(batch.len(), which.len());
    for (&film, map) in which.iter().zip(&batch) {
        let path = &entries[film].path;
        let explained = predictor.explain_path(path, None).expect("explains");
        let bytes = std::fs::read(path).expect("reads");
        let again = predictor.explain_bytes(&bytes, None).expect("explains");
        assert_eq!(explained.heatmap, again.heatmap);
        let predicted = predictor.predict_path(path).expect("predicts");
        assert!((explained.prediction.score - predicted.score).abs() < 1e-12);
        assert_eq!((map.width, map.height), (8, 8));
        for (a, b) in map.values.iter().zip(&explained.heatmap.values) {
            assert!((a - b).abs() < 1e-5);
        }
        let deleted = predictor.delete(&films, film, map, 5).expect("computes");
        let deleted = deleted.expect("heat");
        assert!((deleted.score - predicted.score).abs() < 1e-5);
        assert_eq!(
            Some(deleted),
            predictor.delete(&films, film, map, 5).expect("computes")
        );
        // Nothing is said to matter: there is nothing to take away.
        let mut empty = map.clone();
        empty.values.fill(0.0);
        assert_eq!(
            predictor.delete(&films, film, &empty, 5).expect("computes"),
            None
        );
        let scores = deleted.hottest.iter().chain(&deleted.random);
        assert!(scores.clone().all(|s| (0.0..=1.0).contains(s)));
        assert_eq!(scores.count(), 2 * DELETED_SHARES.len());
    }
}

/// A bright square on an image that is no square: its middle is found again on the image, and lies where a box around it goes.
#[test]
fn cells_find_back_to_films_of_any_shape() {
    for (film, fit) in [
        ((400, 200), Fit::Letterbox),
        ((201, 333), Fit::Letterbox),
        ((400, 200), Fit::Stretch),
        ((400, 200), Fit::Crop),
    ] {
        let preprocess = Preprocess {
            size: 128,
            fit,
            ..Preprocess::default()
        };
        let (w, h) = (f64::from(film.0), f64::from(film.1));
        // In the middle half of the image, so that a crop keeps it.
        let relative = RelativeBox::new(0.4, 0.625, 0.1, 0.1).expect("a box");
        let inside = |x: u32, y: u32| {
            (f64::from(x) / w - 0.4).abs() < 0.05 && (f64::from(y) / h - 0.625).abs() < 0.05
        };
        let picture = GrayImage::from_fn(film.0, film.1, |x, y| {
            Luma([if inside(x, y) { 255 } else { 40 }])
        });
        let levels = preprocess.apply(&picture);
        // The network's heat, as if it saw brightness: 16×16 cells of 8×8 pixels.
        let values: Vec<f32> = (0..256)
            .map(|cell| {
                let (left, top) = (cell % 16 * 8, cell / 16 * 8);
                let bright = (0..64).filter(|i| levels[(top + i / 8) * 128 + left + i % 8] > 0.0);
                bright.count() as f32 / 64.0
            })
            .collect();
        let heatmap = Heatmap {
            width: 16,
            height: 16,
            values,
            kind: HeatKind::FractureMap,
        };
        let placement = Placement::new(film, &preprocess, (16, 16));
        let (x, y, _) = heatmap.peak().expect("heat");
        let area = placement.on_image((x, y)).expect("on the image");
        let middle = (
            f64::midpoint(area.left, area.right) / w,
            f64::midpoint(area.top, area.bottom) / h,
        );
        // Half a cell is 1/32 of the square, on the image up to twice that.
        assert!(
            (middle.0 - 0.4).abs() < 0.09,
            "{film:?} {fit:?}: {middle:?}"
        );
        assert!(
            (middle.1 - 0.625).abs() < 0.09,
            "{film:?} {fit:?}: {middle:?}"
        );

        // As the boxes that training uses.
        let cells = placement.in_cells(relative);
        let fitted = FittedBox::new(relative, film, &preprocess);
        let near = |a: f64, b: f32| assert!((a - f64::from(b)).abs() < 1e-4, "{a} and {b}");
        near(cells.left * 8.0, fitted.cx + 0.5 - fitted.w / 2.0);
        near(cells.right * 8.0, fitted.cx + 0.5 + fitted.w / 2.0);
        near(cells.top * 8.0, fitted.cy + 0.5 - fitted.h / 2.0);
        near(cells.bottom * 8.0, fitted.cy + 0.5 + fitted.h / 2.0);

        // Spread over the image, the heat is where the square is.
        let (small_w, small_h) = (film.0 / 2, film.1 / 2);
        let heat = placement.spread(&heatmap, small_w, small_h);
        let (mut sum, mut at) = (0.0, (0.0, 0.0));
        for (i, &heat) in heat.iter().enumerate() {
            let (x, y) = (i % small_w as usize, i / small_w as usize);
            sum += f64::from(heat);
            at.0 += f64::from(heat) * (x as f64 + 0.5) / f64::from(small_w);
            at.1 += f64::from(heat) * (y as f64 + 0.5) / f64::from(small_h);
        }
        assert!((at.0 / sum - 0.4).abs() < 0.03, "{film:?} {fit:?}");
        assert!((at.1 / sum - 0.625).abs() < 0.03, "{film:?} {fit:?}");
    }
}

#[test]
fn what_is_beside_the_film_has_no_place_on_it() {
    let preprocess = Preprocess {
        size: 128,
        ..Preprocess::default()
    };
    // Lies in the middle half of the rows.
    let placement = Placement::new((400, 200), &preprocess, (16, 16));
    assert_eq!(placement.image_size(), (400, 200));
    assert!(placement.on_image((0, 3)).is_none());
    assert!(placement.on_image((15, 12)).is_none());
    let first = placement.on_image((0, 4)).expect("on the image");
    assert!(first.left.abs() < 1e-9 && first.top.abs() < 1e-9);
    assert!((first.right - 25.0).abs() < 1e-9 && (first.bottom - 25.0).abs() < 1e-9);
    // Of a cropped image the ends were never seen: no heat there.
    let crop = Preprocess {
        fit: Fit::Crop,
        ..preprocess
    };
    let hot = Heatmap {
        width: 16,
        height: 16,
        values: vec![1.0; 256],
        kind: HeatKind::GradCam,
    };
    let heat = Placement::new((400, 200), &crop, (16, 16)).spread(&hot, 40, 20);
    let row: Vec<f32> = heat[..40].to_vec();
    assert!(row[..9].iter().chain(&row[31..]).all(|v| v.abs() < 1e-6));
    assert!(row[11..29].iter().all(|v| (v - 1.0).abs() < 1e-6));
}

#[test]
fn a_film_of_one_colour_is_explained_without_a_fault() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let preprocess = Preprocess {
        size: 64,
        ..Preprocess::default()
    };
    let predictor = model(dir.path(), of(ArchitectureName::Residual), preprocess);
    for level in [0, 255] {
        let mut png = Cursor::new(Vec::new());
        GrayImage::from_pixel(90, 50, Luma([level]))
            .write_to(&mut png, ImageFormat::Png)
            .expect("encodes");
        let said = predictor
            .explain_bytes(png.get_ref(), None)
            .expect("explains");
        let range = said.heatmap.values.iter().all(|v| (0.0..=1.0).contains(v));
        assert!(range, "{:?}", said.heatmap.values);
    }
}

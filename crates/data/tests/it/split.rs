//! The laws of a division.

use std::collections::{BTreeMap, BTreeSet};

use osteon_data::{
    Catalog, DataError, Entry, Groups, Label, Split, SplitOptions, SplitRecord, clean_images,
    fold_images, fold_splits, split_images, write_manifest,
};
use proptest::prelude::*;

use crate::{put, real_films};

fn entry(index: usize, fractured: bool, region: usize) -> Entry {
    let label = if fractured {
        Label::Fractured
    } else {
        Label::NotFractured
    };
    let id = format!("{index:05}.png");
    let mut entry = Entry::new(id.clone().into(), id, label, Split::Test);
    entry
        .fields
        .insert("region".to_owned(), format!("r{region}"));
    entry
}

prop_compose! {
    /// Images in groups of up to `largest`, each group with a leaning to one class.
    fn films(largest: usize)(groups in prop::collection::vec((1..=largest, 0.0..1.0f64, 0..3usize, any::<u64>()), 60..160))
        -> (Vec<Entry>, Vec<usize>)
    {
        let (mut entries, mut numbers) = (Vec::new(), Vec::new());
        for (number, (size, leaning, region, dice)) in groups.into_iter().enumerate() {
            for film in 0..size {
                let drawn = (dice.rotate_left(7 * film as u32) % 1000) as f64 / 1000.0;
                entries.push(entry(entries.len(), drawn < leaning, region));
                numbers.push(number);
            }
        }
        (entries, numbers)
    }
}

fn count(splits: &[Split], split: Split) -> f64 {
    splits.iter().filter(|s| **s == split).count() as f64
}

fn options(seed: u64) -> SplitOptions {
    SplitOptions {
        seed,
        balance: Some("region".to_owned()),
        ..SplitOptions::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_group_is_in_two_splits((entries, groups) in films(6), seed: u64) {
        let splits = split_images(&entries, &groups, &options(seed)).expect("divides");
        let mut of: BTreeMap<usize, BTreeSet<Split>> = BTreeMap::new();
        for (group, split) in groups.iter().zip(&splits) {
            of.entry(*group).or_default().insert(*split);
        }
        prop_assert!(of.values().all(|splits| splits.len() == 1));
    }

    /// Within the largest group of what was asked for, as the documentation says.
    #[test]
    fn sizes_are_what_was_asked_for((entries, groups) in films(6), seed: u64, val in 0.1..0.3f64, test in 0.1..0.3f64) {
        let options = SplitOptions { val, test, ..options(seed) };
        let splits = split_images(&entries, &groups, &options).expect("divides");
        let films = entries.len() as f64;
        for (split, fraction) in [(Split::Train, 1.0 - val - test), (Split::Val, val), (Split::Test, test)] {
            let off = (count(&splits, split) - fraction * films).abs();
            prop_assert!(off <= 6.0, "{split}: {off} images off");
        }
    }

    #[test]
    fn classes_and_subgroups_are_balanced((entries, groups) in films(4), seed: u64) {
        let splits = split_images(&entries, &groups, &options(seed)).expect("divides");
        let share = |of: &dyn Fn(&Entry) -> bool, split: Option<Split>| {
            let there = entries.iter().zip(&splits).filter(|(_, s)| split.is_none_or(|split| split == **s));
            let (hits, all) = there.fold((0.0, 0.0), |(h, a), (e, _)| (h + f64::from(u8::from(of(e))), a + 1.0));
            hits / all
        };
        for split in Split::ALL {
            let tolerance = 6.0 / count(&splits, split);
            let fractured = |e: &Entry| e.label.is_fractured();
            let off = (share(&fractured, Some(split)) - share(&fractured, None)).abs();
            prop_assert!(off <= tolerance, "{split}: fractured off by {off}, {tolerance}");
            for region in ["r0", "r1", "r2"] {
                let within = |e: &Entry| e.fields["region"] == region;
                let off = (share(&within, Some(split)) - share(&within, None)).abs();
                prop_assert!(off <= 1.5 * tolerance, "{split}: {region} off by {off}, {tolerance}");
            }
        }
    }

    /// Neither the order of the images nor the numbers of the groups matter, only what is together and the seed.
    #[test]
    fn order_and_numbering_do_not_matter((entries, groups) in films(6), seed: u64, shuffle: u64) {
        let options = options(seed);
        let splits = split_images(&entries, &groups, &options).expect("divides");
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by_key(|&i| (i as u64 + 1).wrapping_mul(shuffle | 1));
        let shuffled: Vec<Entry> = order.iter().map(|&i| entries[i].clone()).collect();
        let renumbered: Vec<usize> = order.iter().map(|&i| 1_000_003 - 7 * groups[i]).collect();
        let again = split_images(&shuffled, &renumbered, &options).expect("divides");
        let back: Vec<Split> = order.iter().map(|&i| splits[i]).collect();
        prop_assert_eq!(again, back);
    }

    #[test]
    fn folds_are_equal_and_each_film_is_test_once((entries, groups) in films(5), seed: u64, folds in 3..6usize) {
        let numbers = fold_images(&entries, &groups, folds, &options(seed)).expect("divides");
        let equal = entries.len() as f64 / folds as f64;
        let mut tests = vec![0; entries.len()];
        for fold in 0..folds {
            let size = numbers.iter().filter(|n| **n == fold).count() as f64;
            prop_assert!((size - equal).abs() <= 5.0, "{size} images, not {equal}");
            let splits = fold_splits(&numbers, folds, fold);
            for (film, split) in splits.iter().enumerate() {
                tests[film] += usize::from(*split == Split::Test);
            }
            prop_assert!(Split::ALL.iter().all(|s| splits.contains(s)));
        }
        prop_assert!(tests.iter().all(|t| *t == 1));
        let mut of: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (group, fold) in groups.iter().zip(&numbers) {
            of.entry(*group).or_default().insert(*fold);
        }
        prop_assert!(of.values().all(|folds| folds.len() == 1));
    }

    #[test]
    fn cleaning_leaves_nothing_in_common_and_train_alone((mut entries, groups) in films(6), dice: u64) {
        for (i, entry) in entries.iter_mut().enumerate() {
            entry.split = Split::ALL[(dice.rotate_left(i as u32) % 3) as usize];
        }
        let stays = clean_images(&entries, &groups);
        let of = |split| -> BTreeSet<usize> {
            let kept = entries.iter().zip(&groups).zip(&stays).filter(|((e, _), s)| **s && e.split == split);
            kept.map(|((_, g), _)| *g).collect()
        };
        prop_assert!(of(Split::Train).is_disjoint(&of(Split::Val)));
        prop_assert!(of(Split::Train).is_disjoint(&of(Split::Test)));
        prop_assert!(of(Split::Val).is_disjoint(&of(Split::Test)));
        prop_assert!(entries.iter().zip(&stays).all(|(e, s)| *s || e.split != Split::Train));
        let all: BTreeSet<usize> = groups.iter().copied().collect();
        let left = of(Split::Train).len() + of(Split::Val).len() + of(Split::Test).len();
        prop_assert_eq!(left, all.len(), "a group goes from a split only if another has it");
    }

    /// Any names, fields and boxes come back from a manifest as they went in.
    #[test]
    fn a_manifest_loses_nothing(
        names in prop::collection::btree_set("[a-zé%;,\" ']{1,8}", 1..6),
        groups in prop::collection::vec(prop::option::of("[a-z;,\"]{1,4}"), 6),
        notes in prop::collection::vec("[a-zé,;\"\n]{0,6}", 6),
        boxes in prop::collection::vec((0.0..=1.0f32, 0.0..=1.0f32, 0.01..=1.0f32, 0.01..=1.0f32), 6),
    ) {
        let dir = tempfile::tempdir().expect("temporary folder");
        for (i, name) in names.iter().enumerate() {
            put(dir.path(), format!("{}/{name}.png", if i % 2 == 0 { "fractured" } else { "normal" }), "x");
        }
        let mut entries = Catalog::open(dir.path()).expect("opens").entries().to_vec();
        for (i, entry) in entries.iter_mut().enumerate() {
            entry.split = Split::ALL[i % 3];
            entry.group.clone_from(&groups[i]);
            if !notes[i].trim().is_empty() {
                entry.fields.insert("a note".to_owned(), notes[i].trim().to_owned());
            }
            let (cx, cy, w, h) = boxes[i];
            entry.boxes.extend(osteon_data::RelativeBox::new(cx, cy, w, h));
        }
        entries.sort_by(|a, b| (a.split, &a.id).cmp(&(b.split, &b.id)));
        let path = dir.path().join("manifest.csv");
        let fingerprint = write_manifest(&path, &entries, &SplitRecord::default()).expect("writes");
        let back = Catalog::open(&path).expect("opens");
        prop_assert_eq!(back.entries(), &entries);
        prop_assert_eq!(back.fingerprint(), fingerprint);
    }
}

/// The division itself is a promise: a seed in a paper must give the same images in later versions.
#[test]
fn a_seed_divides_the_same_for_ever() {
    let entries: Vec<Entry> = (0..24).map(|i| entry(i, i % 3 == 0, i % 2)).collect();
    let groups: Vec<usize> = (0..24).map(|i| i / 2).collect();
    let splits = split_images(
        &entries,
        &groups,
        &SplitOptions {
            val: 0.25,
            test: 0.25,
            seed: 7,
            balance: None,
        },
    )
    .expect("divides");
    let letters: String = splits.iter().step_by(2).map(|s| &s.name()[..2]).collect();
    assert_eq!(letters, "tetetrtrtrtrvatetrtrvava");
}

#[test]
fn what_cannot_be_divided_is_said() {
    let entries: Vec<Entry> = (0..30).map(|i| entry(i, i < 10, 0)).collect();
    let alone: Vec<usize> = (0..30).collect();
    let said = |groups: &[usize], options: &SplitOptions| {
        split_images(&entries, groups, options)
            .expect_err("refused")
            .to_string()
    };
    let plain = SplitOptions::default();
    let few: Vec<usize> = (0..30).map(|i| if i < 10 { i / 5 } else { i }).collect();
    assert_eq!(
        said(&few, &plain),
        "val would have no fractured images: the data set has 2 group(s) with such images, and groups are kept together"
    );
    assert_eq!(
        said(
            &alone,
            &SplitOptions {
                val: 0.6,
                test: 0.4,
                ..plain.clone()
            }
        ),
        "val and test together must be less than 1, to leave images to train on"
    );
    assert_eq!(
        said(
            &alone,
            &SplitOptions {
                val: f64::NAN,
                ..plain.clone()
            }
        ),
        "val must be a fraction from 0 to 1"
    );
    assert_eq!(
        said(&alone[..3], &plain),
        "3 groups for 30 images: each image needs one"
    );
    let by = SplitOptions {
        balance: Some("hospital".to_owned()),
        ..plain.clone()
    };
    assert_eq!(
        said(&alone, &by),
        "no image has a column \"hospital\"; there are region"
    );
    assert!(
        fold_images(&entries, &alone, 2, &plain)
            .expect_err("two")
            .to_string()
            .contains("3 or more")
    );
    let without_val =
        split_images(&entries, &alone, &SplitOptions { val: 0.0, ..plain }).expect("divides");
    assert!(!without_val.contains(&Split::Val));
}

#[test]
fn groups_from_several_sources_are_joined() {
    let mut entries: Vec<Entry> = (0..6).map(|i| entry(i, i % 2 == 0, i / 2)).collect();
    entries[0].group = Some("p".to_owned());
    entries[5].group = Some("p".to_owned());
    let mut groups = Groups::known(&entries);
    assert_eq!(
        (groups.numbers(), groups.count()),
        (vec![0, 1, 2, 3, 4, 0], 5)
    );
    groups.join_field(&entries, "region").expect("a field");
    assert_eq!(
        (groups.numbers(), groups.count()),
        (vec![0, 0, 2, 2, 0, 0], 2)
    );
    let mut pairs = Groups::known(&entries);
    pairs.join([None, Some("x"), Some("x"), None, None, None]);
    pairs.name(&mut entries);
    let names: Vec<_> = entries
        .iter()
        .map(|e| e.group.as_deref().unwrap_or("-"))
        .collect();
    assert_eq!(names, ["p", "00001.png", "00001.png", "-", "-", "p"]);
    assert!(matches!(
        groups.join_field(&entries, "kind"),
        Err(DataError::UnknownField { .. })
    ));
}

#[test]
fn clusters_of_an_audit_are_read() {
    let dir = tempfile::tempdir().expect("temporary folder");
    for file in [
        "fractured/a.png",
        "fractured/b.png",
        "normal/c.png",
        "normal/d.png",
    ] {
        put(dir.path(), file, "x");
    }
    let catalog = Catalog::open(dir.path()).expect("opens");
    let entries = catalog.entries();
    let audit = dir.path().join("clusters.json");
    // By name, by path, by the same place in other words, and one that is like no other.
    let text = serde_json::json!({"leaks": [], "files": [
        {"path": "fractured/a.png", "cluster": 3, "sha256": "00"},
        {"path": dir.path().join("normal/c.png"), "cluster": 3},
        {"path": dir.path().join("normal/../fractured/b.png"), "cluster": 4},
        {"path": "normal/d.png", "cluster": null},
    ]});
    put(dir.path(), "clusters.json", text.to_string());
    let mut groups = Groups::alone(4);
    groups.join_clusters(entries, &audit).expect("reads");
    assert_eq!(groups.numbers(), [0, 1, 0, 3]);
    put(
        dir.path(),
        "clusters.json",
        r#"{"files":[{"path":"fractured/a.png","cluster":1}]}"#,
    );
    let said = groups
        .join_clusters(entries, &audit)
        .expect_err("stale")
        .to_string();
    assert!(
        said.ends_with(
            "clusters.json says nothing of fractured/b.png: it was made for other images"
        ),
        "{said}"
    );
    put(dir.path(), "clusters.json", "[]");
    assert!(matches!(
        groups.join_clusters(entries, &audit),
        Err(DataError::Json { .. })
    ));
}

/// The Kaggle set's own splits share images; divided by its clusters, they share none, and sizes and classes are still right.
#[test]
fn the_real_sets_are_divided_by_film() {
    let Some(root) = real_films("") else { return };
    for (set, tolerance) in [("kaggle", 0.02), ("fracatlas", 0.002)] {
        let catalog = Catalog::open(root.join(set)).expect("opens");
        let table =
            std::fs::read_to_string(root.join(format!("manifests/{set}.csv"))).expect("reads");
        let cluster: BTreeMap<String, String> = table
            .lines()
            .skip(1)
            .map(|line| {
                let cells: Vec<&str> = line.split(',').collect();
                (
                    format!("{}/{}/{}", cells[1], cells[2], cells[3]),
                    cells[4].to_owned(),
                )
            })
            .collect();
        let entries = catalog.entries();
        let named = |e: &Entry| cluster.get(&e.id.replace("%25", "%")).map(String::as_str);
        let mut groups = Groups::alone(entries.len());
        groups.join(entries.iter().map(named));
        assert!(groups.count() < entries.len());
        let numbers = groups.numbers();
        let clean = clean_images(entries, &numbers);
        let kept = |split| {
            entries
                .iter()
                .zip(&clean)
                .filter(|(e, c)| **c && e.split == split)
                .count()
        };
        println!(
            "{set}: {} images, {} groups; clean val {}, test {}",
            entries.len(),
            groups.count(),
            kept(Split::Val),
            kept(Split::Test)
        );
        let splits = split_images(entries, &numbers, &SplitOptions::default()).expect("divides");
        let all =
            entries.iter().filter(|e| e.label.is_fractured()).count() as f64 / entries.len() as f64;
        for (split, fraction) in [(Split::Train, 0.7), (Split::Val, 0.15), (Split::Test, 0.15)] {
            let films = count(&splits, split);
            let hits = entries
                .iter()
                .zip(&splits)
                .filter(|(e, s)| **s == split && e.label.is_fractured())
                .count();
            println!("  {split}: {films} images, {hits} fractured");
            assert!((films / entries.len() as f64 - fraction).abs() < tolerance);
            assert!((hits as f64 / films - all).abs() < tolerance * 2.0);
        }
    }
}

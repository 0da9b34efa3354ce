//! The images that the models that ship learn from, as one data set: FracAtlas, and of the Kaggle set one file of each image.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Clusters of the Kaggle set that are slices of CT or MR scans, or show one beside a radiograph; found by looking at one file of each.
const SCANS: [&str; 11] = [
    "52", "62", "93", "97", "123", "135", "217", "250", "277", "5126", "5151",
];

/// Columns of the manifest.
const COLUMNS: [&str; 9] = [
    "path", "label", "split", "group", "source", "region", "view", "hardware", "boxes",
];

/// Places of some of them.
const SPLIT: usize = 2;
const GROUP: usize = 3;
const REGION: usize = 5;

/// A row of a source's table.
struct Row(csv::StringRecord);

/// Where a column is in a table.
struct Head(csv::StringRecord);

impl Head {
    fn of<'a>(&self, row: &'a Row, name: &str) -> &'a str {
        let at = self.0.iter().position(|known| known == name);
        at.and_then(|at| row.0.get(at)).unwrap_or("")
    }

    /// The one of these columns that says 1, `mixed` if several do.
    fn one_of(&self, row: &Row, names: &[&'static str]) -> &'static str {
        let mut said = names.iter().filter(|name| self.of(row, name) == "1");
        match (said.next(), said.next()) {
            (Some(one), None) => one,
            (Some(_), Some(_)) => "mixed",
            (None, _) => "",
        }
    }
}

/// The data set that the models learn from, in the folder of the images.
pub const ALL: &str = "fracatlas-and-kaggle.csv";
/// The same for folds: what is val there is test here, which no fold learns from.
pub const FOLDS: &str = "folds.csv";

/// Copies the images to `out` and writes the tables there, last: where they lie, all is there.
pub fn gather(data: &Path, out: &Path) -> Result<()> {
    if [ALL, FOLDS].iter().all(|name| out.join(name).is_file()) {
        return Ok(());
    }
    let mut rows = Vec::new();
    for source in ["fracatlas", "kaggle"] {
        let mut of_one = of_source(data, source)?;
        if source == "fracatlas" {
            join_neighbours(&mut of_one);
        }
        rows.extend(of_one);
    }
    for (path, _) in &rows {
        let to = out.join(path);
        let folder = to.parent().unwrap_or(out);
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        fs::copy(data.join(path), &to)
            .with_context(|| format!("cannot copy {} to {}", path.display(), to.display()))?;
    }
    write(&out.join(ALL), &rows)?;
    for (_, record) in &mut rows {
        let split = &mut record[SPLIT];
        if split == "val" {
            "test".clone_into(split);
        }
    }
    write(&out.join(FOLDS), &rows)
}

/// Writes a manifest, whole or not at all.
fn write(path: &Path, rows: &[(PathBuf, [String; 9])]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for (_, record) in rows {
        writer.write_record(record)?;
    }
    let bytes = writer
        .into_inner()
        .context("cannot write a table to memory")?;
    Ok(osteon_files::write_atomic(path, &bytes)?)
}

/// The images of a source: where each lies below the data, and its row of the manifest.
fn of_source(data: &Path, source: &'static str) -> Result<Vec<(PathBuf, [String; 9])>> {
    let table = table_of(data, source);
    let mut reader = csv::Reader::from_path(&table)
        .with_context(|| format!("there is no table {}", table.display()))?;
    let head = Head(reader.headers()?.clone());
    for needed in ["split", "class", "file", "cluster", "cluster_rep"] {
        if !head.0.iter().any(|name| name == needed) {
            bail!("{} has no column {needed}", table.display());
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let row = Row(record.with_context(|| format!("cannot read {}", table.display()))?);
        let cluster = head.of(&row, "cluster");
        let kaggle = source == "kaggle";
        if kaggle && (head.of(&row, "cluster_rep") != "1" || SCANS.contains(&cluster)) {
            continue;
        }
        let (split, class) = (head.of(&row, "split"), head.of(&row, "class"));
        let path = format!("{source}/{split}/{class}/{}", head.of(&row, "file"));
        let split = match split {
            "val" if !kaggle => "val",
            _ => "train",
        };
        let hardware = match head.of(&row, "hardware") {
            "1" => "yes",
            "0" => "no",
            _ => "",
        };
        let record = [
            path.as_str(),
            class,
            split,
            &format!("cluster {cluster}"),
            source,
            head.one_of(&row, &["hand", "leg", "hip", "shoulder"]),
            head.one_of(&row, &["frontal", "lateral", "oblique"]),
            hardware,
            head.of(&row, "boxes_cx_cy_w_h"),
        ];
        rows.push((PathBuf::from(&path), record.map(str::to_owned)));
    }
    Ok(rows)
}

/// Puts into one group what follows each other in number and shows the same region. `FracAtlas` names no patients, but numbers the views of one examination in a row: of 482
/// fractured images 329 are followed by a fractured one, where chance would make it 57. What was one group stays one.
fn join_neighbours(rows: &mut [(PathBuf, [String; 9])]) {
    let number = |path: &Path| -> Option<u64> {
        let name = path.file_stem()?.to_str()?;
        name.trim_start_matches(|c: char| !c.is_ascii_digit())
            .parse()
            .ok()
    };
    let mut by_number: Vec<(u64, usize)> = rows
        .iter()
        .enumerate()
        .filter_map(|(row, (path, _))| Some((number(path)?, row)))
        .collect();
    by_number.sort_unstable();
    for pair in by_number.windows(2) {
        let [(before, a), (after, b)] = *pair else {
            continue;
        };
        let same = |column: usize| rows[a].1[column] == rows[b].1[column];
        if after == before + 1 && same(SPLIT) && same(REGION) {
            let (kept, gone) = (rows[a].1[GROUP].clone(), rows[b].1[GROUP].clone());
            for (_, record) in rows.iter_mut() {
                if record[GROUP] == gone {
                    record[GROUP].clone_from(&kept);
                }
            }
        }
    }
}

/// The table of a source.
fn table_of(data: &Path, source: &str) -> PathBuf {
    data.join("manifests").join(format!("{source}.csv"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_of_each_image_without_scans_and_val_apart() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "manifests/fracatlas.csv",
            "split,class,file,cluster,cluster_rep,hand,leg,frontal,lateral,hardware,boxes_cx_cy_w_h\n\
             train,fractured,a.jpg,1,1,1,0,1,1,0,0.5 0.5 0.1 0.1\n\
             val,not fractured,b.jpg,2,1,0,1,1,0,1,\n",
        );
        write(
            "manifests/kaggle.csv",
            "split,class,file,cluster,cluster_rep\n\
             test,fractured,c.png,8,1\n\
             train,fractured,copy of c.png,8,0\n\
             train,fractured,scan.png,62,1\n",
        );
        for path in [
            "fracatlas/train/fractured/a.jpg",
            "fracatlas/val/not fractured/b.jpg",
            "kaggle/test/fractured/c.png",
        ] {
            write(path, path);
        }
        let out = dir.path().join("out");
        gather(dir.path(), &out).unwrap();
        let folds = fs::read_to_string(out.join(FOLDS)).unwrap();
        let all = fs::read_to_string(out.join(ALL)).unwrap();
        assert_eq!(all.replace(",val,", ",test,"), folds);
        assert_ne!(all, folds);
        assert_eq!(
            folds,
            "path,label,split,group,source,region,view,hardware,boxes\n\
             fracatlas/train/fractured/a.jpg,fractured,train,cluster 1,fracatlas,hand,mixed,no,0.5 0.5 0.1 0.1\n\
             fracatlas/val/not fractured/b.jpg,not fractured,test,cluster 2,fracatlas,leg,frontal,yes,\n\
             kaggle/test/fractured/c.png,fractured,train,cluster 8,kaggle,,,,\n"
        );
        let copied = out.join("kaggle/test/fractured/c.png");
        assert_eq!(
            fs::read_to_string(copied).unwrap(),
            "kaggle/test/fractured/c.png"
        );
        // What is there is not made again.
        fs::remove_dir_all(dir.path().join("manifests")).unwrap();
        gather(dir.path(), &out).unwrap();
    }

    #[test]
    fn neighbours_of_one_region_and_copies_are_one_group() {
        let row = |number: u32, split: &str, region: &str, cluster: u32| {
            let mut record = [""; 9].map(str::to_owned);
            record[2] = split.to_owned();
            record[3] = format!("cluster {cluster}");
            record[5] = region.to_owned();
            (PathBuf::from(format!("IMG{number:07}.jpg")), record)
        };
        let mut rows = [
            row(12, "train", "hand", 1),
            row(11, "train", "hand", 2),
            // A copy of a neighbour.
            row(90, "train", "leg", 2),
            // Another region, another split, no neighbour.
            row(13, "train", "leg", 3),
            row(14, "test", "leg", 4),
            row(20, "train", "hand", 5),
        ];
        join_neighbours(&mut rows);
        let groups: Vec<&str> = rows.iter().map(|(_, record)| record[3].as_str()).collect();
        assert_eq!(
            groups,
            [
                "cluster 2",
                "cluster 2",
                "cluster 2",
                "cluster 3",
                "cluster 4",
                "cluster 5"
            ]
        );
    }
}

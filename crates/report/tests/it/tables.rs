//! The CSV files, read back.

use osteon_metrics::Estimate;
use osteon_report::{figures_csv, scores_csv};

use crate::sample::{of_labels, rich};

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let rows = reader.records().map(|row| row.expect("rows of one length"));
    rows.map(|row| row.iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn scores_read_back_to_the_same_bits() {
    let mut sample = rich();
    sample.films[3].id = "a,\"b\"\nc".to_owned();
    sample.films[4].group = None;
    sample.films[5].fields.clear();
    sample.films[6]
        .fields
        .insert("score".to_owned(), "9".to_owned());
    let rows = rows(&scores_csv(&sample.films));
    assert_eq!(
        rows[0],
        [
            "id",
            "label",
            "score",
            "decision",
            "group",
            "seen",
            "hardware",
            "region",
            "field_score",
            "view"
        ]
    );
    assert_eq!(rows.len(), 1 + sample.films.len());
    for (row, film) in rows[1..].iter().zip(&sample.films) {
        assert_eq!(row[0], film.id);
        assert_eq!(row[1], if film.fractured { "1" } else { "0" });
        assert_eq!(
            row[2].parse::<f64>().map(f64::to_bits),
            Ok(film.score.to_bits())
        );
        assert_eq!(row[4], film.group.clone().unwrap_or_default());
    }
    assert_eq!(rows[6][6..], ["", "", "", ""]);
    assert_eq!((rows[7][8].as_str(), rows[4][5].as_str()), ("9", "near"));
    assert_eq!(scores_csv(&[]), "id,label,score,decision,group,seen\n");
}

#[test]
fn figures_hold_every_number() {
    let sample = rich();
    let j = &sample.judgement;
    let rows = rows(&figures_csv(j));
    assert_eq!(rows[0], ["name", "value", "low", "high", "n", "unit"]);
    let find = |name: &str| {
        rows.iter()
            .find(|row| row[0] == name)
            .unwrap_or_else(|| panic!("{name}"))
    };
    let same = |name: &str, e: &Estimate, n: u64| {
        let row = find(name);
        let read = |text: &str| text.parse::<f64>().ok();
        assert_eq!(
            (read(&row[1]), read(&row[2]), read(&row[3])),
            (e.value, e.low, e.high),
            "{name}"
        );
        assert_eq!(row[4], n.to_string(), "{name}");
    };
    same("sensitivity", &j.summary.sensitivity, 57);
    same("roc_auc", &j.summary.roc_auc, 406);
    same(
        "clean.specificity",
        &j.leak.clean_summary.as_ref().expect("clean").specificity,
        313,
    );
    same(
        "groups.f1",
        &j.groups.as_ref().expect("groups").summary.f1,
        383,
    );
    same(
        "subgroup.region=hip.sensitivity",
        &j.subgroups[1].sensitivity,
        7,
    );
    same(
        "point.screening.npv",
        &j.operating_points[1].npv,
        j.operating_points[1].confusion.tn + 1,
    );
    same("doubt.error_of_the_rest", &j.doubt.error_of_the_rest, 314);
    assert_eq!(find("tp")[1], "48");
    assert_eq!(find("threshold")[1], "0.31");
    assert_eq!(find("sensitivity")[5], "share");
    let names: std::collections::BTreeSet<&String> = rows.iter().map(|row| &row[0]).collect();
    assert_eq!(names.len(), rows.len(), "a name stands once");
}

#[test]
fn undefined_is_empty_and_never_0() {
    let rows = rows(&figures_csv(&of_labels(&[false; 8]).judgement));
    let row = rows
        .iter()
        .find(|row| row[0] == "sensitivity")
        .expect("a row");
    assert_eq!(row[1..], ["", "", "", "0", "share"]);
}

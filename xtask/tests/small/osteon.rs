//! Stands in for `osteon` in the tests of `xtask`: does at once what its commands are asked to leave behind, and computes nothing.
use std::fs;
use std::path::Path;

/// The word after a flag.
fn after(words: &[String], flag: &str) -> String {
    let at = words.iter().position(|word| word == flag);
    at.and_then(|at| words.get(at + 1)).cloned().unwrap_or_default()
}

fn write(path: impl AsRef<Path>, text: &str) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, text).expect("written");
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // What it was called with, where someone wants to know.
    if let Ok(log) = std::env::var("SMALL_LOG") {
        let before = fs::read_to_string(&log).unwrap_or_default();
        write(log, &format!("{before}{}\n", words.join(" ")));
    }
    let fails = std::env::var("SMALL_FAILS").unwrap_or_default();
    if !fails.is_empty() && words.join(" ").contains(&fails) {
        eprintln!("asked to fail");
        std::process::exit(3);
    }
    let two: Vec<&str> = words.iter().take(2).map(String::as_str).collect();
    match two[..] {
        ["--version"] => println!("osteon 0.1.0"),
        ["completions", shell] => println!("# for {shell}"),
        ["man", folder] => write(Path::new(folder).join("osteon.1"), ".TH OSTEON 1\n"),
        ["data", "synth"] => {
            for split in ["train", "val", "test"] {
                for class in ["fractured", "not fractured"] {
                    write(Path::new(&words[2]).join(split).join(class).join("film.png"), "film");
                }
            }
        }
        ["train", _] => {
            let run = after(&words, "--run");
            write(Path::new(&run).join("config.toml"), "");
            write(Path::new(&run).join("model.safetensors"), &words.join(" "));
        }
        ["evaluate", _] => println!(
            r#"{{"images":8,"roc_auc":{{"value":0.875,"low":0.5,"high":1.0}},"sensitivity":{{"value":0.75}},"specificity":{{"value":null}}}}"#
        ),
        ["predict", _] if words.iter().any(|word| word == "--json") => println!(r#"{{"score":{}}}"#, option_env!("SMALL_SCORE").unwrap_or("0.5")),
        ["predict", _] => println!("film.png  0.5"),
        ["shrink", run] => {
            let model = fs::read_to_string(Path::new(run).join("model.safetensors")).expect("a model");
            write(&words[2], &model);
            println!(r#"{{"bytes":{},"val_roc_auc_before":0.9,"val_roc_auc":0.9004}}"#, model.len());
        }
        ["info", "--card"] => println!("# Card of {}", fs::read_to_string(&words[2]).expect("a model")),
        ["export", "--format"] => write(&words[3], &words[2]),
        _ => {
            eprintln!("not known here: {words:?}");
            std::process::exit(2);
        }
    }
}

//! `osteon serve` and `osteon audit-log verify`: the real program on a free port.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use image::{GrayImage, Luma};

use crate::python::python_with;
use crate::{assert_code, osteon, osteon_with, stderr, stdout};

/// A server that ends with this.
pub struct Served {
    child: Child,
    pub url: String,
}

/// Starts `osteon serve` on a free port, and waits until it says where it listens.
pub fn serve(dir: &Path, more: &[&str]) -> Served {
    let mut child = Command::new(env!("CARGO_BIN_EXE_osteon"))
        .current_dir(dir)
        .args(["serve", "--addr", "127.0.0.1:0", "--rate", "0"])
        .args(more)
        .env_remove("OSTEON_TOKEN")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut line = String::new();
    let out = child.stdout.as_mut().expect("piped");
    BufReader::new(out).read_line(&mut line).expect("a line");
    let url = line.trim().strip_prefix("listening on ");
    let url = url.unwrap_or_else(|| panic!("{line:?}")).to_owned();
    Served { child, url }
}

impl Served {
    fn signal(&self, which: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([which, &id]).status();
        assert!(sent.expect("kills").success());
    }

    /// Asks it to end as a supervisor does; what it said on stderr.
    fn end(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let mut said = String::new();
        let stderr = self.child.stderr.as_mut().expect("piped");
        stderr.read_to_string(&mut said).expect("reads");
        (self.child.wait().expect("ends").code(), said)
    }

    fn post(&self, kind: &str, body: &[u8]) -> (u16, serde_json::Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let request = agent.post(format!("{}api/v1/predictions", self.url));
        let mut response = request
            .header("content-type", kind)
            .send(body)
            .expect("answers");
        let body = response.body_mut().read_to_string().expect("text");
        (
            response.status().as_u16(),
            serde_json::from_str(&body).expect("JSON"),
        )
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn film(path: &Path) -> Vec<u8> {
    let film = GrayImage::from_fn(200, 260, |x, y| Luma([((x * 3 + y) % 251) as u8]));
    film.save(path).expect("writes");
    std::fs::read(path).expect("reads")
}

#[test]
fn serves_what_predict_says_logs_no_names_and_ends_cleanly() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let bytes = film(&dir.path().join("Mustermann^Erika.png"));
    let server = serve(dir.path(), &["--audit-log", "audit.jsonl"]);
    let (status, said) = server.post("image/png", &bytes);
    assert_eq!(status, 200);
    let body = [
        &b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"Mustermann^Erika.png\"\r\n\r\n"[..],
        &bytes,
        b"\r\n--b--\r\n",
    ]
    .concat();
    let (status, form) = server.post("multipart/form-data; boundary=b", &body);
    assert_eq!(status, 200);
    assert_eq!(form["predictions"][0]["name"], "Mustermann^Erika.png");
    let (code, log) = server.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(
        !log.contains("Mustermann") && log.contains("request_id"),
        "{log}"
    );
    // The same score as `predict` gives.
    let predicted = osteon(dir.path(), "predict --json Mustermann^Erika.png");
    assert_code(&predicted, 0);
    let predicted: serde_json::Value = serde_json::from_str(&stdout(&predicted)).expect("JSON");
    assert_eq!(said["predictions"][0]["score"], predicted["score"]);
    // What was decided is written down, and shows when it is touched.
    let verified = osteon(dir.path(), "audit-log verify audit.jsonl --json");
    assert_code(&verified, 0);
    let chain: serde_json::Value = serde_json::from_str(&stdout(&verified)).expect("JSON");
    assert_eq!(chain["decisions"], 2);
    let head = chain["head"].as_str().expect("a hash");
    assert!(log.contains(head), "the log names the last hash: {log}");
    let file = dir.path().join("audit.jsonl");
    let text = std::fs::read_to_string(&file).expect("reads");
    assert!(!text.contains("Mustermann"));
    let first = text.lines().next().expect("a line");
    std::fs::write(&file, format!("{first}\n")).expect("writes");
    assert_code(&osteon(dir.path(), "audit-log verify audit.jsonl"), 0);
    let cut = osteon(
        dir.path(),
        &format!("audit-log verify audit.jsonl --head {head}"),
    );
    assert_code(&cut, 1);
    assert!(stderr(&cut).contains(head));
    std::fs::write(&file, text.replacen("\"score\":", "\"score\":1", 1)).expect("writes");
    let touched = osteon(dir.path(), "audit-log verify audit.jsonl");
    assert_code(&touched, 1);
    assert!(
        stderr(&touched).contains("line 1 was changed"),
        "{}",
        stderr(&touched)
    );
}

/// Somebody's upload hangs: the first Ctrl-C waits for it, the second does not.
#[test]
#[cfg(unix)]
fn a_second_interrupt_ends_it_at_once() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut server = serve(dir.path(), &["--timeout", "600"]);
    let address = server
        .url
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let mut upload = TcpStream::connect(&address).expect("connects");
    let begun = "POST /api/v1/predictions HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\ncontent-length: 1000\r\nexpect: 100-continue\r\n\r\n";
    upload.write_all(begun.as_bytes()).expect("sends");
    // It asks for the rest once somebody reads it: before that the upload would not be waited for.
    let mut line = String::new();
    BufReader::new(&upload).read_line(&mut line).expect("reads");
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    upload.write_all(b"begun").expect("sends");
    server.signal("-INT");
    // The first one is in hand when nobody else is let in.
    let begun = Instant::now();
    while TcpStream::connect(&address).is_ok() {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "it lets others in"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(
        server.child.try_wait().expect("looks").is_none(),
        "the upload is waited for"
    );
    server.signal("-INT");
    assert_eq!(server.child.wait().expect("ends").code(), Some(130));
}

#[test]
fn an_open_address_without_a_token_is_refused_as_wrong_usage() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let refused = osteon(dir.path(), "serve --addr 0.0.0.0:0");
    assert_code(&refused, 2);
    assert!(
        stderr(&refused).contains("--no-auth"),
        "{}",
        stderr(&refused)
    );
    assert!(stdout(&refused).is_empty());
    std::fs::write(dir.path().join("token"), "short\n").expect("writes");
    assert_code(
        &osteon(dir.path(), "serve --addr 127.0.0.1:0 --token-file token"),
        2,
    );
    assert_code(
        &osteon(dir.path(), "serve --addr 127.0.0.1:0 --max-files 0"),
        2,
    );
    assert_code(
        &osteon(dir.path(), "serve --addr 127.0.0.1:0 --tls-cert a.pem"),
        2,
    );
}

/// Requests made from the API's own description, good ones and bad ones: every answer must be one that it names.
#[test]
fn schemathesis_finds_no_fault_with_the_description() {
    let python = match python_with("schemathesis") {
        Ok(python) => python,
        Err(why) => {
            println!("skipped: {why}");
            return;
        }
    };
    let dir = tempfile::tempdir().expect("temporary folder");
    let server = serve(dir.path(), &["--log", "quiet"]);
    let found = Command::new(python.with_file_name("schemathesis"))
        .current_dir(dir.path())
        .args(["run", &format!("{}openapi.json", server.url)])
        .args([
            "--checks",
            "all",
            "--max-examples",
            "15",
            "--seed",
            "7",
            "--no-color",
        ])
        // What the schema calls binary is any bytes, of which few are an image.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .output()
        .expect("starts");
    let said = stdout(&found);
    assert!(found.status.success(), "{said}\n{}", stderr(&found));
    assert!(said.contains("passed"), "{said}");
    let (code, log) = server.end();
    assert_eq!(code, Some(0), "{log}");
}

/// What Triton's own client says, by its defaults: tensors as bytes behind the JSON.
const CLIENT: &str = r#"
import sys, numpy as np, tritonclient.http as triton
client = triton.InferenceServerClient(sys.argv[1])
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("accurate")
known = client.get_model_metadata("accurate")
assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
files = np.array([open(path, "rb").read() for path in sys.argv[2:]], dtype=object)
assert known["inputs"][0]["name"] == "image", known
image = triton.InferInput("image", [len(files)], "BYTES")
image.set_data_from_numpy(files)
said = client.infer("accurate", [image], request_id="7")
scores, decisions = said.as_numpy("score"), said.as_numpy("decision")
assert scores.dtype == np.float64 and len(scores) == len(files), scores
side = known["inputs"][1]["shape"][2]
images = np.zeros((2, 1, side, side), np.float32)
tensor = triton.InferInput("input", images.shape, "FP32")
tensor.set_data_from_numpy(images)
score = triton.InferRequestedOutput("score", binary_data=False)
texts = triton.InferInput("image", [1], "BYTES")
texts.set_data_from_numpy(np.array(["not base64!"], dtype=object), binary_data=False)
black = client.infer("accurate", [tensor], outputs=[score]).as_numpy("score")
assert black.shape == (2,) and np.isfinite(black).all() and abs(black[0] - black[1]) < 1e-4, black
for bad in texts, triton.InferInput("image", [1], "BYTES"):
    try:
        client.infer("accurate", [bad])
        sys.exit("an input without images was taken")
    except triton.InferenceServerException as error:
        assert error.status() == "422", error
print(*scores)
print(*(name.decode() for name in decisions))
"#;

#[test]
fn triton_s_client_is_answered() {
    let python = match python_with("tritonclient.http") {
        Ok(python) => python,
        Err(why) => {
            println!("skipped: {why}");
            return;
        }
    };
    let dir = tempfile::tempdir().expect("temporary folder");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../serve/page/examples");
    let files = ["wrist-fractured.png", "shoulder.jpg"].map(|name| examples.join(name));
    let server = serve(dir.path(), &["--log", "quiet"]);
    let address = server
        .url
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let mut client = Command::new(python);
    let client = client.args(["-c", CLIENT, address]).args(&files);
    let output = client.output().expect("starts");
    assert_code(&output, 0);
    let said = stdout(&output);
    let (scores, decisions) = said.trim().split_once('\n').expect("two lines");
    let mut predict = vec!["predict", "--json"];
    predict.extend(files.iter().map(|file| file.to_str().expect("UTF-8")));
    let alone = stdout(&osteon_with(dir.path(), &predict));
    for ((line, score), decision) in alone
        .lines()
        .zip(scores.split(' '))
        .zip(decisions.split(' '))
    {
        let alone: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let score: f64 = score.parse().expect("a number");
        assert!((alone["score"].as_f64().expect("a score") - score).abs() < 1e-4);
        assert_eq!(alone["decision"], decision);
    }
    let (code, log) = server.end();
    assert_eq!(code, Some(0), "{log}");
}

//! A real HTTP server on loopback whose misbehaviour a test writes down, one answer a request.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the server does with one request.
pub enum Answer {
    /// The file, honouring Range and If-Range.
    File,
    /// The file under another ETag.
    Changed(Vec<u8>),
    /// The head of the file's answer, but only this many bytes of the body, then a closed connection.
    Drop(usize),
    /// The file, ignoring Range.
    Whole,
    /// A status line with headers and an empty body.
    Status(&'static str),
    /// These bytes as the body, without a Content-Length.
    Unsized(Vec<u8>),
}

/// The server; it ends when dropped.
pub struct Server {
    /// Its address with a path.
    pub url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves `file` by these answers, in this order, and afterwards nothing: one request too many fails.
    pub fn new(file: Vec<u8>, answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file.zip", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&seen);
        std::thread::spawn(move || {
            for answer in answers {
                let Ok((stream, _)) = listener.accept() else {
                    return;
                };
                let head = read_head(&stream);
                requests.lock().unwrap().push(head.clone());
                // A client that hangs up early is no concern of the server's.
                _ = reply(stream, &head, &file, &answer);
            }
        });
        Self { url, seen }
    }

    /// The requests' heads so far, in lower case.
    pub fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn read_head(stream: &TcpStream) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            return head.to_ascii_lowercase();
        }
        head += &line;
    }
}

fn reply(mut stream: TcpStream, head: &str, file: &[u8], answer: &Answer) -> std::io::Result<()> {
    let field = |name: &str| {
        head.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    let offset =
        field("range: bytes=").and_then(|range| range.trim_end_matches('-').parse::<usize>().ok());
    let (file, etag) = match answer {
        Answer::Changed(other) => (other.as_slice(), "\"two\""),
        _ => (file, "\"one\""),
    };
    let offset =
        offset.filter(|_| field("if-range:") == Some(etag) && !matches!(answer, Answer::Whole));
    match answer {
        Answer::Status(status) => {
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
        Answer::Unsized(body) => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            stream.write_all(body)
        }
        _ => {
            let body = &file[offset.unwrap_or(0)..];
            let status = if offset.is_some() {
                "206 Partial Content"
            } else {
                "200 OK"
            };
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: {etag}\r\n",
                body.len()
            )?;
            if let Some(offset) = offset {
                write!(
                    stream,
                    "Content-Range: bytes {offset}-{}/{}\r\n",
                    file.len() - 1,
                    file.len()
                )?;
            }
            write!(stream, "Connection: close\r\n\r\n")?;
            let count = if let Answer::Drop(count) = answer {
                *count
            } else {
                body.len()
            };
            stream.write_all(&body[..count.min(body.len())])
        }
    }
}

//! The node with real peers: dcmtk's `storescu`, `dcmsend`, `echoscu` and `storescp`, and some that mean no good.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use dicom_ul::pdu::{PDataValue, PDataValueType};
use dicom_ul::{ClientAssociation, ClientAssociationOptions, Pdu};

use crate::film::{film, instance};
use crate::node::{Node, PATIENCE, Setting, command as node_command};
use crate::tools::{has, said};

const CR: &str = "1.2.840.10008.5.1.4.1.1.1";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// dcmtk's `storescp`, which stands for the archive.
struct Archive {
    child: Child,
    folder: PathBuf,
}

impl Archive {
    fn start(dir: &Path, port: u16) -> Self {
        let folder = dir.join("archive");
        std::fs::create_dir_all(&folder).expect("folder");
        let child = Command::new("storescp")
            .args(["-aet", "ARCHIVE", "-od"])
            .arg(&folder)
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        Self { child, folder }
    }

    /// Which image each object that it holds was made of, with how many of each kind: captures, reports.
    fn holds(&self) -> BTreeMap<String, (usize, usize)> {
        let mut held = BTreeMap::new();
        for entry in std::fs::read_dir(&self.folder).expect("lists") {
            let path = entry.expect("entry").path();
            let dump = said(
                "dcmdump",
                &["-q", "+P", "0008,0060", "+P", "0008,1155"],
                &path,
            );
            let field = |tag: &str| {
                let line = dump.lines().find(|line| line.trim().starts_with(tag));
                let value = line.and_then(|l| l.split(['[', ']']).nth(1));
                value.expect("is there").to_owned()
            };
            let counts: &mut (usize, usize) = held.entry(field("(0008,1155)")).or_default();
            if field("(0008,0060)") == "SR" {
                counts.1 += 1;
            } else {
                counts.0 += 1;
            }
        }
        held
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    listener.local_addr().expect("bound").port()
}

fn has_dcmtk() -> bool {
    ["storescp", "storescu", "echoscu", "dcmdump"]
        .into_iter()
        .all(has)
}

/// Images 1 to `count` as files.
fn films(dir: &Path, count: usize, side: u16) -> Vec<PathBuf> {
    (1..=count)
        .map(|number| {
            let path = dir.join(format!("film-{number}.dcm"));
            std::fs::write(&path, film(number, side, side)).expect("writes");
            path
        })
        .collect()
}

/// Sends files as a modality does; whether all were acknowledged.
#[expect(clippy::print_stdout, reason = "why a test failed")]
fn send(tool: &str, options: &[&str], port: u16, files: &[PathBuf]) -> bool {
    let output = Command::new(tool)
        .args(["-aec", "OSTEON"])
        .args(options)
        .args(["127.0.0.1", &port.to_string()])
        .args(files)
        .output()
        .expect("starts");
    if !output.status.success() {
        println!("{tool}: {}", String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}

fn sending(node: &str) -> Setting<'_> {
    Setting {
        node,
        ..Setting::default()
    }
}

fn once_each(films: impl IntoIterator<Item = String>) -> BTreeMap<String, (usize, usize)> {
    films.into_iter().map(|film| (film, (1, 1))).collect()
}

#[test]
fn films_come_in_and_answers_go_out() {
    if !has_dcmtk() {
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let port = free_port();
    let archive = Archive::start(dir.path(), port);
    let node = Node::start(dir.path(), sending(&format!("ARCHIVE@127.0.0.1:{port}")));
    // Verification, and somebody who has the wrong number.
    assert!(send("echoscu", &[], node.port, &[]));
    assert!(!send("echoscu", &["-aec", "OTHER"], node.port, &[]));
    node.wait("called AE title not recognized", 1);

    let own = films(dir.path(), 2, 256);
    assert!(send("storescu", &[], node.port, &own));
    // Once more: acknowledged, and not judged again.
    assert!(send("storescu", &["-xi"], node.port, &own));
    node.wait("again: not judged again", 2);
    let mut expected: Vec<String> = vec![instance(1), instance(2)];

    // Real images in the transfer syntaxes in which they are.
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/xrays/dicom");
    let mut sent = Vec::new();
    for name in [
        "RG2_UNC",
        "RG2_RLE",
        "RG2_JPLL",
        "RG2_JPLY",
        "RG3_JLSL",
        "RG3_JLSN",
        "RG3_J2KR",
        "RG3_J2KI",
        "Monochrome1-Jpeg",
        "image_dfl",
    ] {
        let file = real.join(format!("{name}.dcm"));
        if file.exists() {
            let dump = said("dcmdump", &["-q", "+P", "0008,0018"], &file);
            expected.extend(dump.split(['[', ']']).nth(1).map(str::to_owned));
            sent.push(file);
        }
    }
    if sent.is_empty() || !has("dcmsend") {
        println!("skipped: no real images were sent");
        expected.truncate(2);
    } else {
        assert!(send("dcmsend", &["-dn"], node.port, &sent));
    }
    node.wait("delivered the answer", expected.len());
    assert_eq!(archive.holds(), once_each(expected.clone()));

    // An archive that sends on all it gets would have the node answer itself for ever.
    let back: Vec<PathBuf> = std::fs::read_dir(&archive.folder)
        .expect("lists")
        .map(|e| e.expect("entry").path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with("SC."))
        })
        .take(1)
        .collect();
    assert!(send("storescu", &[], node.port, &back));
    node.wait("is an answer of this program", 1);

    // Nothing that it says tells whose the images are.
    for word in ["Doe", "PID-42", "Compressed"] {
        assert_eq!(node.has_said(word), 0, "{word}");
    }
    assert_eq!(node.stop(), Some(0));
    assert_eq!(archive.holds(), once_each(expected));
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if !has_dcmtk() {
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let films = films(dir.path(), 8, 1200);
    let node = Node::start(dir.path(), Setting::default());
    // Judging takes longer than sending: most of them wait when all are acknowledged.
    assert!(send("storescu", &[], node.port, &films));
    node.kill();
    let waiting = std::fs::read_dir(dir.path().join("spool/accepted"))
        .expect("lists")
        .count();
    println!("{waiting} of 8 images were not judged at the kill");
    // What a kill leaves of an image that was being received, and of an answer that was being written.
    std::fs::write(dir.path().join("spool/incoming/half"), b"DICM").expect("writes");
    std::fs::create_dir(dir.path().join("spool/making/half")).expect("folder");

    let port = free_port();
    let archive = Archive::start(dir.path(), port);
    let node = Node::start(dir.path(), sending(&format!("ARCHIVE@127.0.0.1:{port}")));
    // A second one would answer the same images.
    let second = node_command(dir.path(), Setting::default())
        .output()
        .expect("starts");
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use by another listener"));

    node.wait("delivered the answer", 8);
    // Its sender was never sure, and sends all of it once more.
    assert!(send("storescu", &[], node.port, &films));
    node.wait("again: not judged again", 8);
    assert_eq!(node.stop(), Some(0));
    assert_eq!(archive.holds(), once_each((1..=8).map(instance)));
    for empty in ["incoming", "accepted", "making", "outbox", "failed"] {
        let left = std::fs::read_dir(dir.path().join("spool").join(empty)).expect("lists");
        assert_eq!(left.count(), 0, "{empty}");
    }
}

#[test]
fn answers_wait_for_their_node() {
    if !has_dcmtk() {
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let films = films(dir.path(), 2, 128);
    let port = free_port();
    let archive = format!("ARCHIVE@127.0.0.1:{port}");
    let setting = Setting {
        max_pause: 1,
        ..sending(&archive)
    };
    let node = Node::start(dir.path(), setting);
    assert!(send("storescu", &[], node.port, &films[..1]));
    // Again and again.
    node.wait("not delivered", 2);
    assert_eq!(node.stop(), Some(0));

    // Over a restart, and until somebody answers.
    let node = Node::start(dir.path(), setting);
    assert!(
        node.wait("listening on", 1)
            .contains("0 to judge, 1 to deliver")
    );
    assert!(send("storescu", &[], node.port, &films[1..]));
    node.wait("not delivered", 2);
    let archive = Archive::start(dir.path(), port);
    node.wait("delivered the answer", 2);
    assert_eq!(archive.holds(), once_each([instance(1), instance(2)]));
    assert!(node.stop() == Some(0));
}

fn associate(port: u16, calling: &'static str) -> ClientAssociation<TcpStream> {
    ClientAssociationOptions::new()
        .calling_ae_title(calling)
        .called_ae_title("OSTEON")
        .with_presentation_context(CR, vec![EXPLICIT])
        // CT, and an image as MPEG2.
        .with_presentation_context("1.2.840.10008.5.1.4.1.1.2", vec![EXPLICIT])
        .with_presentation_context(CR, vec!["1.2.840.10008.1.2.4.100"])
        .read_timeout(PATIENCE)
        .establish(("127.0.0.1", port))
        .expect("accepts one of them")
}

fn value(context: u8, value_type: PDataValueType, is_last: bool, data: Vec<u8>) -> Pdu {
    Pdu::PData {
        data: vec![PDataValue {
            presentation_context_id: context,
            value_type,
            is_last,
            data,
        }],
    }
}

/// A C-STORE request as its command set is encoded: implicit little endian.
fn command(class: &str, instance: &str) -> Vec<u8> {
    let element = |number: u16, value: &[u8]| {
        let mut value = value.to_vec();
        value.resize(value.len().next_multiple_of(2), 0);
        let mut bytes = [[0, 0], number.to_le_bytes()].concat();
        bytes.extend((value.len() as u32).to_le_bytes());
        bytes.extend(value);
        bytes
    };
    let rest = [
        element(0x2, class.as_bytes()),
        element(0x100, &[1, 0]),
        element(0x110, &[1, 0]),
        element(0x700, &[0, 0]),
        element(0x800, &[1, 0]),
        element(0x1000, instance.as_bytes()),
    ]
    .concat();
    [element(0, &(rest.len() as u32).to_le_bytes()), rest].concat()
}

/// The data set of an image that a test has written: what follows its file meta group.
fn data_set(number: usize, side: u16) -> Vec<u8> {
    let file = film(number, side, side);
    let length = u32::from_le_bytes(file[140..144].try_into().expect("4 bytes"));
    file[144 + length as usize..].to_vec()
}

/// Stores a data set and gives the status of the response; `None` if the association ended instead.
fn store(
    association: &mut ClientAssociation<TcpStream>,
    instance: &str,
    data: &[u8],
) -> Option<u16> {
    let send = |association: &mut ClientAssociation<TcpStream>, pdu: &Pdu| association.send(pdu);
    send(
        association,
        &value(1, PDataValueType::Command, true, command(CR, instance)),
    )
    .ok()?;
    let parts: Vec<&[u8]> = data.chunks(10_000).collect();
    for (place, part) in parts.iter().enumerate() {
        let is_last = place + 1 == parts.len();
        send(
            association,
            &value(1, PDataValueType::Data, is_last, part.to_vec()),
        )
        .ok()?;
    }
    match association.receive().ok()? {
        Pdu::PData { data } => {
            // (0000,0900) Status.
            let bytes = &data.first()?.data;
            let at = bytes.windows(4).position(|w| w == [0, 0, 0, 9])? + 8;
            Some(u16::from_le_bytes(bytes[at..at + 2].try_into().ok()?))
        }
        _ => None,
    }
}

#[test]
fn bad_peers_harm_nobody() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let setting = Setting {
        caller: "GOOD",
        max_associations: 2,
        max_object: 1 << 20,
        timeout: 20,
        ..Setting::default()
    };
    let node = Node::start(dir.path(), setting);
    let address = ("127.0.0.1", node.port);

    // Bytes that are no PDU; a PDU that states four gigabytes; nothing at all.
    for (place, garbage) in [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".as_slice(),
        &[1, 0, 0xff, 0xff, 0xff, 0xff, 0, 0],
        &[],
    ]
    .into_iter()
    .enumerate()
    {
        let mut stream = TcpStream::connect(address).expect("connects");
        stream.write_all(garbage).expect("writes");
        drop(stream);
        node.wait("association from", place + 1);
    }

    // A title that is not on the list.
    let stranger = ClientAssociationOptions::new()
        .calling_ae_title("STRANGER")
        .called_ae_title("OSTEON")
        .with_presentation_context(CR, vec![EXPLICIT])
        .establish(address);
    assert!(stranger.is_err());
    node.wait("calling AE title not recognized", 1);

    // Classes and syntaxes that are not read are refused one by one.
    let mut association = associate(node.port, "GOOD");
    let contexts = association.presentation_contexts();
    assert!(
        contexts.iter().all(|c| c.id == 1) && contexts.len() == 1,
        "{contexts:?}"
    );

    // Half an image, and away; half a data set that claims to be whole; another image than was announced.
    let whole = data_set(1, 128);
    association
        .send(&value(
            1,
            PDataValueType::Command,
            true,
            command(CR, &instance(1)),
        ))
        .expect("sends");
    association
        .send(&value(
            1,
            PDataValueType::Data,
            false,
            whole[..9000].to_vec(),
        ))
        .expect("sends");
    drop(association);
    node.wait("connection closed by peer", 2);
    let mut association = associate(node.port, "GOOD");
    assert_eq!(
        store(&mut association, &instance(1), &whole[..9000]),
        Some(0xc000)
    );
    assert_eq!(store(&mut association, &instance(2), &whole), Some(0xa900));
    assert_eq!(
        store(&mut association, "../../etc/passwd", &whole),
        Some(0xc000)
    );
    // Larger than allowed, and far larger.
    let large = data_set(3, 800);
    assert_eq!(store(&mut association, &instance(3), &large), Some(0xa700));
    let endless = vec![0; 5 << 20];
    assert_eq!(store(&mut association, &instance(4), &endless), None);
    node.wait("far larger than allowed", 1);

    // More peers than there is room for, none of which says a word.
    let first = associate(node.port, "GOOD");
    let second = associate(node.port, "GOOD");
    let third = ClientAssociationOptions::new()
        .calling_ae_title("GOOD")
        .called_ae_title("OSTEON")
        .with_presentation_context(CR, vec![EXPLICIT])
        .establish(address);
    assert!(third.is_err_and(|e| e.to_string().contains("rejected")));
    second.abort().expect("sends");
    node.wait("aborted by the peer", 1);

    // The one that has said nothing is hung up on; all the while the good one is served.
    let mut good = associate(node.port, "GOOD");
    assert_eq!(store(&mut good, &instance(1), &whole), Some(0));
    assert_eq!(store(&mut good, &instance(1), &whole), Some(0));
    good.release().expect("is released");
    node.wait(&format!("judged {}", instance(1)), 1);
    drop(first);
    let outbox = dir.path().join("spool/outbox").join(instance(1));
    assert_eq!(std::fs::read_dir(outbox).expect("is there").count(), 2);
    for folder in ["accepted", "incoming", "making"] {
        let left = std::fs::read_dir(dir.path().join("spool").join(folder)).expect("lists");
        assert_eq!(left.count(), 0, "{folder}");
    }
    assert_eq!(node.stop(), Some(0));
}

/// Of the protocol version bit 0 alone is tested (PS3.8, table 9-11); whoever lacks it hears why.
#[test]
fn any_protocol_version_with_bit_0_is_taken() {
    use dicom_ul::pdu::{AssociationRQ, PresentationContextProposed, UserVariableItem};
    let dir = tempfile::tempdir().expect("temporary folder");
    let node = Node::start(dir.path(), Setting::default());
    let ask = |protocol_version: u16| {
        let request = Pdu::AssociationRQ(AssociationRQ {
            protocol_version,
            calling_ae_title: "PEER".to_owned(),
            called_ae_title: "OSTEON".to_owned(),
            application_context_name: "1.2.840.10008.3.1.1.1".to_owned(),
            presentation_contexts: vec![PresentationContextProposed {
                id: 1,
                abstract_syntax: CR.to_owned(),
                // HTJ2K, which is not read, and one that is.
                transfer_syntaxes: vec!["1.2.840.10008.1.2.4.201".to_owned(), EXPLICIT.to_owned()],
            }],
            user_variables: vec![UserVariableItem::MaxLength(16_384)],
        });
        let mut bytes = Vec::new();
        dicom_ul::write_pdu(&mut bytes, &request).expect("is written");
        let mut stream = TcpStream::connect(("127.0.0.1", node.port)).expect("connects");
        stream.write_all(&bytes).expect("writes");
        let mut buffer = bytes::BytesMut::new();
        dicom_ul::association::read_pdu_from_wire(&mut stream, &mut buffer, 16_384, true)
            .expect("answers")
    };
    for version in [1, 3, 0x8001, 0xffff] {
        let Pdu::AssociationAC(accepted) = ask(version) else {
            panic!("version {version} is refused");
        };
        assert_eq!(accepted.protocol_version, 1);
        assert_eq!(accepted.presentation_contexts[0].transfer_syntax, EXPLICIT);
    }
    for version in [0, 2, 0x8000] {
        let answer = ask(version);
        assert!(
            matches!(answer, Pdu::AssociationRJ(_)),
            "{version}: {answer:?}"
        );
    }
    node.wait("protocol version not supported", 3);
    assert_eq!(node.stop(), Some(0));
}

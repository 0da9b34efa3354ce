//! What stands in the report, read back from its HTML.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Elements that HTML never closes.
const VOID: [&str; 5] = ["meta", "img", "br", "hr", "link"];

/// An element with the text within it, entities resolved.
#[derive(Debug, Clone)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
    /// Names of the elements around it.
    pub within: Vec<String>,
}

impl Element {
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// All elements in the order they begin. Panics where one is not closed, or closed in another's place.
pub fn read(html: &str) -> Vec<Element> {
    let mut reader = Reader::from_str(html);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut all: Vec<Element> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    loop {
        match reader.read_event().expect("markup") {
            Event::Eof => break,
            Event::Start(e) => {
                let element = element(&e, &open, &all);
                let closes = !VOID.contains(&element.name.as_str());
                all.push(element);
                if closes {
                    open.push(all.len() - 1);
                }
            }
            Event::Empty(e) => {
                let element = element(&e, &open, &all);
                all.push(element);
            }
            Event::End(e) => {
                let name = String::from_utf8(e.name().as_ref().to_vec()).expect("UTF-8");
                let last = open.pop().expect("nothing is open");
                assert_eq!(all[last].name, name, "closed in another's place");
            }
            Event::Text(t) => add(&mut all, &open, &t.decode().expect("text")),
            Event::GeneralRef(r) => {
                let text = match r.decode().expect("entity").as_ref() {
                    "lt" => "<",
                    "gt" => ">",
                    "amp" => "&",
                    "quot" => "\"",
                    other => panic!("entity {other}"),
                };
                add(&mut all, &open, text);
            }
            _ => {}
        }
    }
    assert!(
        open.is_empty(),
        "left open: {:?}",
        open.iter().map(|n| &all[*n].name).collect::<Vec<_>>()
    );
    all
}

fn add(all: &mut [Element], open: &[usize], text: &str) {
    for &n in open {
        all[n].text += text;
    }
}

fn element(e: &BytesStart<'_>, open: &[usize], all: &[Element]) -> Element {
    let attributes = e.html_attributes().map(|attribute| {
        let attribute = attribute.expect("an attribute");
        let key = String::from_utf8(attribute.key.as_ref().to_vec()).expect("UTF-8");
        let value = String::from_utf8(attribute.value.to_vec()).expect("UTF-8");
        let value = value
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&");
        (key, value)
    });
    Element {
        name: String::from_utf8(e.name().as_ref().to_vec()).expect("UTF-8"),
        attributes: attributes.collect(),
        text: String::new(),
        within: open.iter().map(|n| all[*n].name.clone()).collect(),
    }
}

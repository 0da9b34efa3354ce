//! Just enough of SVG to see what was drawn.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element that shows something.
#[derive(Debug)]
pub enum Drawn {
    Line {
        color: String,
        points: Vec<(f64, f64)>,
    },
    Circle {
        at: (f64, f64),
        color: String,
    },
    Text {
        text: String,
        at: (f64, f64),
        anchor: String,
    },
}

/// All that is drawn, in order. Panics on what is no XML.
pub fn read(svg: &str) -> Vec<Drawn> {
    let mut reader = Reader::from_str(svg);
    let mut drawn = Vec::new();
    loop {
        match reader.read_event().expect("XML") {
            Event::Eof => return drawn,
            Event::Empty(e) | Event::Start(e) => drawn.extend(element(&e)),
            Event::Text(t) => {
                let said = t.decode().expect("text").trim().to_owned();
                if let Some(Drawn::Text { text, .. }) = drawn.last_mut()
                    && text.is_empty()
                {
                    *text = said;
                }
            }
            _ => {}
        }
    }
}

fn element(e: &BytesStart<'_>) -> Option<Drawn> {
    let text = |name: &str| {
        let attribute = e.try_get_attribute(name).expect("attribute")?;
        Some(String::from_utf8(attribute.value.to_vec()).expect("UTF-8"))
    };
    let number = |name: &str| text(name).map_or(0.0, |v| v.parse::<f64>().expect("a number"));
    match e.name().as_ref() {
        b"polyline" => Some(Drawn::Line {
            color: text("stroke")?,
            points: points(&text("points")?),
        }),
        b"line" => Some(Drawn::Line {
            color: text("stroke")?,
            points: vec![(number("x1"), number("y1")), (number("x2"), number("y2"))],
        }),
        b"circle" => Some(Drawn::Circle {
            at: (number("cx"), number("cy")),
            color: text("fill")?,
        }),
        b"text" => Some(Drawn::Text {
            text: String::new(),
            at: (number("x"), number("y")),
            anchor: text("text-anchor").unwrap_or_default(),
        }),
        _ => None,
    }
}

fn points(list: &str) -> Vec<(f64, f64)> {
    let pair = |pair: &str| {
        let (x, y) = pair.split_once(',').expect("x,y");
        (x.parse().expect("x"), y.parse().expect("y"))
    };
    list.split_whitespace().map(pair).collect()
}

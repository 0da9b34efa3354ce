//! Pictures that are no radiographs, drawn from nothing: so that a gate can be fitted and tested anywhere, without a collection of anyone's pictures.
//!
//! They are caricatures. What they share with real photographs, screens and scans is how gray levels, edges and colours lie, which is all that a gate looks
//! at.

mod canvas;
mod flat;
mod page;
mod photo;
mod section;
mod tube;

use image::RgbImage;

use osteon_gate::Class;

use crate::dice::Dice;
use canvas::Canvas;
pub(crate) use canvas::distance;

/// A kind of drawn picture.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What it is an example of.
    pub class: Class,
    draw: fn(&mut Canvas, &mut Dice),
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kind")
            .field("name", &self.name)
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}

const fn other(name: &'static str, draw: fn(&mut Canvas, &mut Dice)) -> Kind {
    Kind {
        name,
        class: Class::Other,
        draw,
    }
}

/// All kinds.
pub const KINDS: &[Kind] = &[
    other("blank", flat::blank),
    other("noise", flat::noise),
    other("pattern", flat::pattern),
    other("gradient", flat::gradient),
    other("leaves", photo::leaves),
    other("landscape", photo::landscape),
    other("things", photo::things),
    other("blurred", photo::blurred),
    other("pipes", tube::pipes),
    other("rods", tube::rods),
    other("cracks", tube::cracks),
    other("drawing", page::drawing),
    other("bone_drawing", page::bone_drawing),
    other("text", page::text),
    other("handwriting", page::handwriting),
    other("chart", page::chart),
    other("screenshot", page::screenshot),
    other("ultrasound", section::ultrasound),
    Kind {
        name: "ct_slice",
        class: Class::CrossSection,
        draw: section::trunk,
    },
    Kind {
        name: "ct_head",
        class: Class::CrossSection,
        draw: section::head,
    },
    Kind {
        name: "ct_limb",
        class: Class::CrossSection,
        draw: section::limb,
    },
];

impl Kind {
    /// The picture of this number, longest side 200 to 640 pixels. The same everywhere, for the same seed.
    #[must_use]
    pub fn draw(&self, seed: u64, index: u64) -> RgbImage {
        let mut dice = Dice::new(seed, self.name, index);
        let long = dice.between(200.0, 640.0);
        let short = (long * dice.between(0.55, 1.0)).max(128.0);
        let (w, h) = if dice.chance(0.5) {
            (long, short)
        } else {
            (short, long)
        };
        let mut canvas = Canvas::new(w as usize, h as usize);
        (self.draw)(&mut canvas, &mut dice);
        canvas.into_image()
    }
}

//! What the model has seen of the judged images before.

use maud::{Markup, html};

use crate::judgement::Judgement;
use crate::plot::{Part, bars};

pub(super) fn section(j: &Judgement) -> Markup {
    let leak = &j.leak;
    html! {
        section {
            h2 #leak { "What the model has seen before" }
            @if leak.own_val {
                p { "These are the very images that the model was chosen on: its best weights, calibration, thresholds and doubt band come from them. None of them is new to it, so there are no figures on new images." }
                (bars(&[
                    Part { name: "chosen on", count: j.summary.images.saturating_sub(leak.exact.saturating_add(leak.near)), class: "f-blue" },
                    Part { name: "trained on, in a changed copy", count: leak.near, class: "f-orange" },
                    Part { name: "trained on, the very same file", count: leak.exact, class: "f-vermillion" },
                ]))
            } @else if leak.known {
                p { "The model file carries fingerprints of the images it was trained and chosen on. Each judged image was compared with them: byte for byte, and by what it shows (resized, encoded again, turned, mirrored or brightened copies)." }
                (bars(&[
                    Part { name: "never seen", count: leak.clean, class: "f-blue" },
                    Part { name: "seen, in a changed copy", count: leak.near, class: "f-orange" },
                    Part { name: "seen, the very same file", count: leak.exact, class: "f-vermillion" },
                ]))
                @if leak.exact.saturating_add(leak.near) == 0 { p { "No copy was found: nothing of these figures is memory of an image." } }
                @else if leak.clean_figures().is_some() { p { "The figures of the never-seen images alone stand at the head of this page and in the table of figures." } }
                @else if leak.clean == 0 { p { "No image is new to the model, so there are no figures on new images." } }
            } @else {
                p { b { "Not known." } " The model file does not say what it was trained on. The figures may be of images it has seen." }
            }
        }
    }
}

//! The answer as a Comprehensive SR (PS3.3 A.35.3) by the template Imaging Measurement Report (PS3.16, TID 1500).

mod content;
mod film;

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;
use jiff::Zoned;

use self::content::{Relation, code_item, container, image_item, text_item, uid_item};
use crate::answer::{Judged, Object, Series, file};
use crate::element::{Code, OSTEON, code, data_set, sequence, text};
use crate::{DicomError, MANUFACTURER, uid};

const SERIES: Series = Series {
    class: uids::COMPREHENSIVE_SR_STORAGE,
    modality: "SR",
    description: "Osteon report: research only, not for diagnosis",
    number: "9802",
};

const REPORT: Code = ("126000", "DCM", "Imaging Measurement Report");

pub(crate) fn object(judged: &Judged<'_>, now: &Zoned) -> Result<Object, DicomError> {
    let mut object = judged.common(SERIES, now);
    let scheme = data_set([
        text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, OSTEON),
        text(tags::CODING_SCHEME_NAME, VR::ST, "Codes of Osteon"),
        text(
            tags::CODING_SCHEME_RESPONSIBLE_ORGANIZATION,
            VR::ST,
            MANUFACTURER,
        ),
    ]);
    for element in [
        sequence(tags::CODING_SCHEME_IDENTIFICATION_SEQUENCE, vec![scheme]),
        sequence(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, vec![]),
        sequence(tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, vec![]),
        sequence(
            tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
            vec![evidence(judged)],
        ),
        text(tags::COMPLETION_FLAG, VR::CS, "COMPLETE"),
        // Nobody has looked at it, and nobody answers for it.
        text(tags::VERIFICATION_FLAG, VR::CS, "UNVERIFIED"),
        text(tags::PRELIMINARY_FLAG, VR::CS, "PRELIMINARY"),
        text(tags::VALUE_TYPE, VR::CS, "CONTAINER"),
        code(tags::CONCEPT_NAME_CODE_SEQUENCE, REPORT),
        text(tags::CONTINUITY_OF_CONTENT, VR::CS, "SEPARATE"),
        content::template("1500"),
        sequence(tags::CONTENT_SEQUENCE, content_of(judged)),
    ] {
        object.put(element);
    }
    file(object, SERIES.class)
}

/// The image in its series and study.
fn evidence(judged: &Judged<'_>) -> InMemDicomObject {
    let source = judged.source;
    let series = data_set([
        sequence(
            tags::REFERENCED_SOP_SEQUENCE,
            vec![content::reference(source, false)],
        ),
        text(tags::SERIES_INSTANCE_UID, VR::UI, source.series()),
    ]);
    data_set([
        sequence(tags::REFERENCED_SERIES_SEQUENCE, vec![series]),
        text(tags::STUDY_INSTANCE_UID, VR::UI, source.study()),
    ])
}

fn content_of(judged: &Judged<'_>) -> Vec<InMemDicomObject> {
    use Relation::{ConceptModifier, Contains, ObserverContext};
    let device = uid::of(&[
        "device",
        env!("CARGO_PKG_VERSION"),
        &judged.model.weights_sha256,
    ]);
    let films = container(
        Contains,
        ("126200", "DCM", "Image Library Group"),
        None,
        vec![image_item(Contains, None, judged.source)],
    );
    vec![
        code_item(
            ConceptModifier,
            ("121049", "DCM", "Language of Content Item and Descendants"),
            ("en", "RFC5646", "English"),
        ),
        code_item(
            ObserverContext,
            ("121005", "DCM", "Observer Type"),
            ("121007", "DCM", "Device"),
        ),
        uid_item(
            ObserverContext,
            ("121012", "DCM", "Device Observer UID"),
            &device,
        ),
        text_item(
            ObserverContext,
            ("121013", "DCM", "Device Observer Name"),
            MANUFACTURER,
        ),
        text_item(
            ObserverContext,
            ("121014", "DCM", "Device Observer Manufacturer"),
            MANUFACTURER,
        ),
        text_item(
            ObserverContext,
            ("121015", "DCM", "Device Observer Model Name"),
            &format!("osteon {}", env!("CARGO_PKG_VERSION")),
        ),
        code_item(
            ConceptModifier,
            ("121058", "DCM", "Procedure reported"),
            ("168537006", "SCT", "Plain radiography"),
        ),
        container(
            Contains,
            ("111028", "DCM", "Image Library"),
            None,
            vec![films],
        ),
        container(
            Contains,
            ("126010", "DCM", "Imaging Measurements"),
            None,
            film::groups(judged),
        ),
    ]
}

//! The overlay as a Secondary Capture Image (PS3.3 A.8.1).

use dicom_core::value::PrimitiveValue;
use dicom_core::{DataElement, VR};
use dicom_dictionary_std::{tags, uids};
use jiff::Zoned;

use crate::answer::{Judged, Object, Series, file};
use crate::element::{OSTEON, code, data_set, sequence, short, text, texts};
use crate::{DicomError, MANUFACTURER, picture};

const SERIES: Series = Series {
    class: uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
    // What is made of an image by a program is of no modality.
    modality: "OT",
    description: "Osteon overlay: research only, not for diagnosis",
    number: "9801",
};

pub(crate) fn object(judged: &Judged<'_>, now: &Zoned) -> Result<Object, DicomError> {
    let mut object = judged.common(SERIES, now);
    let name = format!(
        "Not a medical device: not for diagnosis. {MANUFACTURER} {}",
        judged.software()
    );
    let picture = picture::overlay(judged.explained, judged.film, &name);
    let (width, height) = picture.dimensions();
    // Invariant: a picture is at most 2,154 pixels wide and 1,098 high.
    let (width, height) = (width as u16, height as u16);
    let mut pixels = picture.into_raw();
    if pixels.len() % 2 == 1 {
        pixels.push(0);
    }
    let source = data_set([
        text(
            tags::REFERENCED_SOP_CLASS_UID,
            VR::UI,
            judged.source.class(),
        ),
        text(
            tags::REFERENCED_SOP_INSTANCE_UID,
            VR::UI,
            judged.source.instance(),
        ),
        code(
            tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
            (
                "121322",
                "DCM",
                "Source image for image processing operation",
            ),
        ),
    ]);
    let derivation = format!(
        "The image, and beside it the image with the {} of the model {} on it. {}",
        judged.explained.heatmap.kind,
        judged.model.architecture.name,
        crate::DISCLAIMER
    );
    for element in [
        texts(tags::IMAGE_TYPE, VR::CS, &["DERIVED", "SECONDARY"]),
        // Workstation: there is no screen that it was captured from.
        text(tags::CONVERSION_TYPE, VR::CS, "WSD"),
        text(
            tags::SECONDARY_CAPTURE_DEVICE_MANUFACTURER,
            VR::LO,
            MANUFACTURER,
        ),
        text(
            tags::SECONDARY_CAPTURE_DEVICE_MANUFACTURER_MODEL_NAME,
            VR::LO,
            "osteon",
        ),
        text(
            tags::SECONDARY_CAPTURE_DEVICE_SOFTWARE_VERSIONS,
            VR::LO,
            &judged.software(),
        ),
        text(
            tags::DATE_OF_SECONDARY_CAPTURE,
            VR::DA,
            &now.strftime("%Y%m%d").to_string(),
        ),
        text(
            tags::TIME_OF_SECONDARY_CAPTURE,
            VR::TM,
            &now.strftime("%H%M%S").to_string(),
        ),
        text(tags::DERIVATION_DESCRIPTION, VR::ST, &derivation),
        code(
            tags::DERIVATION_CODE_SEQUENCE,
            (
                "heat_overlay",
                OSTEON,
                "Image with the heat of a model on it",
            ),
        ),
        sequence(tags::SOURCE_IMAGE_SEQUENCE, vec![source]),
        text(tags::BURNED_IN_ANNOTATION, VR::CS, "YES"),
        // A series may hold images of both sides.
        text(tags::LATERALITY, VR::CS, ""),
        // No row or column of it lies along the body: two images side by side.
        text(tags::PATIENT_ORIENTATION, VR::CS, ""),
        short(tags::SAMPLES_PER_PIXEL, 3),
        text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "RGB"),
        short(tags::PLANAR_CONFIGURATION, 0),
        short(tags::ROWS, height),
        short(tags::COLUMNS, width),
        short(tags::BITS_ALLOCATED, 8),
        short(tags::BITS_STORED, 8),
        short(tags::HIGH_BIT, 7),
        short(tags::PIXEL_REPRESENTATION, 0),
        DataElement::new(tags::PIXEL_DATA, VR::OB, PrimitiveValue::from(pixels)),
    ]
    .into_iter()
    .chain(judged.source.lossy())
    {
        object.put(element);
    }
    file(object, SERIES.class)
}

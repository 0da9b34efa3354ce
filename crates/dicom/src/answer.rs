//! The answer for an image: a picture and a report, in the image's study.

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use image::GrayImage;
use jiff::Zoned;
use osteon_model::{Explained, HeatKind, ModelInfo, Predictor, Rule};

use crate::element::text;
use crate::{DicomError, MANUFACTURER, Source, capture, structured, uid};

/// An image with the model's word on it: all that an answer is made of.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The image's header.
    pub source: &'a Source,
    /// What the model says and where from.
    pub explained: &'a Explained,
    /// The image as decoded, at its full size.
    pub film: &'a GrayImage,
    /// The model.
    pub model: &'a ModelInfo,
    /// How the image was decided.
    pub rule: Rule,
}

/// The answer for an image.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Secondary Capture: the image beside itself with heat on it.
    pub capture: Object,
    /// Structured Report: score, decision, regions, model.
    pub report: Object,
}

/// A DICOM object as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its SOP Class UID.
    pub class: &'static str,
    /// Its SOP Instance UID.
    pub instance: String,
    /// The file, Explicit VR Little Endian.
    pub bytes: Vec<u8>,
}

/// Makes the answer for an image. Instance UIDs are new with every call; the series are the same for all images of a study judged by one model.
///
/// # Errors
/// If an object cannot be encoded.
pub fn answer(judged: &Judged<'_>) -> Result<Answer, DicomError> {
    let now = Zoned::now();
    Ok(Answer {
        capture: capture::object(judged, &now)?,
        report: structured::object(judged, &now)?,
    })
}

/// Judges a DICOM file and makes the answer. `kind` as for [`Predictor::explain_path`].
///
/// # Errors
/// If it is no DICOM file, belongs to no study, or does not decode.
pub fn answer_bytes(
    predictor: &Predictor,
    bytes: &[u8],
    kind: Option<HeatKind>,
) -> Result<(Explained, Answer), DicomError> {
    let source = Source::read(bytes, predictor.decoder().limits)?;
    let explained = predictor.explain_bytes(bytes, kind)?;
    let film = predictor.decoder().decode(bytes)?;
    let answer = answer(&Judged {
        source: &source,
        explained: &explained,
        film: &film,
        model: predictor.info(),
        rule: predictor.rule(),
    })?;
    Ok((explained, answer))
}

/// Which of the two series of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    /// SOP class of its objects.
    pub class: &'static str,
    /// (0008,0060).
    pub modality: &'static str,
    /// (0008,103E).
    pub description: &'static str,
    /// (0020,0011).
    pub number: &'static str,
}

impl Judged<'_> {
    /// What both objects of an answer have: patient, study, series, equipment and the object itself. The number is the image's.
    pub(crate) fn common(&self, series: Series, now: &Zoned) -> InMemDicomObject {
        let mut object = self.source.patient_and_study();
        let series_uid = uid::of(&[
            "series",
            series.class,
            self.source.study(),
            env!("CARGO_PKG_VERSION"),
            &self.model.weights_sha256,
        ]);
        let date = now.strftime("%Y%m%d").to_string();
        let time = now.strftime("%H%M%S").to_string();
        let number = self.source.number().unwrap_or(1).to_string();
        for (tag, vr, value) in [
            // Whatever the image was written in, its texts are UTF-8 by now.
            (tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
            (tags::INSTANCE_CREATION_DATE, VR::DA, &date),
            (tags::INSTANCE_CREATION_TIME, VR::TM, &time),
            (tags::SOP_CLASS_UID, VR::UI, series.class),
            (tags::SOP_INSTANCE_UID, VR::UI, &uid::new()),
            (tags::CONTENT_DATE, VR::DA, &date),
            (tags::CONTENT_TIME, VR::TM, &time),
            (tags::MODALITY, VR::CS, series.modality),
            (tags::MANUFACTURER, VR::LO, MANUFACTURER),
            (tags::MANUFACTURER_MODEL_NAME, VR::LO, "osteon"),
            (tags::SOFTWARE_VERSIONS, VR::LO, &self.software()),
            (tags::SERIES_DESCRIPTION, VR::LO, series.description),
            (tags::SERIES_INSTANCE_UID, VR::UI, &series_uid),
            (tags::SERIES_NUMBER, VR::IS, series.number),
            (tags::INSTANCE_NUMBER, VR::IS, &number),
        ] {
            object.put(text(tag, vr, value));
        }
        object
    }

    /// Program and model in a few letters.
    pub(crate) fn software(&self) -> String {
        let hash = &self.model.weights_sha256;
        let short = hash.get(..12).unwrap_or(hash);
        format!("{} {short}", env!("CARGO_PKG_VERSION"))
            .trim_end()
            .to_owned()
    }
}

/// An object as a file.
pub(crate) fn file(object: InMemDicomObject, class: &'static str) -> Result<Object, DicomError> {
    let instance = object
        .element(tags::SOP_INSTANCE_UID)
        .map_err(DicomError::encode)?
        .to_str()
        .map_err(DicomError::encode)?
        .into_owned();
    let meta = FileMetaTableBuilder::new()
        .media_storage_sop_class_uid(class)
        .media_storage_sop_instance_uid(instance.clone())
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .implementation_class_uid(uid::of(&["implementation"]))
        .implementation_version_name(concat!("OSTEON_", env!("CARGO_PKG_VERSION")));
    let file = object.with_meta(meta).map_err(DicomError::encode)?;
    let mut bytes = Vec::new();
    file.write_all(&mut bytes).map_err(DicomError::encode)?;
    Ok(Object {
        class,
        instance,
        bytes,
    })
}

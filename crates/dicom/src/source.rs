//! The image that was judged: whose it is, and what an answer takes over from it.

use dicom_core::VR;
use dicom_core::header::Tag;
use dicom_dictionary_std::tags;
use dicom_object::mem::InMemElement;
use dicom_object::{FileDicomObject, InMemDicomObject};
use osteon_data::{Limits, read_dicom};

use crate::element::{data_set, text};
use crate::{DicomError, uid};

/// What a DICOM image says of itself, without its pixels.
#[derive(Debug, Clone)]
pub struct Source {
    object: FileDicomObject<InMemDicomObject>,
    class: String,
    instance: String,
    study: String,
    series: String,
}

/// Patient and study of an answer: type 2 attributes, which are there even if empty.
const KEPT: [(Tag, VR); 10] = [
    (tags::PATIENT_NAME, VR::PN),
    (tags::PATIENT_ID, VR::LO),
    (tags::PATIENT_BIRTH_DATE, VR::DA),
    (tags::PATIENT_SEX, VR::CS),
    (tags::STUDY_DATE, VR::DA),
    (tags::STUDY_TIME, VR::TM),
    (tags::ACCESSION_NUMBER, VR::SH),
    (tags::REFERRING_PHYSICIAN_NAME, VR::PN),
    (tags::STUDY_ID, VR::SH),
    // Type 3, but as good as always there.
    (tags::STUDY_DESCRIPTION, VR::LO),
];

/// Those that are left out where the image has none.
const KEPT_IF_THERE: [(Tag, VR); 3] = [
    (tags::ISSUER_OF_PATIENT_ID, VR::LO),
    (tags::PATIENT_IDENTITY_REMOVED, VR::CS),
    (tags::DEIDENTIFICATION_METHOD, VR::LO),
];

impl Source {
    /// Reads a DICOM file; pixels are not decoded.
    ///
    /// # Errors
    /// If it is no DICOM file, is damaged, or does not say which study, series and instance it is.
    pub fn read(bytes: &[u8], limits: Limits) -> Result<Self, DicomError> {
        let mut object = read_dicom(bytes, limits)?;
        object.remove_element(tags::PIXEL_DATA);
        let class = identifier(&object, tags::SOP_CLASS_UID, "SOP Class UID")?;
        let instance = identifier(&object, tags::SOP_INSTANCE_UID, "SOP Instance UID")?;
        let study = identifier(&object, tags::STUDY_INSTANCE_UID, "Study Instance UID")?;
        let series = identifier(&object, tags::SERIES_INSTANCE_UID, "Series Instance UID")?;
        Ok(Self {
            object,
            class,
            instance,
            study,
            series,
        })
    }

    /// SOP Class UID.
    #[must_use]
    pub fn class(&self) -> &str {
        &self.class
    }

    /// SOP Instance UID.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Study Instance UID.
    #[must_use]
    pub fn study(&self) -> &str {
        &self.study
    }

    /// Series Instance UID.
    #[must_use]
    pub fn series(&self) -> &str {
        &self.series
    }

    /// Frames it holds; the first is the one that is judged.
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.value(tags::NUMBER_OF_FRAMES)
            .and_then(|v| v.parse().ok())
            .unwrap_or(1)
    }

    /// Its number within its series, if it has one that can be kept.
    pub(crate) fn number(&self) -> Option<i32> {
        self.value(tags::INSTANCE_NUMBER)?.parse().ok()
    }

    /// Whether it is an answer of this program, which must not be judged: a node that forwards all it gets would have it answer
    /// itself without end.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.value(tags::MANUFACTURER).as_deref() == Some(crate::MANUFACTURER)
    }

    /// Patient and study as an answer has them.
    pub(crate) fn patient_and_study(&self) -> InMemDicomObject {
        let mut kept = data_set(KEPT.map(|(tag, vr)| {
            let value = self.value(tag).and_then(|value| clean(&value, vr));
            text(tag, vr, &value.unwrap_or_default())
        }));
        for (tag, vr) in KEPT_IF_THERE {
            if let Some(value) = self.value(tag).and_then(|value| clean(&value, vr)) {
                kept.put(text(tag, vr, &value));
            }
        }
        kept.put(text(tags::STUDY_INSTANCE_UID, VR::UI, &self.study));
        kept
    }

    /// What it says of lossy compression, which whatever is made of it must say as well.
    pub(crate) fn lossy(&self) -> Vec<InMemElement> {
        let there = |tag| self.object.element_opt(tag).ok().flatten().cloned();
        if self.value(tags::LOSSY_IMAGE_COMPRESSION).as_deref() != Some("01") {
            return Vec::new();
        }
        [
            tags::LOSSY_IMAGE_COMPRESSION,
            tags::LOSSY_IMAGE_COMPRESSION_RATIO,
            tags::LOSSY_IMAGE_COMPRESSION_METHOD,
        ]
        .into_iter()
        .filter_map(there)
        .collect()
    }

    fn value(&self, tag: Tag) -> Option<String> {
        value(&self.object, tag)
    }
}

fn identifier(
    object: &InMemDicomObject,
    tag: Tag,
    name: &'static str,
) -> Result<String, DicomError> {
    value(object, tag)
        .filter(|uid| uid::is_valid(uid))
        .ok_or(DicomError::Identifier { name })
}

/// The first value of a text, without padding.
fn value(object: &InMemDicomObject, tag: Tag) -> Option<String> {
    let element = object.element_opt(tag).ok().flatten()?;
    let all = element.to_str().ok()?;
    let first = all.split('\\').next()?;
    let first = first.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!first.is_empty()).then(|| first.to_owned())
}

/// A value as its representation allows it; `None` if it does not: a receiver must not refuse an answer for a mistake of the image.
fn clean(value: &str, vr: VR) -> Option<String> {
    let plain: String = value.chars().filter(|c| !c.is_control()).collect();
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    match vr {
        VR::DA => {
            // As in ACR-NEMA, 2004.08.26.
            let date: String = plain.split('.').collect();
            (date.len() == 8 && digits(&date)).then_some(date)
        }
        VR::TM => {
            let (whole, part) = plain.split_once('.').unwrap_or((&plain, ""));
            let fits = matches!(whole.len(), 2 | 4 | 6) && digits(whole);
            let part_fits = part.is_empty() || whole.len() == 6 && part.len() <= 6 && digits(part);
            (fits && part_fits).then(|| plain.trim_end_matches('.').to_owned())
        }
        VR::CS => {
            let code = plain.to_uppercase();
            let fits =
                |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' ' || b == b'_';
            (code.len() <= 16 && code.bytes().all(fits)).then_some(code)
        }
        VR::SH => Some(plain.chars().take(16).collect()),
        VR::PN => Some(
            plain
                .split('=')
                .take(3)
                .map(|group| group.chars().take(64).collect::<String>())
                .collect::<Vec<_>>()
                .join("="),
        ),
        _ => Some(plain.chars().take(64).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_as_far_as_they_are_allowed() {
        let clean = |value, vr| clean(value, vr).unwrap_or_else(|| "none".to_owned());
        assert_eq!(clean("20040826", VR::DA), "20040826");
        assert_eq!(clean("2004.08.26", VR::DA), "20040826");
        assert_eq!(clean("26 Aug 2004", VR::DA), "none");
        assert_eq!(clean("185059.123456", VR::TM), "185059.123456");
        assert_eq!(clean("1850", VR::TM), "1850");
        assert_eq!(clean("18:50:59", VR::TM), "none");
        assert_eq!(clean("1850.5", VR::TM), "none");
        assert_eq!(clean("m", VR::CS), "M");
        assert_eq!(clean("männlich", VR::CS), "none");
        assert_eq!(clean("12345678901234567890", VR::SH), "1234567890123456");
        assert_eq!(
            clean("Yamada^Tarou=山田^太郎", VR::PN),
            "Yamada^Tarou=山田^太郎"
        );
        assert_eq!(clean("a\u{1b}b", VR::LO), "ab");
    }
}

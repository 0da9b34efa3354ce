//! Elements of data sets, in a few words.

use dicom_core::header::Tag;
use dicom_core::value::{DataSetSequence, PrimitiveValue};
use dicom_core::{DataElement, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;

/// A code: value, scheme, meaning.
pub(crate) type Code = (&'static str, &'static str, &'static str);

/// Our own coding scheme, for what no standard one has a code.
pub(crate) const OSTEON: &str = "99OSTEON";

/// An element of text; without any if the text is empty.
pub(crate) fn text(tag: Tag, vr: VR, value: &str) -> InMemElement {
    if value.is_empty() {
        DataElement::new(tag, vr, PrimitiveValue::Empty)
    } else {
        DataElement::new(tag, vr, value)
    }
}

/// An element of several texts.
pub(crate) fn texts(tag: Tag, vr: VR, values: &[&str]) -> InMemElement {
    let values: Vec<String> = values.iter().map(|&v| v.to_owned()).collect();
    DataElement::new(tag, vr, PrimitiveValue::Strs(values.into()))
}

/// A number of 16 bits.
pub(crate) fn short(tag: Tag, value: u16) -> InMemElement {
    DataElement::new(tag, VR::US, PrimitiveValue::from(value))
}

/// A sequence.
pub(crate) fn sequence(tag: Tag, items: Vec<InMemDicomObject>) -> InMemElement {
    DataElement::new(tag, VR::SQ, DataSetSequence::from(items))
}

/// A data set of these elements.
pub(crate) fn data_set<const N: usize>(elements: [InMemElement; N]) -> InMemDicomObject {
    InMemDicomObject::from_element_iter(elements)
}

/// A sequence of one code.
pub(crate) fn code(tag: Tag, (value, scheme, meaning): Code) -> InMemElement {
    let item = data_set([
        text(tags::CODE_VALUE, VR::SH, value),
        text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, scheme),
        text(tags::CODE_MEANING, VR::LO, meaning),
    ]);
    sequence(tag, vec![item])
}

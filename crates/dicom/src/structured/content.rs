//! The items of an SR's content tree (PS3.3 C.17.3), those that are written here.

use dicom_core::value::PrimitiveValue;
use dicom_core::{DataElement, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;

use crate::Source;
use crate::element::{Code, code, data_set, sequence, text};

/// How an item hangs on the one above.
#[derive(Debug, Clone, Copy)]
pub(super) enum Relation {
    Contains,
    ConceptModifier,
    ObserverContext,
    SelectedFrom,
}

impl Relation {
    fn name(self) -> &'static str {
        match self {
            Self::Contains => "CONTAINS",
            Self::ConceptModifier => "HAS CONCEPT MOD",
            Self::ObserverContext => "HAS OBS CONTEXT",
            Self::SelectedFrom => "SELECTED FROM",
        }
    }
}

fn item<const N: usize>(
    relation: Relation,
    kind: &'static str,
    name: Option<Code>,
    value: [InMemElement; N],
) -> InMemDicomObject {
    let mut item = data_set(value);
    item.put(text(tags::RELATIONSHIP_TYPE, VR::CS, relation.name()));
    item.put(text(tags::VALUE_TYPE, VR::CS, kind));
    if let Some(name) = name {
        item.put(code(tags::CONCEPT_NAME_CODE_SEQUENCE, name));
    }
    item
}

/// The template that a container follows.
pub(super) fn template(number: &'static str) -> InMemElement {
    let item = data_set([
        text(tags::MAPPING_RESOURCE, VR::CS, "DCMR"),
        text(tags::TEMPLATE_IDENTIFIER, VR::CS, number),
    ]);
    sequence(tags::CONTENT_TEMPLATE_SEQUENCE, vec![item])
}

pub(super) fn container(
    relation: Relation,
    name: Code,
    follows: Option<&'static str>,
    items: Vec<InMemDicomObject>,
) -> InMemDicomObject {
    let value = [
        text(tags::CONTINUITY_OF_CONTENT, VR::CS, "SEPARATE"),
        sequence(tags::CONTENT_SEQUENCE, items),
    ];
    let mut container = item(relation, "CONTAINER", Some(name), value);
    if let Some(number) = follows {
        container.put(template(number));
    }
    container
}

pub(super) fn code_item(relation: Relation, name: Code, value: Code) -> InMemDicomObject {
    let value = [code(tags::CONCEPT_CODE_SEQUENCE, value)];
    item(relation, "CODE", Some(name), value)
}

pub(super) fn text_item(relation: Relation, name: Code, value: &str) -> InMemDicomObject {
    item(
        relation,
        "TEXT",
        Some(name),
        [text(tags::TEXT_VALUE, VR::UT, value)],
    )
}

pub(super) fn uid_item(relation: Relation, name: Code, value: &str) -> InMemDicomObject {
    item(
        relation,
        "UIDREF",
        Some(name),
        [text(tags::UID, VR::UI, value)],
    )
}

/// A number without unit.
pub(super) fn number_item(relation: Relation, name: Code, value: f64) -> InMemDicomObject {
    let measured = data_set([
        // 16 letters at most: six places suffice.
        text(tags::NUMERIC_VALUE, VR::DS, &format!("{value:.6}")),
        code(
            tags::MEASUREMENT_UNITS_CODE_SEQUENCE,
            ("1", "UCUM", "no units"),
        ),
    ]);
    let value = [sequence(tags::MEASURED_VALUE_SEQUENCE, vec![measured])];
    item(relation, "NUM", Some(name), value)
}

/// The image, or its first frame if it has many.
pub(super) fn image_item(
    relation: Relation,
    name: Option<Code>,
    source: &Source,
) -> InMemDicomObject {
    let value = [sequence(
        tags::REFERENCED_SOP_SEQUENCE,
        vec![reference(source, true)],
    )];
    item(relation, "IMAGE", name, value)
}

pub(super) fn reference(source: &Source, frame: bool) -> InMemDicomObject {
    let mut reference = data_set([
        text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, source.class()),
        text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, source.instance()),
    ]);
    if frame && source.frames() > 1 {
        reference.put(text(tags::REFERENCED_FRAME_NUMBER, VR::IS, "1"));
    }
    reference
}

/// A closed line through points (column, row) of the image; 0, 0 is the upper left corner of its first pixel.
pub(super) fn outline_item(name: Code, points: &[(f64, f64)], source: &Source) -> InMemDicomObject {
    let numbers: Vec<f32> = points
        .iter()
        .flat_map(|&(x, y)| [x as f32, y as f32])
        .collect();
    let value = [
        text(tags::GRAPHIC_TYPE, VR::CS, "POLYLINE"),
        DataElement::new(
            tags::GRAPHIC_DATA,
            VR::FL,
            PrimitiveValue::F32(numbers.into()),
        ),
        sequence(
            tags::CONTENT_SEQUENCE,
            vec![image_item(
                Relation::SelectedFrom,
                Some(("260753009", "SCT", "Source")),
                source,
            )],
        ),
    ];
    item(Relation::Contains, "SCOORD", Some(name), value)
}

//! The CLAIM checklist of 2024, answered as far as a judgement knows.
//!
//! Source: Tejani, Klontzas, Gatti, Mongan, Moy, Park & Kahn, "Checklist for Artificial Intelligence in Medical Imaging (CLAIM):
//! 2024 Update", Radiology: Artificial Intelligence 6 (2024) e240300.

mod answers;

use crate::Report;

/// What is known for an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Known(String),
    /// A part of what the item asks for.
    Partly(String),
    NotKnown,
}

/// An item with its answer.
pub(crate) struct Item {
    pub number: usize,
    pub wording: &'static str,
    pub answer: Answer,
}

/// A section with its items.
pub(crate) struct Section {
    pub name: &'static str,
    pub items: Vec<Item>,
}

/// Sections with the short wordings of their items.
const SECTIONS: [(&str, &[&str]); 14] = [
    (
        "Title / abstract",
        &[
            "Identification as a study of AI methodology, specifying the category of technology used",
            "Summary of study design, methods, results, and conclusions",
        ],
    ),
    (
        "Introduction",
        &[
            "Scientific and/or clinical background, including the intended use and role of the AI approach",
            "Study aims, objectives, and hypotheses",
        ],
    ),
    (
        "Methods: study design",
        &["Prospective or retrospective study", "Study goal"],
    ),
    (
        "Methods: data",
        &[
            "Data sources",
            "Inclusion and exclusion criteria",
            "Data preprocessing",
            "Selection of data subsets",
            "De-identification methods",
            "How missing data were handled",
            "Image acquisition protocol",
        ],
    ),
    (
        "Methods: reference standard",
        &[
            "Definition of method(s) used to obtain reference standard",
            "Rationale for choosing the reference standard",
            "Source of reference standard annotations",
            "Annotation of test set",
            "Measures of inter- and intrarater variability of features described by the annotators",
        ],
    ),
    (
        "Methods: data partitions",
        &[
            "How data were assigned to partitions",
            "Level at which partitions are disjoint",
        ],
    ),
    ("Methods: testing data", &["Intended sample size"]),
    (
        "Methods: model",
        &[
            "Detailed description of model",
            "Software libraries, frameworks, and packages",
            "Initialization of model parameters",
        ],
    ),
    (
        "Methods: training",
        &[
            "Details of training approach",
            "Method of selecting the final model",
            "Ensembling techniques",
        ],
    ),
    (
        "Methods: evaluation",
        &[
            "Metrics of model performance",
            "Statistical measures of significance and uncertainty",
            "Robustness or sensitivity analysis",
            "Methods for explainability or interpretability",
            "Evaluation on internal data",
            "Testing on external data",
            "Clinical trial registration",
        ],
    ),
    (
        "Results: data",
        &[
            "Numbers of patients or examinations included and excluded",
            "Demographic and clinical characteristics of cases in each partition",
        ],
    ),
    (
        "Results: model performance",
        &[
            "Performance metrics and measures of statistical uncertainty",
            "Estimates of diagnostic performance and their precision",
            "Failure analysis of incorrect results",
        ],
    ),
    (
        "Discussion",
        &[
            "Study limitations",
            "Implications for practice, including intended use and/or clinical role",
        ],
    ),
    (
        "Other information",
        &[
            "Provide a reference to the full study protocol or to additional technical details",
            "Statement about the availability of software, trained model, and/or data",
            "Sources of funding and other support; role of funders",
        ],
    ),
];

/// All 44 items by section.
pub(crate) fn claim(report: &Report<'_>) -> Vec<Section> {
    let mut number = 0;
    SECTIONS
        .iter()
        .map(|&(name, wordings)| Section {
            name,
            items: wordings
                .iter()
                .map(|&wording| {
                    number += 1;
                    Item {
                        number,
                        wording,
                        answer: answers::answer(number, report),
                    }
                })
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::SECTIONS;

    #[test]
    fn there_are_forty_four_items() {
        assert_eq!(
            SECTIONS.iter().map(|(_, items)| items.len()).sum::<usize>(),
            44
        );
    }
}

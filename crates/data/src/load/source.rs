//! Where a loader takes its images from: memory or a pack, or files that are decoded as they are needed.

use std::sync::Arc;

use super::sampler::Indices;
use crate::{Dataset, Decoder, Entry, Preprocess};

/// Images that are read when their batch is made, in every epoch anew: for data sets beyond memory and disk.
#[derive(Debug)]
pub(crate) struct Files {
    pub entries: Vec<Entry>,
    pub ids: Arc<[String]>,
    pub indices: Indices,
    pub decoder: Decoder,
    pub preprocess: Preprocess,
    /// Images that do not read are left out of their batch and listed in it, rather than an error.
    pub skip_unreadable: bool,
}

/// Where a loader takes its images from.
#[derive(Debug, Clone)]
pub(crate) enum SampleSource {
    Dataset(Arc<Dataset>),
    Files(Arc<Files>),
}

impl SampleSource {
    /// The set as an order sees it.
    pub fn indices(&self) -> &Indices {
        match self {
            Self::Dataset(films) => films.indices(),
            Self::Files(files) => &files.indices,
        }
    }

    pub fn ids(&self) -> Arc<[String]> {
        match self {
            Self::Dataset(films) => films.shared_ids(),
            Self::Files(files) => Arc::clone(&files.ids),
        }
    }

    pub fn preprocess(&self) -> &Preprocess {
        match self {
            Self::Dataset(films) => films.preprocess(),
            Self::Files(files) => &files.preprocess,
        }
    }

    pub fn is_fractured(&self, index: usize) -> bool {
        match self {
            Self::Dataset(films) => films.labels()[index].is_fractured(),
            Self::Files(files) => files.entries[index].label.is_fractured(),
        }
    }
}

//! The honest evaluation of a model.
#![doc = include_str!("../README.md")]

mod boxes;
mod cards;
mod coco;
mod compare;
mod error;
mod evaluation;
mod explanation;
mod figures;
mod images;
mod leak;
mod looks;
mod model_card;
mod observer;
mod thumbnails;
mod warnings;
pub mod words;

pub use coco::Coco;
pub use compare::{Comparison, compare};
pub use error::EvaluateError;
pub use evaluation::{Evaluation, Request, evaluate};
pub use model_card::model_card;
pub use observer::{Observer, Stage};

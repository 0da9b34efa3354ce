//! Stands in where libtorch's c10d is not to be had: nothing can be made, so nothing can be called.

use std::convert::Infallible;
use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use tch::Tensor;

use super::{OnGradient, Progress};

const WHY: &str = "libtorch's c10d with gloo is used on Linux alone so far; train in one process";

pub(crate) struct Store(Infallible);

impl Store {
    pub(crate) fn open(
        _host: &str,
        _port: u16,
        _serve: bool,
        _prefix: &str,
        _timeout: Duration,
    ) -> Result<Self, String> {
        Err(WHY.to_owned())
    }

    pub(crate) fn set(&self, _key: &str, _value: &[u8]) -> Result<(), String> {
        match self.0 {}
    }

    pub(crate) fn add(&self, _key: &str, _value: i64) -> Result<i64, String> {
        match self.0 {}
    }

    pub(crate) fn has(&self, _key: &str) -> Result<bool, String> {
        match self.0 {}
    }

    pub(crate) fn get(&self, _key: &str) -> Result<Vec<u8>, String> {
        match self.0 {}
    }

    pub(crate) fn get_many(&self, _keys: &[CString]) -> Result<Vec<Vec<u8>>, String> {
        match self.0 {}
    }

    pub(crate) fn set_once(&self, _key: &str, _value: &[u8]) -> Result<(), String> {
        match self.0 {}
    }
}

pub(crate) struct Backend(Infallible);

impl Backend {
    pub(crate) const HAS_NCCL: bool = false;
    pub(crate) const ABSENT: Option<&'static str> = Some(WHY);

    pub(crate) fn open(
        store: &Store,
        _nccl: bool,
        _rank: usize,
        _size: usize,
        _host: &str,
        _timeout: Duration,
    ) -> Result<Self, String> {
        match store.0 {}
    }

    pub(crate) fn all_reduce(&self, _tensor: &Tensor) -> Result<Work, String> {
        match self.0 {}
    }

    pub(crate) fn broadcast(&self, _tensor: &Tensor, _root: usize) -> Result<Work, String> {
        match self.0 {}
    }

    pub(crate) fn all_gather(&self, _whole: &Tensor, _part: &Tensor) -> Result<Work, String> {
        match self.0 {}
    }

    pub(crate) fn abort(&self) {
        match self.0 {}
    }
}

pub(crate) struct Work(Infallible);

impl Work {
    pub(crate) fn wait(&self, _at_most: Duration) -> Progress {
        match self.0 {}
    }
}

pub(crate) struct GradHooks(Infallible);

impl GradHooks {
    pub(crate) fn new(_leaves: &[&Tensor], _target: &Arc<dyn OnGradient>) -> Result<Self, String> {
        Err(WHY.to_owned())
    }
}

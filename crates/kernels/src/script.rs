//! `TorchScript` modules with submodules, parameters, buffers and extra files: tch makes them by tracing alone, with none of these.

use std::ffi::{CString, c_char};

use tch::{Kind, Tensor};
use torch_sys::C_tensor;

use crate::KernelError;
use crate::ffi::{checked, osteon_script, pointers};

/// What a `TorchScript` archive is made from.
pub struct Script<'a> {
    /// The module's type, such as `Net`.
    pub name: &'a str,
    /// Its methods in `TorchScript`, not indented.
    pub source: &'a str,
    /// Tensors by name: `a.b.weight` is `self.a.b.weight`. Those that ask for a gradient become parameters, the others buffers; neither asks for one in
    /// the archive.
    pub tensors: &'a [(String, Tensor)],
    /// Extra files by name, for the reader's `_extra_files`.
    pub files: &'a [(&'a str, &'a str)],
}

impl Script<'_> {
    /// Compiles the source and lays the module out as the archive that `torch.jit.load` reads.
    ///
    /// # Errors
    /// The source does not compile, or two names do not go together.
    #[allow(unsafe_code, reason = "calls the shim")]
    pub fn archive(&self) -> Result<Vec<u8>, KernelError> {
        let text = |text: &str| {
            CString::new(text).map_err(|_| KernelError::Input {
                call: "script",
                name: "text",
                must: "hold no zero byte",
                found: "one".to_owned(),
            })
        };
        let (name, source) = (
            text(&format!("__torch__.osteon.{}", self.name))?,
            text(self.source)?,
        );
        let mut names = Vec::new();
        let mut tensors = Vec::new();
        let mut buffers = Vec::new();
        for (name, tensor) in self.tensors {
            names.push(text(name)?);
            buffers.push(!tensor.requires_grad());
            tensors.push(tensor.f_detach()?.f_contiguous()?);
        }
        let mut files = (Vec::new(), Vec::new());
        for (name, content) in self.files {
            files.0.push(text(name)?);
            files.1.push(text(content)?);
        }
        let raw = |texts: &[CString]| texts.iter().map(|t| t.as_ptr()).collect::<Vec<_>>();
        let (names, file_names, file_texts) = (raw(&names), raw(&files.0), raw(&files.1));
        let pointers = pointers(&tensors);
        let mut archive: *mut C_tensor = std::ptr::null_mut();
        // SAFETY: all texts and tensors outlive the call, and the lists are as long as is said. On success `archive` owns a tensor, which goes to one
        // `Tensor`; on failure it stays null and is not looked at.
        let archive = unsafe {
            let message: *mut c_char = osteon_script(
                name.as_ptr(),
                source.as_ptr(),
                names.as_ptr(),
                pointers.as_ptr(),
                buffers.as_ptr(),
                names.len() as i64,
                file_names.as_ptr(),
                file_texts.as_ptr(),
                file_names.len() as i64,
                &raw mut archive,
            );
            checked(message)?;
            Tensor::from_ptr(archive)
        };
        debug_assert_eq!(archive.kind(), Kind::Uint8);
        let mut bytes = vec![0; archive.numel()];
        let count = bytes.len();
        archive.f_copy_data_u8(&mut bytes, count)?;
        Ok(bytes)
    }
}

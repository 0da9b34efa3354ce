//! The wheels that libtorch is taken from, every one pinned by its SHA-256, and what is taken out of each.
//!
//! How the hashes were found: the torch wheels and the CPU pair were downloaded with pip and hashed; the rest is what
//! `pip install --dry-run --report` resolved from the torch wheel's own requirements for Linux (`cuda-toolkit[…]==13.0.2`,
//! `nvidia-cudnn-cu13`, …; triton and the Python bindings, which libtorch does not use, left out). A wheel that hashes to
//! anything else is thrown away.

use std::path::{Component, Path, PathBuf};

/// One wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wheel {
    /// Its file name, which also states package, version and platforms.
    pub file: &'static str,
    /// Its SHA-256.
    pub sha256: &'static str,
}

/// Which libtorch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Runs on the CPU (and on Apple's GPU, where the wheel has it).
    Cpu,
    /// Also runs on NVIDIA's GPUs.
    Cuda,
}

impl Wheel {
    /// What pip is asked for, e.g. `torch==2.11.0`.
    pub fn requirement(&self) -> String {
        let mut parts = self.file.split('-');
        let (name, version) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        format!("{}=={version}", name.replace('_', "-"))
    }

    /// The platform tags; pip takes a wheel only if one of them is named exactly so.
    pub fn platforms(&self) -> impl Iterator<Item = &'static str> {
        let stem = self.file.strip_suffix(".whl").unwrap_or(self.file);
        stem.rsplit('-').next().unwrap_or_default().split('.')
    }
}

/// The wheels for this flavour on a system and processor as `std::env::consts` names them; none where PyTorch publishes none.
pub fn needed(flavour: Flavour, system: &str, processor: &str) -> Option<Vec<Wheel>> {
    let (torch, rest) = match (system, processor) {
        ("linux", "x86_64") => (LINUX_X86_64, NVIDIA_X86_64),
        ("linux", "aarch64") => (LINUX_AARCH64, NVIDIA_AARCH64),
        ("macos", "aarch64") if flavour == Flavour::Cpu => return Some(vec![MACOS_AARCH64]),
        _ => return None,
    };
    let rest = rest
        .iter()
        .filter(|wheel| flavour == Flavour::Cuda || for_cpu(wheel));
    Some(std::iter::once(torch).chain(rest.copied()).collect())
}

/// The Linux wheel's `libtorch_cpu.so` is linked to CUDA's run time and profiler, so even a CPU machine needs these two.
fn for_cpu(wheel: &Wheel) -> bool {
    ["nvidia_cuda_runtime-", "nvidia_cuda_cupti-"]
        .iter()
        .any(|name| wheel.file.starts_with(name))
}

/// Where an entry of a wheel goes under `.libtorch`, if it is needed.
///
/// The layout stays the wheels' own, since the libraries seek each other by relative run paths such as
/// `$ORIGIN/../../nvidia/cu13/lib`.
pub fn place(flavour: Flavour, entry: &Path) -> Option<PathBuf> {
    let parts: Vec<&str> = entry.components().map(text).collect::<Option<_>>()?;
    let needed = match parts.as_slice() {
        ["torch", "include", _, ..] => true,
        ["torch", "lib", name] => torch_library(flavour, name),
        ["nvidia", "cu13", "lib", name] if flavour == Flavour::Cpu => {
            ["libcudart.so", "libcupti.so"]
                .iter()
                .any(|library| name.starts_with(library))
        }
        ["nvidia", .., "lib", name] => flavour == Flavour::Cuda && is_library(name),
        _ => return place_of_licence(entry),
    };
    needed.then(|| entry.to_owned())
}

/// Where the licences of all wheels go, inside the folder `torch`.
pub const LICENCES: &str = "licences";

/// `torch-2.11.0.dist-info/licenses/NOTICE` → `torch/licences/torch-2.11.0 NOTICE`: who passes the libraries on, passes these on.
pub fn place_of_licence(entry: &Path) -> Option<PathBuf> {
    let parts: Vec<&str> = entry.components().map(text).collect::<Option<_>>()?;
    let [package, "licenses", name] = parts.as_slice() else {
        return None;
    };
    let package = package.strip_suffix(".dist-info")?;
    let name = format!("{package} {name}");
    Some(Path::new("torch").join(LICENCES).join(name))
}

/// `libtorch_python` is for Python alone. On a CPU machine the CUDA half is left out too: its absence is how torch-sys knows
/// to take its CPU path. What remains differs between processors (ARM brings BLAS libraries along), hence a list of what goes
/// rather than of what stays.
fn torch_library(flavour: Flavour, name: &str) -> bool {
    let python = ["libtorch_python.", "libshm."]
        .iter()
        .any(|word| name.contains(word));
    let cuda = ["cuda", "nvrtc", "nvshmem", "global_deps"]
        .iter()
        .any(|word| name.contains(word));
    is_library(name) && !python && (flavour == Flavour::Cuda || !cuda)
}

fn is_library(name: &str) -> bool {
    // `libgomp.so.1` has its version behind the extension.
    name.split('.')
        .skip(1)
        .any(|part| part == "so" || part == "dylib")
}

fn text(component: Component<'_>) -> Option<&str> {
    match component {
        Component::Normal(text) => text.to_str(),
        _ => None,
    }
}

const LINUX_X86_64: Wheel = Wheel {
    file: "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    sha256: "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
};

const LINUX_AARCH64: Wheel = Wheel {
    file: "torch-2.11.0-cp311-cp311-manylinux_2_28_aarch64.whl",
    sha256: "d91aac77f24082809d2c5a93f52a5f085032740a1ebc9252a7b052ef5a4fddc6",
};

const MACOS_AARCH64: Wheel = Wheel {
    file: "torch-2.11.0-cp311-cp311-macosx_11_0_arm64.whl",
    sha256: "7b6a60d48062809f58595509c524b88e6ddec3ebe25833d6462eeab81e5f2ce4",
};

const NVIDIA_X86_64: &[Wheel] = &[
    Wheel {
        file: "nvidia_cublas-13.1.0.3-py3-none-manylinux_2_27_x86_64.whl",
        sha256: "ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171",
    },
    Wheel {
        file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
        sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
    },
    Wheel {
        file: "nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
        sha256: "ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575",
    },
    Wheel {
        file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    },
    Wheel {
        file: "nvidia_cudnn_cu13-9.19.0.56-py3-none-manylinux_2_27_x86_64.whl",
        sha256: "d20e1734305e9d68889a96e3f35094d733ff1f83932ebe462753973e53a572bf",
    },
    Wheel {
        file: "nvidia_cufft-12.0.0.61-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3",
    },
    Wheel {
        file: "nvidia_cufile-1.15.1.6-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44",
    },
    Wheel {
        file: "nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_x86_64.whl",
        sha256: "1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc",
    },
    Wheel {
        file: "nvidia_cusolver-12.0.4.66-py3-none-manylinux_2_27_x86_64.whl",
        sha256: "0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112",
    },
    Wheel {
        file: "nvidia_cusparse-12.6.3.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b",
    },
    Wheel {
        file: "nvidia_cusparselt_cu13-0.8.0-py3-none-manylinux2014_x86_64.whl",
        sha256: "25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd",
    },
    Wheel {
        file: "nvidia_nccl_cu13-2.28.9-py3-none-manylinux_2_18_x86_64.whl",
        sha256: "e4553a30f34195f3fa1da02a6da3d6337d28f2003943aa0a3d247bbc25fefc42",
    },
    Wheel {
        file: "nvidia_nvjitlink-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
        sha256: "13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b",
    },
    Wheel {
        file: "nvidia_nvshmem_cu13-3.4.5-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80",
    },
    Wheel {
        file: "nvidia_nvtx-13.0.85-py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl",
        sha256: "4936d1d6780fbe68db454f5e72a42ff64d1fd6397df9f363ae786930fd5c1cd4",
    },
];

const NVIDIA_AARCH64: &[Wheel] = &[
    Wheel {
        file: "nvidia_cublas-13.1.0.3-py3-none-manylinux_2_27_aarch64.whl",
        sha256: "c86fc7f7ae36d7528288c5d88098edcb7b02c633d262e7ddbb86b0ad91be5df2",
    },
    Wheel {
        file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_aarch64.whl",
        sha256: "796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151",
    },
    Wheel {
        file: "nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
        sha256: "d27f20a0ca67a4bb34268a5e951033496c5b74870b868bacd046b1b8e0c3267b",
    },
    Wheel {
        file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
        sha256: "ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55",
    },
    Wheel {
        file: "nvidia_cudnn_cu13-9.19.0.56-py3-none-manylinux_2_27_aarch64.whl",
        sha256: "6ed29ffaee1176c612daf442e4dd6cfeb6a0caa43ddcbeb59da94953030b1be4",
    },
    Wheel {
        file: "nvidia_cufft-12.0.0.61-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
        sha256: "2708c852ef8cd89d1d2068bdbece0aa188813a0c934db3779b9b1faa8442e5f5",
    },
    Wheel {
        file: "nvidia_cufile-1.15.1.6-py3-none-manylinux_2_27_aarch64.whl",
        sha256: "bdc0deedc61f548bddf7733bdc216456c2fdb101d020e1ab4b88d232d5e2f6d1",
    },
    Wheel {
        file: "nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_aarch64.whl",
        sha256: "133df5a7509c3e292aaa2b477afd0194f06ce4ea24d714d616ff36439cee349a",
    },
    Wheel {
        file: "nvidia_cusolver-12.0.4.66-py3-none-manylinux_2_27_aarch64.whl",
        sha256: "02c2457eaa9e39de20f880f4bd8820e6a1cfb9f9a34f820eb12a155aa5bc92d2",
    },
    Wheel {
        file: "nvidia_cusparse-12.6.3.3-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
        sha256: "80bcc4662f23f1054ee334a15c72b8940402975e0eab63178fc7e670aa59472c",
    },
    Wheel {
        file: "nvidia_cusparselt_cu13-0.8.0-py3-none-manylinux2014_aarch64.whl",
        sha256: "400c6ed1cf6780fc6efedd64ec9f1345871767e6a1a0a552a1ea0578117ea77c",
    },
    Wheel {
        file: "nvidia_nccl_cu13-2.28.9-py3-none-manylinux_2_18_aarch64.whl",
        sha256: "01c873ba1626b54caa12272ed228dc5b2781545e0ae8ba3f432a8ef1c6d78643",
    },
    Wheel {
        file: "nvidia_nvjitlink-13.0.88-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
        sha256: "e931536ccc7d467a98ba1d8b89ff7fa7f1fa3b13f2b0069118cd7f47bff07d0c",
    },
    Wheel {
        file: "nvidia_nvshmem_cu13-3.4.5-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
        sha256: "6dc2a197f38e5d0376ad52cd1a2a3617d3cdc150fd5966f4aee9bcebb1d68fe9",
    },
    Wheel {
        file: "nvidia_nvtx-13.0.85-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
        sha256: "cb7780edb6b14107373c835bf8b72e7a178bac7367e23da7acb108f973f157a6",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(flavour: Flavour, entry: &str) -> bool {
        match place(flavour, Path::new(entry)) {
            Some(path) => {
                assert_eq!(path, Path::new(entry));
                true
            }
            None => false,
        }
    }

    #[test]
    fn a_file_name_says_what_to_ask_pip_for() {
        let cupti = NVIDIA_X86_64
            .iter()
            .find(|wheel| wheel.file.contains("runtime"))
            .unwrap();
        assert_eq!(cupti.requirement(), "nvidia-cuda-runtime==13.0.96");
        let tags: Vec<_> = cupti.platforms().collect();
        assert_eq!(tags, ["manylinux2014_x86_64", "manylinux_2_17_x86_64"]);
        assert_eq!(MACOS_AARCH64.requirement(), "torch==2.11.0");
        assert_eq!(
            MACOS_AARCH64.platforms().collect::<Vec<_>>(),
            ["macosx_11_0_arm64"]
        );
    }

    #[test]
    fn every_pin_is_well_formed_and_for_its_own_processor() {
        for (processor, other) in [("x86_64", "aarch64"), ("aarch64", "x86_64")] {
            let all = needed(Flavour::Cuda, "linux", processor).unwrap();
            assert_eq!(all.len(), 16);
            for wheel in &all {
                assert!(
                    wheel.sha256.len() == 64
                        && wheel.sha256.bytes().all(|byte| byte.is_ascii_hexdigit())
                );
                assert!(
                    wheel.file.contains(processor) && !wheel.file.contains(other),
                    "{}",
                    wheel.file
                );
            }
        }
    }

    #[test]
    fn a_cpu_machine_needs_three_wheels_and_a_mac_one() {
        for processor in ["x86_64", "aarch64"] {
            assert_eq!(needed(Flavour::Cpu, "linux", processor).unwrap().len(), 3);
        }
        assert_eq!(
            needed(Flavour::Cpu, "macos", "aarch64").unwrap(),
            [MACOS_AARCH64]
        );
        assert!(needed(Flavour::Cuda, "macos", "aarch64").is_none());
        assert!(needed(Flavour::Cpu, "windows", "x86_64").is_none());
    }

    #[test]
    fn a_cpu_machine_gets_no_cuda_library() {
        // The names in the wheels' own `torch/lib`.
        for kept in [
            "torch/include/torch/headeronly/version.h",
            "torch/lib/libtorch_cpu.so",
            "torch/lib/libc10.so",
            "torch/lib/libtorch.so",
            "torch/lib/libgomp.so.1",
            "torch/lib/libarm_compute.so",
            "torch/lib/libnvpl_blas_lp64_gomp.so.0",
            "torch/lib/libomp.dylib",
            "nvidia/cu13/lib/libcudart.so.13",
            "nvidia/cu13/lib/libcupti.so.13",
        ] {
            assert!(
                placed(Flavour::Cpu, kept) && placed(Flavour::Cuda, kept),
                "{kept}"
            );
        }
        for left in [
            "torch/lib/libtorch_cuda.so",
            "torch/lib/libtorch_cuda_linalg.so",
            "torch/lib/libc10_cuda.so",
            "torch/lib/libcaffe2_nvrtc.so",
            "torch/lib/libtorch_nvshmem.so",
            "torch/lib/libtorch_global_deps.so",
        ] {
            assert!(
                !placed(Flavour::Cpu, left) && placed(Flavour::Cuda, left),
                "{left}"
            );
        }
        assert!(placed(Flavour::Cuda, "nvidia/cudnn/lib/libcudnn.so.9"));
        assert!(!placed(Flavour::Cpu, "nvidia/cu13/lib/libcublas.so.13"));
    }

    #[test]
    fn licences_come_along_under_the_name_of_their_wheel() {
        let place = |entry: &str| place(Flavour::Cpu, Path::new(entry));
        assert_eq!(
            place("nvidia_cuda_cupti-13.0.85.dist-info/licenses/License.txt").unwrap(),
            Path::new("torch/licences/nvidia_cuda_cupti-13.0.85 License.txt")
        );
        assert!(place("torch-2.11.0.dist-info/licenses/LICENSE").is_some());
        assert!(place("torch-2.11.0.dist-info/licenses/").is_none());
    }

    #[test]
    fn no_machine_gets_pythons_files() {
        for left in [
            "torch/__init__.py",
            "torch/lib/libtorch_python.so",
            "torch/lib/libshm.so",
            "torch/lib/libshm/alloc_info.h",
            "torch-2.11.0.dist-info/METADATA",
            "nvidia/cu13/include/cuda.h",
            "nvidia/cu13/lib/libcudart_static.a",
        ] {
            assert!(
                !placed(Flavour::Cpu, left) && !placed(Flavour::Cuda, left),
                "{left}"
            );
        }
    }
}

//! The fused layers against libtorch's own convolution, ReLU and pooling.

use osteon_kernels::{Instructions, KernelError, MAX_CPU_ISA, Pooled, conv_relu_pool};
use tch::{Device, Kind, Tensor};

const ALL: [Instructions; 4] = [
    Instructions::Scalar,
    Instructions::Avx2,
    Instructions::Avx512,
    Instructions::Avx512Bf16,
];

struct Case {
    films: Tensor,
    weight: Tensor,
    bias: Tensor,
    grad: Tensor,
}

/// Images, weights and an upstream gradient, drawn.
fn draw([n, i, h, w]: [i64; 4], o: i64, seed: i64) -> Case {
    tch::manual_seed(seed);
    let normal = |size: &[i64]| Tensor::randn(size, (Kind::Float, Device::Cpu));
    Case {
        films: normal(&[n, i, h, w]),
        weight: normal(&[o, i, 3, 3]) / (9.0 * i as f64).sqrt(),
        bias: normal(&[o]) * 0.1,
        grad: normal(&[n, o, h / 2, w / 2]),
    }
}

/// Output and gradients of images, weight and bias.
type Results = [Tensor; 4];

fn leaf(tensor: &Tensor) -> Tensor {
    tensor.detach().copy().set_requires_grad(true)
}

fn run(case: &Case, layer: impl Fn(&Tensor, &Tensor, &Tensor) -> Tensor) -> Results {
    let (weight, bias) = (leaf(&case.weight), leaf(&case.bias));
    let films = if case.films.size()[1] == 1 {
        case.films.shallow_clone()
    } else {
        leaf(&case.films)
    };
    let output = layer(&films, &weight, &bias);
    (&output * &case.grad).sum(Kind::Float).backward();
    [output.detach(), films.grad(), weight.grad(), bias.grad()]
}

fn theirs(case: &Case) -> Results {
    run(case, |x, w, b| {
        x.conv2d(w, Some(b), [1, 1], [1, 1], [1, 1], 1)
            .relu()
            .max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)
    })
}

fn ours(case: &Case, pooled: Pooled) -> Results {
    run(case, |x, w, b| {
        conv_relu_pool(x, w, b, pooled).expect("computes")
    })
}

fn assert_near(ours: &Results, theirs: &Results, relative: f64, what: &str) {
    let names = ["output", "films", "weight", "bias"];
    for ((a, b), name) in ours.iter().zip(theirs).zip(names) {
        assert_eq!(a.defined(), b.defined(), "{what}: {name}");
        if a.defined() {
            assert_eq!(a.size(), b.size(), "{what}: {name}");
            let far = (a.to_kind(Kind::Float) - b).norm().double_value(&[]);
            let scale = b.norm().double_value(&[]);
            assert!(
                far <= relative * scale,
                "{what}: {name} is off by {far} of {scale}"
            );
        }
    }
}

fn pooled(instructions: Instructions, channels_last: bool) -> Pooled {
    Pooled {
        kind: Kind::Float,
        channels_last,
        instructions,
    }
}

#[test]
fn the_first_layer_is_libtorch_s_in_every_instruction_set() {
    // Odd and even sizes, the smallest, one block of channels and an odd number of them, more images than threads.
    for (size, outputs) in [
        ([2, 1, 15, 22], 64),
        ([1, 1, 2, 2], 16),
        ([5, 1, 9, 3], 48),
        ([3, 1, 4, 7], 32),
    ] {
        let case = draw(size, outputs, 1);
        let expected = theirs(&case);
        for instructions in ALL {
            for channels_last in [false, true] {
                let got = ours(&case, pooled(instructions, channels_last));
                let what = format!("{size:?} {instructions:?} {channels_last}");
                assert_near(&got, &expected, 1e-5, &what);
                assert_eq!(
                    got[0].is_contiguous(),
                    !channels_last || size[2] < 4,
                    "{what}"
                );
            }
        }
    }
}

#[test]
fn the_wide_layer_is_libtorch_s() {
    for (size, outputs) in [
        ([2, 64, 9, 17], 32),
        ([3, 32, 8, 8], 64),
        ([1, 128, 2, 3], 32),
        // No kernel for these: libtorch's own.
        ([2, 24, 8, 8], 32),
        ([2, 64, 8, 8], 24),
    ] {
        let case = draw(size, outputs, 2);
        let expected = theirs(&case);
        for channels_last in [false, true] {
            let got = ours(&case, pooled(Instructions::best(), channels_last));
            assert_near(&got, &expected, 1e-5, &format!("{size:?} {channels_last}"));
        }
    }
}

/// The layer by libtorch's own, with 16 bits between its steps: what is computed where there is no kernel.
fn theirs_in_16_bits(case: &Case) -> Results {
    run(case, |x, w, b| {
        let [x, w, b] = [x, w, b].map(|tensor| tensor.to_kind(Kind::BFloat16));
        x.conv2d(&w, Some(&b), [1, 1], [1, 1], [1, 1], 1)
            .relu()
            .max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)
            .to_kind(Kind::Float)
    })
}

/// The greatest distance of two tensors as a part of the second's length.
fn apart(a: &Tensor, b: &Tensor) -> f64 {
    let far = (a.to_kind(Kind::Float) - b).norm().double_value(&[]);
    far / b.norm().double_value(&[])
}

#[test]
fn sixteen_bits_round_and_no_more() {
    let case = draw([2, 64, 9, 13], 32, 3);
    // What has 16 bits in any case is rounded for both.
    let rough = |tensor: &Tensor| tensor.to_kind(Kind::BFloat16).to_kind(Kind::Float);
    let case = Case {
        films: rough(&case.films),
        weight: rough(&case.weight),
        bias: case.bias,
        grad: rough(&case.grad),
    };
    let (exact, plain) = (theirs(&case), theirs_in_16_bits(&case));
    // Whatever this processor has, the way of those that have less is gone, too.
    for instructions in ALL {
        let got = run(&case, |x, w, b| {
            let x = x.to_kind(Kind::BFloat16);
            conv_relu_pool(&x, w, b, pooled(instructions, false)).expect("computes")
        });
        let what = format!("{instructions:?}");
        if instructions.at_most() == Instructions::Avx512Bf16 {
            // Products of 16-bit numbers are exact in f32, so only the images' gradient, which is 16-bit, is rounded.
            let [output, films, weight, bias] = got;
            let sums = [output, Tensor::new(), weight, bias];
            let [output, _, weight, bias] = &exact;
            let same = [output, &Tensor::new(), weight, bias].map(Tensor::shallow_clone);
            assert_near(&sums, &same, 1e-5, &what);
            assert!(apart(&films, &exact[1]) < 4e-3, "{what}");
        } else {
            // libtorch's own layers, to a rounding: how they add depends on the processor and on the threads.
            assert_near(&got, &plain, 4e-3, &what);
            assert!(apart(&got[0], &exact[0]) < 1e-2, "{what}");
            // Of two sums that round to the same number the first passes for the greater, and has the whole gradient of a window: so
            // gradients are as far from the exact ones as there are such windows, some in a hundred.
            for (a, b) in got.iter().zip(&exact).skip(1) {
                assert!(apart(a, b) < 0.15, "{what}: {}", apart(a, b));
            }
        }
    }
    // Rounding on the way out of the first layer.
    let case = draw([2, 1, 9, 13], 32, 4);
    let expected = theirs(&case);
    for instructions in ALL {
        let got = ours(
            &case,
            Pooled {
                kind: Kind::BFloat16,
                channels_last: true,
                instructions,
            },
        );
        assert_eq!(got[0].kind(), Kind::BFloat16);
        let near = expected[0].to_kind(Kind::BFloat16).to_kind(Kind::Float);
        let [output, _, weight, bias] = &got;
        let far = (output.to_kind(Kind::Float) - near)
            .abs()
            .max()
            .double_value(&[]);
        // A sum on the edge may round either way.
        assert!(far < 0.02, "{instructions:?}: {far}");
        for (a, b) in [(weight, &expected[2]), (bias, &expected[3])] {
            let far = (a - b).norm().double_value(&[]);
            assert!(far < 1e-2 * b.norm().double_value(&[]), "{instructions:?}");
        }
    }
}

#[test]
fn of_equals_the_first_gets_the_gradient_and_nan_stays() {
    // A constant image: inside, all four of a window are equal.
    let case = Case {
        films: Tensor::ones([1, 1, 8, 8], (Kind::Float, Device::Cpu)),
        grad: Tensor::ones([1, 16, 4, 4], (Kind::Float, Device::Cpu)),
        ..draw([1, 1, 8, 8], 16, 5)
    };
    let expected = theirs(&case);
    let wide = Case {
        films: Tensor::ones([1, 32, 8, 8], (Kind::Float, Device::Cpu)),
        grad: Tensor::ones([1, 32, 4, 4], (Kind::Float, Device::Cpu)),
        ..draw([1, 32, 8, 8], 32, 5)
    };
    assert_near(
        &ours(&wide, pooled(Instructions::best(), false)),
        &theirs(&wide),
        1e-5,
        "wide",
    );
    for instructions in ALL {
        let got = ours(&case, pooled(instructions, false));
        assert_near(&got, &expected, 1e-5, &format!("{instructions:?}"));
        let films = Tensor::full([1, 1, 2, 2], f64::NAN, (Kind::Float, Device::Cpu));
        let output = conv_relu_pool(&films, &case.weight, &case.bias, pooled(instructions, true));
        let output = output.expect("computes");
        assert!(
            output.isnan().all().int64_value(&[]) == 1,
            "{instructions:?}"
        );
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for (size, kind) in [
        ([5, 1, 14, 14], Kind::Float),
        ([5, 64, 14, 14], Kind::BFloat16),
    ] {
        let case = draw(size, 32, 6);
        let before = tch::get_num_threads();
        let with = |threads: i32| {
            tch::set_num_threads(threads);
            let results = run(&case, |x, w, b| {
                let x = x.to_kind(kind);
                conv_relu_pool(&x, w, b, pooled(Instructions::best(), false)).expect("computes")
            });
            tch::set_num_threads(before);
            results
        };
        let (one, three) = (with(1), with(3));
        for (a, b) in one.iter().zip(&three) {
            assert!(!a.defined() || a.equal(b), "{size:?}");
        }
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let case = draw([1, 1, 8, 8], 16, 7);
    let p = pooled(Instructions::best(), false);
    let wrong = Tensor::zeros([16, 2, 3, 3], (Kind::Float, Device::Cpu));
    let error = conv_relu_pool(&case.films, &wrong, &case.bias, p).expect_err("two channels");
    assert!(
        matches!(error, KernelError::Input { name: "weight", .. }),
        "{error}"
    );
    let error = conv_relu_pool(&case.bias, &case.weight, &case.bias, p).expect_err("no images");
    assert_eq!(
        error.to_string(),
        "conv_relu_pool: input must have four dimensions, found [16]"
    );
}

/// All of this file once more as on a processor with AVX2 only, where this one has more: libtorch's kernels, oneDNN's and ours.
#[test]
fn older_processors_pass_the_same_tests() {
    if std::env::var_os(MAX_CPU_ISA).is_some() {
        println!("skipped: this is the older processor");
        return;
    }
    let program = std::env::current_exe().expect("is there");
    let output = std::process::Command::new(program)
        .arg("conv::")
        .env(MAX_CPU_ISA, "avx2")
        .env("ONEDNN_MAX_CPU_ISA", "AVX2")
        .env("ATEN_CPU_CAPABILITY", "avx2")
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("sixteen_bits_round_and_no_more ... ok"),
        "{said}"
    );
}

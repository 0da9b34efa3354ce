//! The optimiser steps against the published formulas, in f64.

use osteon_kernels::{
    AdamState, AdamStep, KernelError, ScaleGrowth, Scaled, SgdStep, clear_grads, clip_grad_norm,
    fused_adam, fused_sgd, unscale, update_scale,
};
use tch::{Kind, Tensor};

fn wave(count: usize, phase: f64) -> Vec<f64> {
    (0..count).map(|i| (0.7 * i as f64 + phase).sin()).collect()
}

fn tensor(values: &[f64]) -> Tensor {
    Tensor::from_slice(values).to_kind(Kind::Float)
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).view(-1)).expect("a vector")
}

fn close(ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() < 1e-6 * b.abs().max(1.0), "{a} and {b}");
    }
}

#[test]
fn adam_and_adamw_follow_their_formulas() {
    for decoupled in [false, true] {
        let step = AdamStep {
            lr: 0.01,
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.1,
            eps: 1e-8,
            decoupled,
        };
        let sizes = [3, 70];
        let params: Vec<_> = sizes.map(|n| tensor(&wave(n, 0.1))).into();
        for param in &params {
            let _ = param.set_requires_grad(true);
        }
        let zeros = || -> Vec<Tensor> { params.iter().map(Tensor::zeros_like).collect() };
        let (means, squares) = (zeros(), zeros());
        let counters: Vec<_> = sizes.map(|_| Tensor::from(0.0_f32)).into();
        let mut expected: Vec<Vec<f64>> = sizes.map(|n| wave(n, 0.1)).into();
        let mut moments: Vec<Vec<(f64, f64)>> = sizes.map(|n| vec![(0.0, 0.0); n]).into();
        for t in 1..=3_i32 {
            let grads: Vec<_> = sizes.map(|n| tensor(&wave(n, f64::from(t)))).into();
            for counter in &counters {
                let _ = counter.shallow_clone().g_add_scalar_(1.0);
            }
            let state = AdamState {
                params: &params,
                grads: &grads,
                exp_avgs: &means,
                exp_avg_sqs: &squares,
                steps: &counters,
            };
            fused_adam(state, step, Scaled::default()).expect("steps");
            for (which, weights) in expected.iter_mut().enumerate() {
                let gradient = wave(weights.len(), f64::from(t));
                for ((weight, g), (m, v)) in
                    weights.iter_mut().zip(gradient).zip(&mut moments[which])
                {
                    let g = if decoupled {
                        *weight *= 1.0 - 0.01 * 0.1;
                        g
                    } else {
                        g + 0.1 * *weight
                    };
                    *m = 0.9 * *m + 0.1 * g;
                    *v = 0.99 * *v + 0.01 * g * g;
                    let (m, v) = (*m / (1.0 - 0.9_f64.powi(t)), *v / (1.0 - 0.99_f64.powi(t)));
                    *weight -= 0.01 * m / (v.sqrt() + 1e-8);
                }
            }
        }
        for (param, weights) in params.iter().zip(&expected) {
            close(&values(param), weights);
        }
    }
}

#[test]
fn sgd_with_momentum_follows_its_formula_and_an_infinity_stops_it() {
    let params = [tensor(&wave(5, 0.0))];
    let momenta = [tensor(&[0.0; 5])];
    let mut expected = wave(5, 0.0);
    let mut buffer = [0.0; 5];
    for t in 0..3 {
        let step = SgdStep {
            lr: 0.1,
            momentum: 0.9,
            dampening: 0.0,
            weight_decay: 0.01,
            nesterov: false,
            first: t == 0,
        };
        let gradient = wave(5, f64::from(t));
        fused_sgd(
            &params,
            &[tensor(&gradient)],
            &momenta,
            step,
            Scaled::default(),
        )
        .expect("steps");
        for i in 0..5 {
            buffer[i] = 0.9 * buffer[i] + gradient[i] + 0.01 * expected[i];
            expected[i] -= 0.1 * buffer[i];
        }
    }
    close(&values(&params[0]), &expected);
    let (found, scale) = (Tensor::from(1.0_f32), Tensor::from(4.0_f32));
    let scaled = Scaled {
        grad_scale: Some(&scale),
        found_inf: Some(&found),
    };
    let step = SgdStep {
        lr: 0.1,
        momentum: 0.0,
        dampening: 0.0,
        weight_decay: 0.0,
        nesterov: false,
        first: false,
    };
    let gradient = [tensor(&[1.0; 5])];
    fused_sgd(&params, &gradient, &[], step, scaled).expect("steps");
    close(&values(&params[0]), &expected);
}

#[test]
fn the_loss_scale_backs_off_at_an_infinity_and_grows_without() {
    let (found, inverse) = (Tensor::from(0.0_f32), Tensor::from(0.25_f32));
    let grads = [tensor(&[4.0, 8.0]), tensor(&[-2.0])];
    unscale(&grads, &found, &inverse).expect("unscales");
    close(&values(&grads[0]), &[1.0, 2.0]);
    close(&values(&grads[1]), &[-0.5]);
    close(&values(&found), &[0.0]);
    let (scale, tracker) = (Tensor::from(4.0_f32), Tensor::from(0_i32));
    let growth = ScaleGrowth {
        interval: 1,
        ..ScaleGrowth::default()
    };
    update_scale(&scale, &tracker, &found, growth).expect("updates");
    close(&values(&scale), &[8.0]);
    unscale(&[tensor(&[1.0, f64::INFINITY])], &found, &inverse).expect("unscales");
    close(&values(&found), &[1.0]);
    update_scale(&scale, &tracker, &found, growth).expect("updates");
    close(&values(&scale), &[4.0]);
}

#[test]
fn clipping_takes_all_gradients_as_one_vector() {
    let grads = [tensor(&[3.0]), tensor(&[0.0, 4.0])];
    let norm = clip_grad_norm(&grads, 1.0).expect("clips");
    close(&values(&norm), &[5.0]);
    close(&values(&grads[0]), &[0.6]);
    close(&values(&grads[1]), &[0.0, 0.8]);
    let norm = clip_grad_norm(&grads, 10.0).expect("clips");
    close(&values(&norm), &[1.0]);
    close(&values(&grads[1]), &[0.0, 0.8]);
}

#[test]
fn gradients_are_forgotten() {
    let weight = tensor(&[2.0]).set_requires_grad(true);
    (&weight * &weight).sum(Kind::Float).backward();
    assert!(weight.grad().defined());
    clear_grads(std::slice::from_ref(&weight)).expect("clears");
    assert!(!weight.grad().defined());
}

#[test]
fn what_libtorch_or_we_refuse_is_one_line() {
    let step = SgdStep {
        lr: 0.1,
        momentum: 0.0,
        dampening: 0.0,
        weight_decay: 0.0,
        nesterov: false,
        first: true,
    };
    let params = [tensor(&[1.0, 2.0])];
    let error = fused_sgd(&params, &[], &[], step, Scaled::default()).expect_err("no gradients");
    assert!(matches!(
        error,
        KernelError::Length {
            name: "grads",
            found: 0,
            expected: 1,
            ..
        }
    ));
    let growth = ScaleGrowth::default();
    let (scale, tracker) = (tensor(&[1.0, 2.0]), Tensor::from(0_i32));
    let error = update_scale(&scale, &tracker, &Tensor::from(0.0_f32), growth)
        .expect_err("two numbers are no scale");
    let text = error.to_string();
    assert!(
        text.starts_with("libtorch: ") && !text.contains('\n'),
        "{text}"
    );
}

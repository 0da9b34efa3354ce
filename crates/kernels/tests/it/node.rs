//! A layer in Rust within libtorch's graph.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use osteon_kernels::{KernelError, with_backward};
use tch::{Kind, Tensor};

/// a² · b with its gradient by hand.
fn layer(a: &Tensor, b: &Tensor) -> Tensor {
    let output = tch::no_grad(|| a * a * b);
    let saved = (a.detach(), b.detach());
    let backward = move |grad: &Tensor| {
        let (a, b) = &saved;
        Ok(vec![Some(grad * 2.0 * a * b), Some(grad * a * a)])
    };
    with_backward(output, &[a, b], Box::new(backward)).expect("a node")
}

fn leaf(value: f32) -> Tensor {
    Tensor::from_slice(&[value]).set_requires_grad(true)
}

#[test]
fn gradients_flow_through_a_closure() {
    let (a, b) = (leaf(3.0), leaf(5.0));
    // Twice in one graph, below other operations.
    let sum = (layer(&a, &b) * 2.0 + layer(&(&a + 1.0), &b)).sum(Kind::Float);
    sum.backward();
    // d/da 2a²b + (a+1)²b = 4ab + 2(a+1)b; d/db = 2a² + (a+1)².
    assert!((a.grad().double_value(&[0]) - (60.0 + 40.0)).abs() < 1e-5);
    assert!((b.grad().double_value(&[0]) - (18.0 + 16.0)).abs() < 1e-5);
}

#[test]
fn without_gradients_there_is_no_node() {
    let (a, b) = (leaf(3.0), leaf(5.0));
    assert!(tch::no_grad(|| !layer(&a, &b).requires_grad()));
    assert!(!layer(&a.detach(), &b.detach()).requires_grad());
    assert!(layer(&a, &b.detach()).requires_grad());
}

#[test]
fn an_error_and_a_panic_come_back_as_errors() {
    let fail = |panics: bool| {
        let a = leaf(1.0);
        let output = tch::no_grad(|| &a * 2.0);
        let backward = move |_: &Tensor| {
            assert!(!panics, "a bug");
            Err(KernelError::Libtorch("no such luck".to_owned()))
        };
        let output = with_backward(output, &[&a], Box::new(backward)).expect("a node");
        let error = output.f_backward().expect_err("fails").to_string();
        error.lines().next().unwrap_or_default().to_owned()
    };
    assert!(fail(false).contains("no such luck"), "{}", fail(false));
    assert!(fail(true).contains("panicked: a bug"), "{}", fail(true));
    let a = leaf(1.0);
    let short = |_: &Tensor| Ok(Vec::new());
    let output = tch::no_grad(|| &a * 2.0);
    let output = with_backward(output, &[&a], Box::new(short)).expect("a node");
    assert!(output.f_backward().is_err());
}

#[test]
fn a_closure_is_dropped_once() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let run = |backward: bool, wanted: bool| {
        let a = Tensor::from_slice(&[1.0_f32]).set_requires_grad(wanted);
        let counted = Counted(Arc::clone(&drops));
        let closure = move |grad: &Tensor| {
            let _ = &counted;
            Ok(vec![Some(grad.shallow_clone())])
        };
        let output = tch::no_grad(|| &a * 1.0);
        let output = with_backward(output, &[&a], Box::new(closure)).expect("a node");
        if backward {
            output.backward();
        }
    };
    run(true, true);
    run(false, true);
    run(false, false);
    assert_eq!(drops.load(Ordering::Relaxed), 3);
}

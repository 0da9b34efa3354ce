//! What a user does wrong: the message says which rank, and what.

use std::time::Duration;

use osteon_collective::{Backend, Buckets, CollectiveError, Environment, GradientSync, Group};
use tch::{Device, Kind, Tensor};

use crate::processes::{Rank, free_port, play};

fn alone() -> Group {
    let environment = Environment {
        master_addr: "127.0.0.1".to_owned(),
        master_port: free_port(),
        rank: 0,
        world_size: 1,
        local_rank: 0,
        launcher_serves: false,
        attempt: 0,
    };
    Group::connect(&environment, Backend::Gloo, Duration::from_mins(1)).unwrap()
}

#[test]
fn a_rank_that_is_not_started_is_missed() {
    let port = free_port();
    let told = Rank::start("operations", 0, 3, port, 2).end();
    let error = format!(
        "ranks 1 and 2 did not come to 127.0.0.1:{port} within 2 s: 1 of 3 processes are there"
    );
    assert_eq!(told, [error]);
}

#[test]
fn a_store_that_nobody_serves_is_not_reached() {
    let port = free_port();
    let told = Rank::start("operations", 1, 2, port, 2).end();
    let begin = format!("rank 1 cannot reach the store at 127.0.0.1:{port}: ");
    assert!(told[0].starts_with(&begin), "{told:?}");
}

#[test]
fn two_processes_of_one_rank_are_told_apart() {
    let port = free_port();
    let first = Rank::start("operations", 0, 3, port, 60);
    let mut twins = [1, 1].map(|rank| Rank::start("operations", rank, 3, port, 60));
    // One of them waits for rank 2 with rank 0; which, is chance. The other ends.
    let error = format!("more than one process at 127.0.0.1:{port} has RANK=1");
    let (mut told, since) = (Vec::new(), std::time::Instant::now());
    while told.is_empty() && since.elapsed() < Duration::from_mins(1) {
        told.extend(twins.iter_mut().filter_map(Rank::heard));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(told.len() == 1 && told[0].starts_with(&error), "{told:?}");
    drop(first);
}

#[test]
fn another_world_size_is_a_mismatch() {
    let port = free_port();
    let first = Rank::start("operations", 0, 2, port, 60);
    // Rank 0 serves the store, but may be the second to announce itself: then it is the one to complain.
    let mut both = [first, Rank::start("operations", 1, 3, port, 60)];
    let (mut told, since) = (Vec::new(), std::time::Instant::now());
    while told.is_empty() && since.elapsed() < Duration::from_mins(1) {
        told.extend(both.iter_mut().filter_map(Rank::heard));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(
        told[0].contains("does not fit rank")
            && told[0].contains("one of 2 processes")
            && told[0].contains("one of 3 processes"),
        "{told:?}"
    );
}

#[test]
fn a_port_in_use_is_named() {
    let listener = std::net::TcpListener::bind(("0.0.0.0", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = Rank::start("operations", 0, 2, port, 2).end();
    let begin = format!("rank 0 cannot serve the store at 127.0.0.1:{port}: ");
    assert!(told[0].starts_with(&begin), "{told:?}");
}

#[test]
fn sizes_that_differ_end_the_group() {
    let port = free_port();
    let ranks = [0, 1].map(|rank| Rank::start("sizes differ", rank, 2, port, 8));
    // gloo ends the process that gets too much; none may hang or take it for a sum.
    for rank in ranks {
        let told = rank.end_anyhow();
        assert!(
            told.iter()
                .all(|line| line.contains("all_reduce (operation ")),
            "{told:?}"
        );
    }
}

#[test]
fn weights_that_differ_in_one_bit_are_named() {
    for told in play("weights differ", 3, 60) {
        let error = "the weights differs between the ranks, first in \"conv.bias\": rank 1 differ from rank 0";
        assert_eq!(told, [error]);
    }
}

#[test]
fn a_root_outside_the_group_is_refused() {
    let mut tensor = Tensor::from(1.0);
    let error = alone().broadcast(&mut tensor, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rank 1 cannot be the root among 1 processes"
    );
}

#[test]
fn nccl_is_refused_where_it_is_not_built_in() {
    if cfg!(feature = "nccl") {
        eprintln!("skipped: built with NCCL");
        return;
    }
    let environment = Environment {
        master_addr: "127.0.0.1".to_owned(),
        master_port: free_port(),
        rank: 0,
        world_size: 1,
        local_rank: 0,
        launcher_serves: false,
        attempt: 0,
    };
    let error = Group::connect(&environment, Backend::Nccl, Duration::from_secs(2)).err();
    assert!(matches!(
        error,
        Some(CollectiveError::Unsupported {
            backend: "nccl",
            ..
        })
    ));
}

#[test]
fn gradients_that_do_not_fit_are_named() {
    let group = alone();
    let weight = Tensor::zeros([2, 3], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let frozen = Tensor::zeros([3], (Kind::Float, Device::Cpu));
    let named = [("fc.weight", &weight), ("fc.bias", &frozen)];
    let mut sync = GradientSync::new(&group, &named, Buckets::default()).unwrap();
    let mut say = |gradients: &[Tensor]| sync.sync(gradients, 1.0, &[]).unwrap_err().to_string();
    let (right, wrong) = (
        weight.zeros_like(),
        Tensor::zeros([2], (Kind::Float, Device::Cpu)),
    );
    assert_eq!(
        say(&[right.copy(), wrong]),
        "gradient of \"fc.bias\": its shape is [2], not [3]"
    );
    assert_eq!(
        say(&[Tensor::new(), frozen.copy()]),
        "gradient of \"fc.weight\": there is none; every parameter must take part in the loss on every rank"
    );
    assert_eq!(
        say(&[right]),
        "gradient of \"all\": 1 were given for 2 parameters"
    );
    assert_eq!(
        sync.overlap().unwrap_err().to_string(),
        "gradient of \"fc.bias\": the parameter is no leaf that requires one"
    );
}

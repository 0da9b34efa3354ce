//! What the started processes do. They tell the parent by lines on stdout; a failed assertion fails their test, and so the parent's.

use std::time::Duration;

use osteon_collective::{Backend, CollectiveError, Environment, Group};
use tch::{Kind, Tensor};

use crate::processes::{ROLE, TELL, TIMEOUT};
use crate::{gradients, operations};

/// Plays the role that the environment asks for; as an ordinary test it does nothing.
#[test]
fn play() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let environment = Environment::read().unwrap().expect("started as a rank");
    let timeout = Duration::from_secs(std::env::var(TIMEOUT).unwrap().parse().unwrap());
    let group = match Group::connect(&environment, Backend::Gloo, timeout) {
        Ok(group) => group,
        Err(error) => {
            tell(&error.to_string());
            return;
        }
    };
    let played = match role.as_str() {
        "operations" => operations::role(&group),
        "gradients" => gradients::role(&group),
        "for ever" => for_ever(&group),
        "second leaves" => second_leaves(&group),
        "second sleeps" => second_sleeps(&group),
        "sizes differ" => sizes_differ(&group),
        "weights differ" => weights_differ(&group),
        other => panic!("no role {other:?}"),
    };
    match played {
        Ok(()) => group.close().unwrap(),
        Err(error) => {
            tell(&error.to_string());
            drop(group);
        }
    }
}

#[allow(clippy::print_stdout, reason = "how a rank speaks to the parent")]
pub(crate) fn tell(line: &str) {
    println!("{TELL}{line}");
}

/// Sums until something goes wrong. 1 MiB, so that a death falls into a sum under way as well as between two.
fn for_ever(group: &Group) -> Result<(), CollectiveError> {
    let mut tensor = Tensor::ones([1 << 18], (Kind::Float, tch::Device::Cpu));
    group.all_reduce_sum(&mut tensor)?;
    tell("ready");
    loop {
        group.all_reduce_sum(&mut tensor)?;
        let _ = tensor.fill_(1.0);
    }
}

fn second_leaves(group: &Group) -> Result<(), CollectiveError> {
    group.barrier()?;
    if group.rank() == 1 {
        // As a program that has met an error of its own.
        tell("I leave");
        return Err(CollectiveError::Failed {
            operation: "training".to_owned(),
            message: "its own".to_owned(),
        });
    }
    group.barrier()
}

fn second_sleeps(group: &Group) -> Result<(), CollectiveError> {
    group.barrier()?;
    if group.rank() == 1 {
        // Until the parent kills it, but not for ever should that die.
        std::thread::sleep(Duration::from_secs(100));
    }
    group.barrier()
}

fn sizes_differ(group: &Group) -> Result<(), CollectiveError> {
    let mut tensor = Tensor::ones([100 + group.rank() as i64], (Kind::Float, tch::Device::Cpu));
    group.all_reduce_sum(&mut tensor)?;
    tell("summed");
    Ok(())
}

fn weights_differ(group: &Group) -> Result<(), CollectiveError> {
    let same = Tensor::ones([3, 4], (Kind::Float, tch::Device::Cpu));
    let other = if group.rank() == 1 {
        // The last bit of one value.
        let one = same.copy();
        let _ = one.get(2).get(3).fill_(f64::from(1.0_f32.next_up()));
        one
    } else {
        same.copy()
    };
    group.assert_equal(
        "the weights",
        [("conv.weight", &same), ("conv.bias", &same)],
    )?;
    group.assert_equal(
        "the weights",
        [("conv.weight", &same), ("conv.bias", &other)],
    )
}

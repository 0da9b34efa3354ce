//! Sums, broadcasts, gathers.

use osteon_collective::{CollectiveError, Group};
use tch::{Device, Kind, Tensor};

use crate::processes::play;
use crate::roles::tell;

#[test]
fn two_and_three_processes_agree() {
    for world_size in [2, 3] {
        for (rank, told) in play("operations", world_size, 60).iter().enumerate() {
            assert_eq!(told, &[format!("rank {rank} of {world_size} done")]);
        }
    }
}

/// Numbers that no two ranks or places share, with all of a float's bits in use.
fn numbers(seed: usize, length: i64) -> Tensor {
    let place = Tensor::arange(length, (Kind::Double, Device::Cpu));
    let wave: Tensor = (place * 0.731 + seed as f64 * 1.9).sin() * 1.7;
    wave.to_kind(Kind::Float)
}

pub(crate) fn role(group: &Group) -> Result<(), CollectiveError> {
    let (rank, world) = (group.rank(), group.world_size());
    assert_eq!(group.is_main(), rank == 0);

    // A sum, of a length that the ranks do not divide.
    let mut tensor = numbers(rank, 10_007);
    group.all_reduce_sum(&mut tensor)?;
    let expected: Tensor = (0..world)
        .map(|r| numbers(r, 10_007).to_kind(Kind::Double))
        .sum();
    let off = (tensor.to_kind(Kind::Double) - expected).abs().max();
    assert!(off.double_value(&[]) < 1e-6, "{off:?}");
    group.assert_equal("a sum", [("sum", &tensor)])?;
    // Once more: the same bits.
    let mut again = numbers(rank, 10_007);
    group.all_reduce_sum(&mut again)?;
    assert!(again.equal(&tensor));

    // A tensor whose elements do not lie in order, and one that requires a gradient.
    let mut turned = numbers(rank, 12).view([3, 4]).tr();
    group.all_reduce_sum(&mut turned)?;
    let expected: Tensor = (0..world).map(|r| numbers(r, 12)).sum();
    assert!(turned.allclose(&expected.view([3, 4]).tr(), 1e-6, 1e-6, false));
    let mut leaf = numbers(rank, 5).set_requires_grad(true);
    group.all_reduce_sum(&mut leaf)?;
    assert!(leaf.is_leaf() && leaf.requires_grad());

    // Several under way at once, waited for in another order.
    let works: Vec<_> = (0..5)
        .map(|k| group.all_reduce_start(Tensor::from((rank * 10 + k) as i64)))
        .collect::<Result<_, _>>()?;
    for (k, work) in works.into_iter().enumerate().rev() {
        let sum = work.wait()?.int64_value(&[]);
        let expected: usize = (0..world).map(|r| r * 10 + k).sum();
        assert_eq!(sum, expected as i64);
    }

    // From each rank in turn.
    for root in 0..world {
        let mut tensor = numbers(rank, 33);
        group.broadcast(&mut tensor, root)?;
        assert!(tensor.equal(&numbers(root, 33)));
    }

    // Bytes of every length, none at all among them.
    for shift in 0..3 {
        let bytes = vec![rank as u8; (rank + shift) % 3 * 1000];
        let all = group.all_gather_bytes(&bytes)?;
        let expected: Vec<_> = (0..world)
            .map(|r| vec![r as u8; (r + shift) % 3 * 1000])
            .collect();
        assert_eq!(all, expected);
    }
    assert_eq!(group.all_gather_bytes(&[])?, vec![Vec::<u8>::new(); world]);

    group.assert_equal_bytes("the configuration", b"lr = 0.1")?;
    group.barrier()?;
    tell(&format!("rank {rank} of {world} done"));
    Ok(())
}

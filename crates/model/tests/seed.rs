//! A process of its own: libtorch's random numbers are the process's, and other tests draw from them, too.

use osteon_model::{Architecture, Net};
use tch::Device;

#[test]
fn the_same_seed_builds_the_same_weights() {
    let weights = |seed| {
        tch::manual_seed(seed);
        let net: Net = Architecture::default()
            .build(64, Device::Cpu)
            .expect("builds");
        net.tensors()
    };
    let (a, b, c) = (weights(4), weights(4), weights(5));
    assert!(a.iter().zip(&b).all(|((n, x), (m, y))| n == m && x == y));
    assert!(a.iter().zip(&c).any(|((_, x), (_, y))| x != y));
}

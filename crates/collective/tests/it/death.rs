//! Ranks that die, leave or do not come: the others end, and name them.

use crate::processes::{Rank, free_port, play};

/// Long enough that a heartbeat's silence (a quarter of it) does not come of a loaded machine.
const TIMEOUT: u64 = 16;

/// Three ranks that sum for ever, one of which meets its end; what the others tell at theirs.
fn without(victim: usize, end: impl Fn(&mut Rank)) -> Vec<(usize, Vec<String>)> {
    let port = free_port();
    let mut ranks: Vec<Rank> = (0..3)
        .map(|rank| Rank::start("for ever", rank, 3, port, TIMEOUT))
        .collect();
    for rank in &mut ranks {
        assert_eq!(rank.hear(), "ready");
    }
    end(&mut ranks[victim]);
    // Frozen it must stay so, its connections open, until the others are through.
    let victim_process = ranks.remove(victim);
    let others = (0..3).filter(|rank| *rank != victim).zip(ranks);
    let told = others
        .map(|(rank, process)| (rank, process.end()))
        .collect();
    drop(victim_process);
    told
}

#[test]
fn a_killed_rank_is_named_by_all_others() {
    for (rank, told) in without(1, Rank::kill) {
        let [error] = told.as_slice() else {
            panic!("rank {rank} told {told:?}");
        };
        assert!(
            error.starts_with("rank 1 died during all_reduce (operation ")
                && error.contains("no heartbeat for 4.0 s"),
            "rank {rank}: {error}"
        );
    }
}

#[test]
fn so_is_the_one_that_serves_the_store() {
    for (rank, told) in without(0, Rank::kill) {
        let [error] = told.as_slice() else {
            panic!("rank {rank} told {told:?}");
        };
        assert!(
            error.starts_with("rank 0 died during all_reduce (operation ")
                && error.contains("it serves the store at 127.0.0.1:"),
            "rank {rank}: {error}"
        );
    }
}

#[test]
fn a_rank_that_no_longer_answers_counts_as_dead() {
    for victim in [0, 1] {
        for (rank, told) in without(victim, Rank::freeze) {
            let [error] = told.as_slice() else {
                panic!("rank {rank} told {told:?}");
            };
            let begin = format!("rank {victim} died during all_reduce (operation ");
            assert!(error.starts_with(&begin), "rank {rank}: {error}");
            assert!(error.contains("no "), "rank {rank}: {error}");
        }
    }
}

#[test]
fn a_rank_that_leaves_early_is_named_as_such() {
    let told = play("second leaves", 3, TIMEOUT);
    assert_eq!(told[1][0], "I leave");
    for rank in [0, 2] {
        let error =
            "rank 1 ended before barrier (operation 3) was done; what they printed last says why";
        assert_eq!(told[rank], [error]);
    }
}

#[test]
fn a_rank_that_lives_and_does_not_come_is_late() {
    let port = free_port();
    let mut ranks: Vec<Rank> = (0..3)
        .map(|rank| Rank::start("second sleeps", rank, 3, port, 8))
        .collect();
    let sleeper = ranks.remove(1);
    for rank in ranks {
        let told = rank.end();
        let error = "rank 1 did not come to barrier (operation 3) within 8 s, though alive";
        assert_eq!(told, [error]);
    }
    drop(sleeper);
}

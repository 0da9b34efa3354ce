//! What launchers set.

use osteon_collective::{CollectiveError, Environment};

fn read(variables: &[(&str, &str)]) -> Result<Option<Environment>, CollectiveError> {
    Environment::from_variables(|name| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn error(variables: &[(&str, &str)]) -> String {
    read(variables).unwrap_err().to_string()
}

const PYTORCH_JOB: [(&str, &str); 4] = [
    ("MASTER_ADDR", "osteon-master-0"),
    ("MASTER_PORT", "23456"),
    ("RANK", "3"),
    ("WORLD_SIZE", "8"),
];

#[test]
fn nothing_set_is_one_process() {
    assert_eq!(read(&[]).unwrap(), None);
    // A shell inside a Slurm allocation, and empty leftovers.
    let slurm = [("SLURM_PROCID", "0"), ("SLURM_NTASKS", "4")];
    assert_eq!(read(&slurm).unwrap(), None);
    assert_eq!(read(&[("RANK", ""), ("MASTER_ADDR", " ")]).unwrap(), None);
    assert_eq!(read(&[("LOCAL_RANK", "1")]).unwrap(), None);
}

#[test]
fn a_pytorch_job_is_read() {
    let environment = read(&PYTORCH_JOB).unwrap().unwrap();
    assert_eq!(environment.address(), "osteon-master-0:23456");
    assert_eq!((environment.rank, environment.world_size), (3, 8));
    assert_eq!((environment.local_rank, environment.attempt), (0, 0));
    assert!(!environment.launcher_serves && !environment.is_main());
}

#[test]
fn torchrun_is_read() {
    let mut variables = PYTORCH_JOB.to_vec();
    variables.extend([
        ("LOCAL_RANK", "1"),
        ("TORCHELASTIC_USE_AGENT_STORE", "True"),
        ("TORCHELASTIC_RESTART_COUNT", "2"),
    ]);
    let environment = read(&variables).unwrap().unwrap();
    assert!(environment.launcher_serves);
    assert_eq!((environment.local_rank, environment.attempt), (1, 2));
    // torchrun says so where its agent does not serve.
    variables[5].1 = "False";
    assert!(!read(&variables).unwrap().unwrap().launcher_serves);
}

#[test]
fn slurm_is_read_where_the_script_names_a_master() {
    let slurm = [
        ("MASTER_ADDR", "node17"),
        ("MASTER_PORT", "29500"),
        ("SLURM_PROCID", "5"),
        ("SLURM_NTASKS", "6"),
        ("SLURM_LOCALID", "1"),
    ];
    let environment = read(&slurm).unwrap().unwrap();
    assert_eq!((environment.rank, environment.world_size), (5, 6));
    assert_eq!(environment.local_rank, 1);
    // What is set by name counts before Slurm's own.
    let both = [&slurm[..], &[("RANK", "0"), ("WORLD_SIZE", "2")]].concat();
    let environment = read(&both).unwrap().unwrap();
    assert_eq!((environment.rank, environment.world_size), (0, 2));
}

#[test]
fn what_is_half_set_is_named() {
    for missing in ["MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE"] {
        let mut variables = PYTORCH_JOB.to_vec();
        variables.retain(|(name, _)| *name != missing);
        let error = error(&variables);
        assert!(
            error.contains(&format!("{missing} is not")) && error.contains("is set"),
            "{error}"
        );
    }
    // Slurm's numbers do not complete a half-set RANK.
    let error = error(&[
        ("MASTER_ADDR", "a"),
        ("MASTER_PORT", "1"),
        ("RANK", "0"),
        ("SLURM_PROCID", "0"),
        ("SLURM_NTASKS", "2"),
    ]);
    assert!(error.contains("WORLD_SIZE is not"), "{error}");
}

#[test]
fn nonsense_is_named_with_what_was_expected() {
    for (name, value, expected) in [
        ("RANK", "8", "expected a whole number from 0 to 7"),
        ("RANK", "-1", "expected a whole number from 0 to 7"),
        ("RANK", "one", "expected a whole number from 0 to 7"),
        (
            "WORLD_SIZE",
            "0",
            "expected a whole number from 1 to 2147483647",
        ),
        (
            "MASTER_PORT",
            "0",
            "expected a whole number from 1 to 65535",
        ),
        (
            "MASTER_PORT",
            "65536",
            "expected a whole number from 1 to 65535",
        ),
        (
            "MASTER_ADDR",
            "tcp://a:1",
            "expected a host name or address, without scheme or port",
        ),
    ] {
        let mut variables = PYTORCH_JOB.to_vec();
        variables.retain(|(other, _)| *other != name);
        variables.push((name, value));
        assert_eq!(
            error(&variables),
            format!("{name}={value:?} in the environment: {expected}")
        );
    }
    let with = |name, value| [&PYTORCH_JOB[..], &[(name, value)]].concat();
    assert!(error(&with("LOCAL_RANK", "9")).starts_with("LOCAL_RANK=\"9\""));
    let restarts = with("TORCHELASTIC_RESTART_COUNT", "x");
    assert!(error(&restarts).starts_with("TORCHELASTIC_RESTART_COUNT=\"x\""));
}

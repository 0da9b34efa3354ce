//! `osteon serve`.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use osteon_evaluate::model_card;
use osteon_model::{Precision, Predictor, Prepared};
use osteon_serve::{
    Access, Batching, Limits, ServeOptions, Server, Service, Stop, Tls, Token, on_one_thread,
};
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use super::open_model;
use crate::args::{LogForm, PrecisionArg, ServeArgs};
use crate::exit::{Ending, UsageError};
use crate::output;

/// Where the token may be, if not in a file.
const TOKEN: &str = "OSTEON_TOKEN";

/// What `serve --json` prints when it listens.
#[derive(Serialize)]
struct Listening<'a> {
    url: &'a str,
    model: String,
    weights_sha256: &'a str,
}

pub fn run(args: &ServeArgs) -> anyhow::Result<Ending> {
    log(args.log);
    let precision = match args.batching.precision {
        PrecisionArg::Fp32 => Precision::Fp32,
        PrecisionArg::Bf16 => Precision::Bf16,
    };
    let open = || {
        let (mut predictor, chosen) = open_model(&args.model)?;
        if precision != Precision::Fp32 {
            predictor.set_precision(precision)?;
        }
        anyhow::Ok((predictor, chosen))
    };
    let (mut first, chosen) = on_one_thread(open)?;
    if !precision.has_instructions() {
        let factor;
        (first, factor) = on_one_thread(move || slower_than_fp32(first, precision))?;
        tracing::warn!(
            "this processor has no instructions for {precision}: an image takes {factor:.1} times as long as in fp32"
        );
    }
    let bytes = chosen.bytes()?;
    let (info, parameters) = (first.info().clone(), first.parameters());
    let options = options(args, model_card(&info, parameters, bytes))?;
    let mut predictors: Vec<Predictor> = vec![first];
    for _ in 1..args.batching.networks {
        predictors.push(on_one_thread(open)?.0);
    }
    let service = Service::start(predictors, options)?;
    if let Some(chain) = service.audit() {
        tracing::info!(decisions = chain.decisions, head = %chain.head, "the audit log is gone on with");
    }
    let ending = service.clone();
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(Tls {
            cert: cert.clone(),
            key: key.clone(),
        }),
        _ => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let server = Server::bind(service, Some(args.addr), tls, args.no_auth)?;
    let url = format!("{scheme}://{}/", server.addr()?);
    if args.json {
        output::json(&Listening {
            url: &url,
            model: info.architecture.name.to_string(),
            weights_sha256: &info.weights_sha256,
        })?;
    } else {
        output::line(&format!("listening on {url}"))?;
        eprintln!("not a medical device: for research and teaching; Ctrl-C ends it");
    }
    let stop = Stop::new();
    let asked = stop.clone();
    // Once: answer what is in flight, then end. Twice: end now.
    let mut before = false;
    ctrlc::set_handler(move || {
        if std::mem::replace(&mut before, true) {
            crate::exit::interrupted();
        }
        asked.ask();
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(server.run(stop))?;
    // With it go the connections that were left open.
    drop(runtime);
    if let Some(chain) = ending.audit() {
        tracing::info!(decisions = chain.decisions, head = %chain.head, "the audit log ends");
    }
    tracing::info!("ended");
    Ok(Ending::Done)
}

/// How many times as long an empty image takes at this precision as at 32 bits.
fn slower_than_fp32(
    mut predictor: Predictor,
    precision: Precision,
) -> anyhow::Result<(Predictor, f64)> {
    let side = predictor.info().preprocess.side();
    let image = Prepared::of_pixels(vec![0.0; side * side], side)
        .context("an empty image has as many pixels as the network takes")?;
    let mut seconds = |precision| {
        predictor.set_precision(precision)?;
        // The first one finds cold memory.
        predictor.predict_prepared(&[&image])?;
        let start = Instant::now();
        predictor.predict_prepared(&[&image])?;
        anyhow::Ok(start.elapsed().as_secs_f64())
    };
    let (plain, asked) = (seconds(Precision::Fp32)?, seconds(precision)?);
    Ok((predictor, asked / plain))
}

fn options(args: &ServeArgs, card: String) -> anyhow::Result<ServeOptions> {
    let limits = &args.limits;
    let timeout = Duration::try_from_secs_f64(limits.timeout)
        .map_err(|_| UsageError(format!("--timeout {} is no length of time", limits.timeout)))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let networks = args.batching.networks;
    let threads = args.batching.threads;
    Ok(ServeOptions {
        limits: Limits {
            file_bytes: limits.max_file_mib << 20,
            files: limits.max_files,
            pixels: limits.max_megapixels as u64 * 1_000_000,
            timeout,
            in_flight: limits.max_in_flight,
            queue: limits.max_queue,
            upload_bytes: limits.max_upload_mib << 20,
            per_minute: (limits.rate > 0).then_some(limits.rate),
        },
        batching: Batching {
            images: args.batching.batch,
            gather: Duration::from_millis(args.batching.gather),
            threads: threads.unwrap_or_else(|| (cores / networks).max(1)),
            ..Batching::default()
        },
        access: Access {
            token: token(args.token_file.as_deref(), args.no_auth)?,
            only_local_names: args.addr.ip().is_loopback(),
            hosts: args.host.clone(),
        },
        card: Some(card),
        audit: args.audit_log.clone(),
    })
}

fn token(file: Option<&Path>, no_auth: bool) -> anyhow::Result<Option<Token>> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the token in {}", file.display()))?,
        None if no_auth => return Ok(None),
        None => match std::env::var(TOKEN) {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    Ok(Some(Token::new(&text)?))
}

/// Everything to stderr: results alone go to stdout.
fn log(form: LogForm) {
    let level = match form {
        LogForm::Quiet => "error",
        LogForm::Text | LogForm::Json => "info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_writer(std::io::stderr);
    // An error means that there is a log already.
    let _ = match form {
        LogForm::Json => log.json().try_init(),
        LogForm::Text | LogForm::Quiet => log.with_ansi(false).try_init(),
    };
}

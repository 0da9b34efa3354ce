//! `osteon serve` and its log of decisions, as typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{Args, Subcommand, ValueEnum};

use super::ModelArgs;

#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Check that no line of an audit log of `osteon serve` was changed, taken out, added or moved
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The log
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// A hash that was the last line's once: without it, lines cut off the end do not show
    #[arg(long, value_name = "HASH")]
    pub head: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR:PORT")]
    pub addr: SocketAddr,
    /// Clients must send the token that is in this file, as `Authorization: Bearer TOKEN` [default: the variable `OSTEON_TOKEN`, if set]
    #[arg(long, value_name = "FILE", conflicts_with = "no_auth")]
    pub token_file: Option<PathBuf>,
    /// Anyone who reaches the address may ask, without a token
    #[arg(long)]
    pub no_auth: bool,
    /// Answer to this host name as well, such as that of a reverse proxy on this machine; repeatable
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
    /// PEM file of the certificate: serve HTTPS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// PEM file of the certificate's private key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub batching: BatchingArgs,
    /// Add every decision to this file, each line bound to the one before (see `osteon audit-log verify`); no pixels, no names
    #[arg(long, value_name = "FILE")]
    pub audit_log: Option<PathBuf>,
    /// How the log on stderr looks
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    pub log: LogForm,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What a request may cost.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Mebibytes of one file
    #[arg(long, default_value_t = 10, value_name = "MIB", value_parser = positive())]
    pub max_file_mib: usize,
    /// Files of one request
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = positive())]
    pub max_files: usize,
    /// Megapixels of one image, by its header
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = positive())]
    pub max_megapixels: usize,
    /// Seconds from a request's first byte to its answer
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    pub timeout: f64,
    /// Requests that are read, waiting or worked on; one more is answered 503
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = positive())]
    pub max_in_flight: usize,
    /// Images that wait or are worked on; one more is answered 503
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = positive())]
    pub max_queue: usize,
    /// Mebibytes of uploads that are held at once
    #[arg(long, default_value_t = 128, value_name = "MIB", value_parser = positive())]
    pub max_upload_mib: usize,
    /// Requests a minute from one address; 0 for any number
    #[arg(long, default_value_t = 600, value_name = "N")]
    pub rate: u32,
}

/// How images are put together for the network.
#[derive(Debug, Args)]
#[command(next_help_heading = "Batching")]
pub struct BatchingArgs {
    /// Images that go through the network at once
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = positive())]
    pub batch: usize,
    /// Milliseconds that a batch waits for images that are being decoded
    #[arg(long, default_value_t = 2, value_name = "MS")]
    pub gather: u64,
    /// Networks that work side by side, each on a thread of its own
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = positive())]
    pub networks: usize,
    /// Threads of each network [default: the cores, divided by the networks]
    #[arg(long, value_name = "N", value_parser = positive())]
    pub threads: Option<usize>,
    /// The number format that networks compute in
    #[arg(long, value_enum, default_value = "fp32", value_name = "FORMAT")]
    pub precision: PrecisionArg,
}

/// How the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
    /// Nothing but failures of the service
    Quiet,
}

/// A whole number above 0.
fn positive() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u32).range(1..).map(|n| n as usize)
}

/// The number format that networks compute in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrecisionArg {
    /// 32 bits, as the model was calibrated
    Fp32,
    /// 16 bits with the range of 32: faster where the processor has it; scores move by a hundredth or so
    Bf16,
}

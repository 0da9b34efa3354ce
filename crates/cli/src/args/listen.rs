//! `osteon listen`, as typed.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use osteon_dicom::listen::{Node, Title};

use super::{HeatmapKind, ModelArgs};

#[derive(Debug, Args)]
pub struct ListenArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// Title of this node; associations that call another are rejected
    #[arg(long, default_value = "OSTEON", value_name = "AET")]
    pub aet: Title,
    /// Address to listen on; whoever reaches it can send images
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub addr: IpAddr,
    /// Port to listen on; 0 takes any that is free
    #[arg(long, default_value_t = 11112, value_name = "PORT")]
    pub port: u16,
    /// Node that gets the answers [default: none; they stay in the spool's outbox]
    #[arg(long, value_name = "AET@HOST:PORT")]
    pub send: Option<Node>,
    /// Folder for what was received and what is to be sent
    #[arg(long, default_value = "osteon-spool", value_name = "DIR")]
    pub spool: PathBuf,
    /// Title that may call; repeatable [default: any]
    #[arg(long, value_name = "AET")]
    pub allow: Vec<Title>,
    /// What the overlays show
    #[arg(long, value_enum, default_value = "auto", value_name = "KIND")]
    pub heatmap_kind: HeatmapKind,
    /// Associations at once; more are asked to come again later
    #[arg(long, default_value_t = 8, value_name = "N")]
    pub max_associations: usize,
    /// Longest PDU that is received, in bytes
    #[arg(long, default_value_t = 131_072, value_name = "BYTES")]
    pub max_pdu: u32,
    /// Largest object that is received, in MiB
    #[arg(long, default_value_t = 256, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub max_object: u64,
    /// How long a peer may be silent, and how long what is in flight may take after Ctrl-C or SIGTERM, in seconds
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// Longest pause between two tries to deliver an answer, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub max_pause: u64,
}

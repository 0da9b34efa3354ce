//! How often an address may ask.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::problem::{Code, Problem};
use crate::service::App;

/// Addresses that have long been quiet are forgotten after so many requests.
const SWEEP: u64 = 1024;

/// Counts requests by address.
pub(crate) struct Rates {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    asked: AtomicU64,
}

impl Rates {
    /// So many a minute, a sixth of them at once.
    pub fn new(per_minute: u32) -> Option<Self> {
        let burst = NonZeroU32::new(per_minute.div_ceil(6))?;
        let quota = Quota::per_minute(NonZeroU32::new(per_minute)?).allow_burst(burst);
        Some(Self {
            limiter: RateLimiter::keyed(quota),
            asked: AtomicU64::new(0),
        })
    }

    fn allows(&self, address: IpAddr) -> bool {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&network(address)).is_ok()
    }
}

/// One household or office has 2⁶⁴ IPv6 addresses to ask from: they count as one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Lets requests through from addresses that have not asked too often. Where the address is not known (a router mounted without
/// connect info), all pass.
pub(crate) async fn within_rate(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if let (Some(rates), Some(ConnectInfo(peer))) = (&app.rates, peer)
        && !rates.allows(peer.ip())
    {
        let detail = "this address has asked too often; try again later";
        return Err(Problem::new(Code::RateLimited, detail));
    }
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_addresses_counts_as_one() {
        let rates = Rates::new(6).expect("above 0");
        let at = |text: &str| text.parse().expect("an address");
        assert!(rates.allows(at("2001:db8::1")) && !rates.allows(at("2001:db8::2")));
        assert!(rates.allows(at("2001:db8:0:1::1")));
        assert!(rates.allows(at("192.0.2.1")) && !rates.allows(at("::ffff:192.0.2.1")));
        assert!(Rates::new(0).is_none());
    }
}

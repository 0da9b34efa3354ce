//! A server of its own around a service: address, TLS, and an end that loses no answer.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tokio::sync::watch;

use crate::options::ADDR;
use crate::{ServeError, Service, Tls};

/// A client that does not send its request's head within this time is left.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A service on an address of its own.
pub struct Server {
    service: Service,
    listener: TcpListener,
    tls: Option<Tls>,
}

/// Asks a server to end. Clones ask the same server.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// For [`Server::run`].
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// No new connections; what is in flight is answered.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }

    async fn asked(&self) {
        // Invariant: a sender is held by `self`, so this does not fail.
        let _ = self.0.subscribe().wait_for(|asked| *asked).await;
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// Takes an address (port 0: a free one; `None`: 127.0.0.1:8080). One that other machines reach needs a token in the service's options, or
    /// `open`, the word that anyone may ask.
    ///
    /// # Errors
    /// [`ServeError::Open`] without either, [`ServeError::Bind`] if the address cannot be had.
    pub fn bind(
        service: Service,
        addr: Option<SocketAddr>,
        tls: Option<Tls>,
        open: bool,
    ) -> Result<Self, ServeError> {
        let addr = addr.unwrap_or(ADDR);
        let access = &service.app.options.access;
        if !addr.ip().is_loopback() && access.token.is_none() && !open {
            return Err(ServeError::Open { addr });
        }
        let bind = |source| ServeError::Bind { addr, source };
        let listener = TcpListener::bind(addr).map_err(bind)?;
        Ok(Self {
            service,
            listener,
            tls,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn addr(&self) -> Result<SocketAddr, ServeError> {
        self.listener.local_addr().map_err(ServeError::Server)
    }

    /// Serves until `stop` is asked and what is in flight is answered, in a runtime with IO and time.
    ///
    /// # Errors
    /// If certificate or key do not read, or the listener fails.
    pub async fn run(self, stop: Stop) -> Result<(), ServeError> {
        let handle = Handle::new();
        let grace = self.service.app.options.limits.timeout + Duration::from_secs(1);
        let ending = handle.clone();
        let watcher = tokio::spawn(async move {
            stop.asked().await;
            ending.graceful_shutdown(Some(grace));
        });
        let router = self.service.router();
        let app = router.into_make_service_with_connect_info::<SocketAddr>();
        let served = match &self.tls {
            None => {
                let mut server =
                    axum_server::from_tcp(self.listener).map_err(ServeError::Server)?;
                patience(server.http_builder());
                server = server.handle(handle).first_request_timeout(HEAD_TIMEOUT);
                server.serve(app).await
            }
            Some(tls) => {
                let config = RustlsConfig::from_pem_file(&tls.cert, &tls.key).await;
                let config = config.map_err(|source| ServeError::Tls {
                    cert: tls.cert.clone(),
                    key: tls.key.clone(),
                    source,
                })?;
                let mut server = axum_server::from_tcp_rustls(self.listener, config)
                    .map_err(ServeError::Server)?;
                patience(server.http_builder());
                server = server.handle(handle).first_request_timeout(HEAD_TIMEOUT);
                server.serve(app).await
            }
        };
        watcher.abort();
        served.map_err(ServeError::Server)
    }
}

/// Clients that send a byte now and then do not keep a connection for ever.
fn patience<E>(builder: &mut hyper_util::server::conn::auto::Builder<E>) {
    builder.http1().header_read_timeout(HEAD_TIMEOUT);
}

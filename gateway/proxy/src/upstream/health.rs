//! The background service that checks the health of product services.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;

use super::Upstreams;

/// Time between two rounds of checks.
const EVERY: Duration = Duration::from_secs(5);

/// Checks all instances at start, whenever the set is replaced, and every five seconds.
pub(crate) struct Health(pub(crate) Arc<Upstreams>);

#[async_trait]
impl BackgroundService for Health {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        loop {
            self.0.check_health().await;
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = self.0.replaced.notified() => {}
                changed = shutdown.changed() => {
                    if changed.is_err() || *shutdown.borrow() {
                        return;
                    }
                }
            }
        }
    }
}

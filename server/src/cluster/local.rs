//! The bus of a single node: what is published arrives here and nowhere else.

use std::{future::Future, pin::Pin, sync::Arc};

use syncline::run::Delivery;

use super::{Bus, BusError, Inbound, Interest};

/// The bus of a single node.
pub(crate) struct LocalBus {
    inbound: Arc<dyn Inbound>,
}

impl LocalBus {
    /// A bus that hands everything to this node.
    #[must_use]
    pub(crate) fn new(inbound: Arc<dyn Inbound>) -> Self {
        Self { inbound }
    }
}

impl Bus for LocalBus {
    fn publish(
        &self,
        delivery: Arc<Delivery>,
    ) -> Pin<Box<dyn Future<Output = Result<(), BusError>> + Send + '_>> {
        Box::pin(async move {
            self.inbound.deliver(delivery).await;
            Ok(())
        })
    }

    fn interest(&self, _room: &Arc<str>) -> Option<Arc<dyn Interest>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::cluster::contract::{self, Node};

    #[tokio::test]
    async fn fulfils_the_contract() {
        contract::check(&Node::new(|inbound| Arc::new(super::LocalBus::new(inbound)))).await;
    }
}

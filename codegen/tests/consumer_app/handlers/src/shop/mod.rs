//! The page `shop`.

pub mod place_order_server_v1;

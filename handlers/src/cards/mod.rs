//! The page `cards`: one table in each room, a game for two whose hands nobody else sees.
//!
//! The events change a table and answer with its new version alone. What the table looks like, to each as they may see
//! it, is pushed as a snapshot: [`tables`] is its source.

pub mod draw_client_v1;
pub mod draw_server_v1;
pub mod leave_client_v1;
pub mod leave_server_v1;
pub mod new_game_client_v1;
pub mod new_game_server_v1;
pub mod play_client_v1;
pub mod play_server_v1;
pub mod read_table_client_v1;
pub mod read_table_server_v1;
pub mod rules;
pub mod sit_client_v1;
pub mod sit_server_v1;
pub mod table;
pub mod tables;

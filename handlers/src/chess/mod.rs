//! The page `chess`: one game in each room. Behind the feature `chess`, for the licence that [`game`] tells of.

pub mod game;
pub mod move_chess_piece_server_v1;
pub mod new_game_server_v1;
pub mod read_game_client_v1;
pub mod read_game_server_v1;

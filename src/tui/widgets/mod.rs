//! Parts that views are made of. They know roles, geometry and how a request is shown, nothing of hubs.

pub mod change;
pub mod dialog;
pub mod editor;
pub mod list;
pub mod panel;
pub mod request;
pub mod states;
pub mod table;
pub mod text;
pub mod text_page;

//! Bounds that DataFusion itself does not keep: memory that it does not count, and work that it does not end.

mod stop;
mod text;
mod window;

pub(crate) use stop::Stop;
pub(crate) use text::bounded_text_functions;
pub(crate) use window::CountWindowInput;

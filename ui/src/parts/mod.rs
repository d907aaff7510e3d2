//! What pages are made of: data in, events out. No part asks the bridge.

mod button;
mod dialog;
mod drawer;
mod evidence;
mod figure;
mod filter_bar;
mod icon;
mod input;
mod live_strip;
mod multi_select;
mod notices;
mod palette;
mod popover;
pub mod run;
mod segmented;
mod states;
mod tip;

pub use button::*;
pub use dialog::*;
pub use drawer::*;
pub use evidence::*;
pub use figure::*;
pub use filter_bar::*;
pub use icon::*;
pub use input::*;
pub use live_strip::*;
pub use multi_select::*;
pub use notices::*;
pub use palette::*;
pub use popover::*;
pub use segmented::*;
pub use states::*;
pub use tip::*;

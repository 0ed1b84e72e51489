//! Simulated devices, watched through the hub: what their twins show is all there is.

mod faults;
mod following;
mod methods;
mod modules;
mod restarts;
mod shapes;
mod stage;
mod steps;
mod updates;

use stage::Stage;

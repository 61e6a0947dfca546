//! Tests of the store as a whole.

mod behaviour;
mod damage;
mod failures;
mod migration;
mod model;
mod race;

//! Tests of the store as a whole.

mod behaviour;
mod failures;
mod migration;
mod model;

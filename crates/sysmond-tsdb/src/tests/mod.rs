//! Tests of the store as a whole.

mod behaviour;
mod churn;
mod failures;
mod migration;
mod model;
mod recording;

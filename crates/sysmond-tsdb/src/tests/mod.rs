//! Tests of the store as a whole.

mod backup;
mod behaviour;
mod churn;
mod damage;
mod disk_full;
mod failures;
mod migration;
mod model;
mod race;
mod recording;
mod restore;

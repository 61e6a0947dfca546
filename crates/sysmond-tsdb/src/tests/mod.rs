//! Tests of the store as a whole.

mod ageing;
mod backup;
mod behaviour;
mod churn;
mod damage;
mod disk_full;
mod failures;
mod forget;
mod migration;
mod model;
mod race;
mod recording;
mod restore;
mod sparse;
mod versions;

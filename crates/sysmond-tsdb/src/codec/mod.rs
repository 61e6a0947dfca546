//! Samples as bytes: bit-exact, versioned, checksummed. Decoders take any bytes: they answer [`Damaged`], never panic,
//! and never allocate more than the declared and bounded row count asks for.
//!
//! From the leaves up: [`bytes`] and [`bits`] are cursors, [`huffman`] a prefix code, [`ints`] a stream of integers,
//! [`floats`] a column of doubles as integers, [`derived`] which columns follow from others, [`ratio`] how a fraction's
//! integers are found again, [`body`] pieces with checksums, [`block`] the rows of one host.

pub(crate) mod bits;
pub(crate) mod block;
pub(crate) mod body;
pub(crate) mod bytes;
mod derived;
pub(crate) mod floats;
#[cfg(test)]
mod golden;
pub(crate) mod huffman;
pub(crate) mod ints;
pub(crate) mod ratio;

use thiserror::Error;

/// Bytes that no encoder wrote.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("damaged: {0}")]
pub(crate) struct Damaged(pub(crate) &'static str);

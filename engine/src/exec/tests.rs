//! A plan runs as quoted.

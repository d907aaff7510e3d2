//! Architectures, graphs, weights and costs.

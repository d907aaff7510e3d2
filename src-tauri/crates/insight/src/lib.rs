//! Insight: what measurements mean. Pure functions over plain data; nothing here reads a file or knows the store.

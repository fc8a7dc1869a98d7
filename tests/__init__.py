"""Tests by kind: architecture, unit, property, golden, contract, integration, chaos, e2e."""

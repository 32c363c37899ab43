"""Tests in a real kernel."""

"""The tests: ``unit`` mirrors the package, ``kernel`` drives real kernels, ``browser`` the page."""

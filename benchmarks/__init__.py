"""What agentnb costs, side by side with its peers: `make bench`, or `python -m benchmarks NAME` for one alone."""

"""Branches: copy-on-write forks of the kernel in which an agent works on all the user's variables, apart from them."""

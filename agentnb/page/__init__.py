"""The kernel's side of the page: events out, commands in. The protocol is in docs/decisions/003-the-page.md."""

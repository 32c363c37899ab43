"""The variables: what there is, told in a line or a digest, and what an action did to them."""

"""Ways to run the ledger: local servers without Docker, images and manifests."""

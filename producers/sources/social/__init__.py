"""Social media: followers and reach out of files that the networks export."""

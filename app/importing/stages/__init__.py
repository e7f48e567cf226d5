"""The four stages of an import. Each stage is a function that a worker process runs for one task: a block, a partition or a bucket."""

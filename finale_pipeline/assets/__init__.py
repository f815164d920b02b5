"""Software-defined assets: thin callers of `finale_pipeline.sync`."""

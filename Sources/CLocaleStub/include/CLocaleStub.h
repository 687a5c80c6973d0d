// Nothing to call: what this target has is found by the linker.

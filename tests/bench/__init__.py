"""Speed and memory, each as a ratio against a baseline measured in the same run."""

"""What has been trained: folders of runs, what they did so far, and their copies in a storage."""

"""Looking for known malware in stored files: a port that ClamAV's daemon, or anything else, can stand behind."""

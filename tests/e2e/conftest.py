collect_ignore = ["stranger"]  # is installed by its test, and imported by other processes alone

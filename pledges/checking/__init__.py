"""核对登记簿: one action asks the register about all patents of a file and reads the check list anew."""

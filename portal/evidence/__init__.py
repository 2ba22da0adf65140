"""办理时限证据单: for each clock a record that can be printed, and the journal entries behind it, to be checked elsewhere."""

"""A pledge contract with many patents: the list comes as a workbook, all of it or nothing."""

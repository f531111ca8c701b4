"""The rules: frameworks as data, the date language, duties, grades, sampling. Pure; no I/O and no clock."""

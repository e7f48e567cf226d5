"""Inspection of a data set file before its import. Nothing is stored, and neither key, keyholder nor database is needed.

read      `block_counts`    blocks of the file, in worker processes, as in an import: rows, rejects, spellings
people    `people_counts`   partitions of people, merged as in an import
sharers   `sharer_counts`   partitions of identifiers: how many people share each

`inspect_file` runs these stages in a temporary folder and returns a `report`. Between them, rows are encrypted as between the stages of an import.
No result contains a value of the file: only counts, lines, cohort names and kinds of items. Workers load these modules, so none imports SQLAlchemy.
"""

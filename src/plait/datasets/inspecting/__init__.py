"""What a file of the user holds: its format and columns, and the settings of a reader for it.

`opening` (bytes → columns of rows), `columns` (what each column is for), `suggesting` (files → the
dataset's entry in params.yaml).
"""

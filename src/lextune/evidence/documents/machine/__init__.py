"""What the documents that programs read share; each of them is a module of the folder above."""

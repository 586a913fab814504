"""What outside systems say, read strictly: documents, tables, numbers, platforms; and a simulated district."""

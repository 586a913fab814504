"""How an event travels: spool, stream, board, history, messages, and the roles that carry it."""

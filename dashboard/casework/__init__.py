"""Tickets one by one: what may be asked of them, the table, a ticket's page, rates, frozen months and exports."""

"""What a CRM says becomes mirror, events, links and ``Touched`` in one transaction: ``page.store_page``.

``reading`` and ``events`` are pure; ``copying`` writes many rows of any model and only those that differ.
"""
